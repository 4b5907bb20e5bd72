package locktest

// Suites about waiting: nobody waits for ever, a wait that is given up leaves nothing
// behind, and waiting costs no memory.

import (
	"context"
	"errors"
	"runtime"

	"github.com/serializing-tokens/lwkt"
)

var waitingSuites = []Suite{
	{Name: "wakeup", body: wakesUp},
	{Name: "writer among writers", needs: ServesWriters, sampled: true, body: func(b *bench) { served(b, b.Exclusive, b.Exclusive) }},
	{Name: "writer among readers", needs: sharing | ServesWriters, sampled: true, body: func(b *bench) { served(b, b.Exclusive, b.Shared) }},
	{Name: "reader among writers", needs: sharing | ServesReaders, sampled: true, body: func(b *bench) { served(b, b.Shared, b.Exclusive) }},
	{Name: "cancel", needs: cancelling, body: func(b *bench) { cancels(b, b.Exclusive, b.Exclusive, b.Exclusive, false) }},
	{Name: "cancel shared", needs: cancelling | sharing, body: func(b *bench) { cancels(b, b.Exclusive, b.Shared, b.Exclusive, false) }},
	{Name: "cancel among sharers", needs: cancelling | sharing, body: func(b *bench) { cancels(b, b.Shared, b.Exclusive, b.Shared, true) }},
	{Name: "cancel or grant", needs: cancelling, sampled: true, body: cancelsOrGrants},
	{Name: "allocations", allocs: true, body: allocatesNothing},
}

// canceled is a context that is done.
var canceled = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// wakesUp has all threads wait for each other in both modes; that they end is all that is
// asked for.
func wakesUp(b *bench) {
	v := b.Var()
	b.threads(b.Threads, "thread", func(td *lwkt.Thread, i int) {
		for r := range b.Rounds {
			m := b.Exclusive
			if b.Shared.Lock != nil && (i+r)%3 == 0 {
				m = b.Shared
			}
			m.Lock(td)
			v.Load(td) // where others may run
			b.linger(0)
			m.Unlock(td)
		}
	})
}

// served has threads that take the lock again and again, as long as another one does not
// get it. They see to it that it is never free for long, if the lock does not.
func served(b *bench, victim, stream Mode) {
	const threads = 3
	bound := b.s.Bound
	if bound == 0 {
		bound = 1000
	}
	asked, got, newest, passed, in := b.Var(), b.Var(), b.Var(), b.Var(), b.vars(threads)
	b.threads(threads, "stream", func(td *lwkt.Thread, i int) {
		for me := i + 1; got.Load(td) == 0; me += threads {
			stream.Lock(td)
			newest.Store(td, me)
			in[i].Store(td, 1)
			if asked.Load(td) == 1 {
				n := passed.Load(td) + 1
				passed.Store(td, n)
				b.want(b.Native || n <= bound, "a thread that waits was overtaken %d times", n)
			}
			// Of sharers the newest stays until there is a newer one; if that is kept
			// out, as it should be, it does not stay for ever.
			for tries := 0; tries < 20 && newest.Load(td) == me; tries++ {
				b.Yield()
			}
			stream.Unlock(td)
		}
	})
	b.Go("victim", func(td *lwkt.Thread) {
		b.Until("all others have been inside", func() bool { return all(in) })
		asked.Store(td, 1)
		victim.Lock(td)
		got.Store(td, 1)
		victim.Unlock(td)
	})
}

// cancels has a thread give up while another one holds the lock; a third one, which came
// after it, gets the lock as if it had not been there; together with the holder, if they
// can be.
func cancels(b *bench, holder, quitter, later Mode, together bool) {
	p, gone, in := b.phase(), b.vars(1), b.vars(1)
	ctx, cancel := context.WithCancel(context.Background())
	b.Go("holder", func(td *lwkt.Thread) {
		holder.Lock(td)
		p.reach(td, 1)
		p.await(2, "the others ask")
		for range 3 {
			b.linger(0)
		}
		cancel()
		b.Until("the thread whose context is done has given up", func() bool { return all(gone) })
		if together {
			b.Until("a sharer that came after it is inside", func() bool { return all(in) })
		}
		holder.Unlock(td)
	})
	b.Go("quitter", func(td *lwkt.Thread) {
		p.await(1, "the lock is held")
		p.reach(td, 2)
		_, err := quitter.LockContext(ctx, td)
		b.want(errors.Is(err, context.Canceled), "LockContext of a lock that another thread holds returns the error %v", err)
		gone[0].Store(td, 1)
	})
	b.Go("later", func(td *lwkt.Thread) {
		p.await(2, "another thread asks")
		later.Lock(td)
		in[0].Store(td, 1)
		later.Unlock(td)
		b.Exclusive.Lock(td)
		b.Exclusive.Unlock(td)
	})
}

// cancelsOrGrants has a thread whose context is done at any moment, among others.
func cancelsOrGrants(b *bench) {
	round, done := b.Var(), make([]int, b.Threads)
	contexts, cancel := make([]context.Context, b.Rounds), make([]context.CancelFunc, b.Rounds)
	for r := range b.Rounds {
		contexts[r], cancel[r] = context.WithCancel(context.Background())
	}
	b.Go("canceler", func(td *lwkt.Thread) {
		for r := range b.Rounds {
			b.Until("the next round begins", func() bool { return round.Value() > r })
			for range r % 8 {
				b.Yield()
			}
			cancel[r]()
		}
	})
	b.Go("quitter", func(td *lwkt.Thread) {
		for r := range b.Rounds {
			round.Store(td, r+1)
			shared := b.Shared.Lock != nil && r%2 == 1
			m := b.Exclusive
			if shared {
				m = b.Shared
			}
			_, err := m.LockContext(contexts[r], td)
			switch {
			case err != nil:
				b.want(errors.Is(err, context.Canceled), "LockContext returns the error %v", err)
				continue
			case shared:
				b.empty(td)
			default:
				b.alone(td, 1)
				done[0]++
			}
			m.Unlock(td)
		}
	})
	b.threads(b.Threads-1, "other", func(td *lwkt.Thread, i int) {
		for range b.Rounds {
			b.Exclusive.Lock(td)
			b.alone(td, i+2)
			done[i+1]++
			b.Exclusive.Unlock(td)
		}
	})
	b.counts(done)
}

// allocatesNothing has two threads wait for each other, and measures after a while.
func allocatesNothing(b *bench) {
	const warm, rounds = 200, 2000
	var over bool // (lock)
	hold := func(td *lwkt.Thread) {
		b.modes(func(_ string, m Mode) {
			m.Lock(td)
			b.Yield() // so that the other one comes to wait
			b.Yield()
			m.Unlock(td)
		})
	}
	var before, after runtime.MemStats
	b.Go("measures", func(td *lwkt.Thread) {
		for range warm {
			hold(td)
		}
		runtime.ReadMemStats(&before)
		for range rounds {
			hold(td)
		}
		runtime.ReadMemStats(&after)
		b.Exclusive.Lock(td)
		over = true
		b.Exclusive.Unlock(td)
	})
	b.Go("other", func(td *lwkt.Thread) {
		for end := false; !end; {
			hold(td)
			b.Exclusive.Lock(td)
			end = over
			b.Exclusive.Unlock(td)
			b.Yield() // with the lock free: one that is not fair may have waited for that
		}
	})
	b.Finally(func() {
		n := after.Mallocs - before.Mallocs
		b.want(n < rounds/10, "%d allocations in %d rounds of waiting", n, rounds)
	})
}
