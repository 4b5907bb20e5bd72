package locktest

// Suites about a change of mode while the lock is held: upgrade and downgrade leave no
// moment in which somebody else could have been there.

import (
	"github.com/serializing-tokens/lwkt"
)

var changeSuites = []Suite{
	{Name: "upgrade", needs: sharing | upgrading, body: upgrades},
	{Name: "upgrade refused", needs: sharing | upgrading, body: refusesUpgrade},
	{Name: "downgrade", needs: sharing | downgrading, body: downgrades},
	{Name: "downgrade admits", needs: sharing | downgrading, body: downgradeAdmits},
}

// upgrades has threads that become writers on the strength of what they read.
func upgrades(b *bench) {
	done := make([]int, b.Threads)
	b.threads(b.Threads, "thread", func(td *lwkt.Thread, i int) {
		for range b.Rounds {
			if i == 0 { // is in their way
				b.Exclusive.Lock(td)
			} else {
				b.Shared.Lock(td)
				n := b.count.Load(td)
				b.linger(n)
				ok := b.TryUpgrade(td)
				now := b.count.Load(td)
				b.want(now == n, "%d others came between the share and the end of TryUpgrade, which returned %v", now-n, ok)
				if !ok { // the share is still there
					b.Shared.Unlock(td)
					continue
				}
			}
			b.alone(td, i+1)
			done[i]++
			b.Exclusive.Unlock(td)
		}
	})
	b.counts(done)
}

// refusesUpgrade has two sharers of which neither can become the only one, and in the end
// one who can.
func refusesUpgrade(b *bench) {
	in, refused, done := b.vars(2), b.vars(2), make([]int, 3)
	exclusive := func(td *lwkt.Thread, i int) {
		b.alone(td, i+1)
		done[i]++
		b.Exclusive.Unlock(td)
	}
	b.threads(2, "reader", func(td *lwkt.Thread, i int) {
		b.Shared.Lock(td)
		b.meet(td, in, i, "both readers are inside")
		b.want(!b.TryUpgrade(td), "TryUpgrade succeeds beside another sharer")
		b.meet(td, refused, i, "both readers are refused")
		if i == 0 {
			b.Shared.Unlock(td)
			b.Exclusive.Lock(td)
			exclusive(td, i)
		} else if b.TryUpgrade(td) { // if the other one has left
			exclusive(td, i)
		} else {
			b.Shared.Unlock(td)
		}
	})
	b.Go("writer", func(td *lwkt.Thread) {
		b.Until("both readers are refused", func() bool { return all(refused) })
		b.Exclusive.Lock(td)
		exclusive(td, 2)
		k := b.s.New()
		k.Shared.Lock(td)
		b.want(k.TryUpgrade(td), "TryUpgrade by the only sharer of a lock that nobody else knows fails")
		k.Exclusive.Unlock(td)
		k.Exclusive.Lock(td)
		k.Exclusive.Unlock(td)
	})
	b.counts(done)
}

func (b *bench) lockForDowngrade(td *lwkt.Thread) {
	if b.ForDowngrade != nil {
		b.ForDowngrade(td)
	} else {
		b.Exclusive.Lock(td)
	}
}

// downgrades has writers that go on as readers and find what they wrote.
func downgrades(b *bench) {
	last, done := b.Var(), make([]int, b.Threads)
	b.threads(b.Threads, "writer", func(td *lwkt.Thread, i int) {
		for r := range b.Rounds {
			b.lockForDowngrade(td)
			b.alone(td, i+1)
			done[i]++
			last.Store(td, i+1)
			b.Downgrade(td)
			b.linger(r)
			b.empty(td)
			w := last.Load(td)
			b.want(w == i+1, "writer %d came between the downgrade by writer %d and its end", w, i+1)
			b.Shared.Unlock(td)
		}
	})
	b.counts(done)
}

// downgradeAdmits has readers wait for a writer that downgrades.
func downgradeAdmits(b *bench) {
	p, in := b.phase(), b.vars(b.Threads)
	b.threads(b.Threads, "thread", func(td *lwkt.Thread, i int) {
		if i == 0 {
			b.lockForDowngrade(td)
			p.reach(td, 1)
			for range 3 {
				b.alone(td, 1)
			}
			b.Downgrade(td)
		} else {
			p.await(1, "the writer is inside")
			b.Shared.Lock(td)
			b.empty(td)
		}
		b.meet(td, in, i, "the writer and those who waited for it are inside together")
		b.Shared.Unlock(td)
	})
}
