package locktest

// Suites about the shared mode: sharers are inside together, and keep the exclusive out.

import (
	"github.com/serializing-tokens/lwkt"
)

var sharingSuites = []Suite{
	{Name: "sharers together", needs: sharing, body: sharersMeet},
	{Name: "sharers or one", needs: sharing, body: sharersOrOne},
	{Name: "shared recursion", needs: sharing | SharedRecursive, body: recursesShared},
}

// sharersMeet wants all sharers inside at once.
func sharersMeet(b *bench) {
	in := b.vars(b.Threads)
	b.threads(b.Threads, "reader", func(td *lwkt.Thread, i int) {
		b.Shared.Lock(td)
		b.meet(td, in, i, "all readers are inside")
		b.Shared.Unlock(td)
	})
}

// sharersOrOne has readers and writers, who look whether the other kind is inside.
func sharersOrOne(b *bench) {
	readers := b.vars((b.Threads + 1) / 2)
	b.threads(len(readers), "reader", func(td *lwkt.Thread, i int) {
		for r := range b.Rounds {
			b.Shared.Lock(td)
			readers[i].Store(td, 1)
			b.linger(r)
			b.empty(td)
			readers[i].Store(td, 0)
			b.Shared.Unlock(td)
		}
	})
	done := make([]int, b.Threads-len(readers))
	b.threads(len(done), "writer", func(td *lwkt.Thread, i int) {
		for range b.Rounds {
			b.Exclusive.Lock(td)
			b.alone(td, i+1)
			done[i]++
			for r, v := range readers {
				b.want(v.Load(td) == 0, "writer %d and reader %d are inside together", i+1, r+1)
			}
			b.Exclusive.Unlock(td)
		}
	})
	b.counts(done)
}

// recursesShared is recurses in the other mode, with somebody who waits for exclusive
// in between: a share on top of a share must not wait for that.
func recursesShared(b *bench) {
	p, depth := b.phase(), b.Var()
	b.Go("reader", func(td *lwkt.Thread) {
		b.Shared.Lock(td)
		depth.Store(td, 1)
		p.reach(td, 1)
		p.await(2, "the writer asks")
		for range 3 {
			b.linger(0)
		}
		b.Shared.Lock(td)
		depth.Store(td, 2)
		b.Shared.Unlock(td)
		depth.Store(td, 0)
		b.Shared.Unlock(td)
	})
	b.Go("writer", func(td *lwkt.Thread) {
		p.await(1, "the reader is inside")
		p.reach(td, 2)
		b.Exclusive.Lock(td)
		d := depth.Load(td)
		b.want(d == 0, "a writer was let in when a reader was %d deep", d)
		b.Exclusive.Unlock(td)
	})
}
