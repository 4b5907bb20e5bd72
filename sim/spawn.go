package sim

// Threads that are started by threads through package lwkt, on whatever host they are.

import "github.com/serializing-tokens/lwkt"

// Spawn is that of the core's Spawner.
//
//go:norace
func (p *proc) Spawn(name string, f func(td any), done chan struct{}) {
	p.m.Go(name, func(td *lwkt.Thread) {
		f(td)
		q := procOf(td)
		q.plain(Close, doneKey(done))
		q.m.chans.release()
		close(done)
	})
}
