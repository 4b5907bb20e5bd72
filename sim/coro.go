//go:build !race

package sim

// Switching between threads as coroutines (iter.Pull): about 65 ns from a thread to the
// machine and on to another thread. The file coro_race.go does it for the race
// detector, which would take each switch of this kind for synchronization.

import "iter"

// inline says that a thread at a pause may decide itself who goes on.
const inline = true

// coro is a coroutine that lives for many threads.
type coro struct {
	next    func() (struct{}, bool)
	stop    func()
	back    func(struct{}) bool
	goid    uint64
	request func() // unused here
}

// unwound is what a coroutine whose thread ended its goroutine panics with at last, so
// that the Goexit ends there and not in whoever resumed it.
type unwound struct{ p *proc }

// run lets the thread go on until it pauses or ends. It panics with unwound if the
// thread ended its goroutine.
func (p *proc) run() {
	if p.next == nil {
		p.next, p.stop = iter.Pull(p.body)
	}
	p.next()
}

// buried makes the end of a goroutine, if that is what is panicking, one of its thread.
func buried(v any) {
	u, ok := v.(unwound)
	switch {
	case ok:
		u.p.next, u.p.stop, u.p.back = nil, nil, nil
	case v != nil:
		panic(v)
	}
}

func (p *proc) body(yield func(struct{}) bool) {
	p.back = yield
	p.goid = goid()
	defer func() {
		if p.unwound {
			panic(unwound{p})
		}
	}()
	for {
		p.main()
		if !yield(struct{}{}) {
			return
		}
	}
}

func (p *proc) yield() { p.back(struct{}{}) }

// close ends the coroutine.
func (p *proc) close() {
	if p.next != nil {
		p.stop()
		p.next, p.stop, p.back = nil, nil, nil
	}
}

// holds evaluates what the thread awaits.
func (p *proc) holds() bool { return p.cond() }

// edge stands for what the race detector is to take for synchronization.
type edge struct{}

func (*edge) acquire()           {}
func (*edge) release()           {}
func raceBegin(*Machine)         {}
func raceEnd(*Machine)           {}
func raceOver(p *proc, f func()) { f() }
func raceOpen(f func())          { f() }
func raceStart(*proc)            {}
func raceStop(*proc)             {}
