package locktest

// Suites about the exclusive mode, which every lock has: one at a time, in order of
// memory too, by every way to ask for it.

import (
	"github.com/serializing-tokens/lwkt"
)

var exclusionSuites = []Suite{
	{Name: "new", body: isFree},
	{Name: "exclusion", body: excludes},
	{Name: "memory", body: ordersMemory},
	{Name: "lockers", needs: lockers, body: excludesByLocker},
	{Name: "try", needs: trying, body: triesExactly},
	{Name: "recursion", needs: Recursive, body: recurses},
}

// isFree uses a new lock in each way, alone.
func isFree(b *bench) {
	b.Go("only", func(td *lwkt.Thread) {
		b.modes(func(name string, m Mode) {
			for range 3 {
				b.want(!m.Lock(td), "the %s Lock of a free lock tells of a change", name)
				m.Unlock(td)
				if m.TryLock != nil {
					b.want(m.TryLock(td), "the %s TryLock of a free lock fails", name)
					m.Unlock(td)
				}
				if m.LockContext != nil {
					changed, err := m.LockContext(canceled, td)
					b.want(!changed && err == nil, "the %s LockContext of a free lock, with a context that is done, returns %v, %v; what is free is taken even so: false, <nil>", name, changed, err)
					m.Unlock(td)
				}
				if m.Locker != nil {
					l := m.Locker(td)
					l.Lock()
					l.Unlock() //lint:ignore SA2001 whether it can be taken is the question
				}
			}
		})
	})
}

// excludes has all threads enter the section, one of them only if it need not wait.
func excludes(b *bench) {
	done := make([]int, b.Threads)
	b.threads(b.Threads, "thread", func(td *lwkt.Thread, i int) {
		for range b.Rounds {
			if i > 0 || b.Exclusive.TryLock == nil {
				b.Exclusive.Lock(td)
			} else if !b.Exclusive.TryLock(td) {
				b.linger(0)
				continue
			}
			b.alone(td, i+1)
			done[i]++
			b.Exclusive.Unlock(td)
		}
	})
	b.counts(done)
}

// ordersMemory has no variables but plain ones, so that the race detector sees whether
// the lock alone orders what its holders do.
func ordersMemory(b *bench) {
	n, wrote, read, begun := 0, make([]int, b.Threads), make([]int, b.Threads), b.vars(b.Threads)
	b.threads(b.Threads, "thread", func(td *lwkt.Thread, i int) {
		write := func() {
			n++
			wrote[i]++
		}
		if b.Native { // the end of a thread comes before the start of one that starts after it
			b.meet(td, begun, i, "all threads have begun")
		}
		for range b.Rounds {
			b.Exclusive.Lock(td)
			write()
			b.Exclusive.Unlock(td)
			if b.Shared.Lock != nil {
				b.Shared.Lock(td)
				read[i] = max(read[i], n)
				if b.TryUpgrade != nil && b.TryUpgrade(td) {
					write()
					b.Exclusive.Unlock(td)
				} else {
					b.Shared.Unlock(td)
				}
			}
			if b.Downgrade != nil {
				b.lockForDowngrade(td)
				write()
				b.Downgrade(td)
				read[i] = max(read[i], n)
				b.Shared.Unlock(td)
			}
		}
	})
	b.Finally(func() {
		for _, w := range wrote {
			n -= w
		}
		b.want(n == 0, "increments were lost, or made twice: %d too many", n)
	})
}

// excludesByLocker is excludes for code that knows a sync.Locker.
func excludesByLocker(b *bench) {
	done := make([]int, b.Threads)
	b.threads(b.Threads, "thread", func(td *lwkt.Thread, i int) {
		l := b.Exclusive.Locker(td)
		for range b.Rounds {
			l.Lock()
			b.alone(td, i+1)
			done[i]++
			l.Unlock()
			if b.Shared.Locker != nil {
				l := b.Shared.Locker(td)
				l.Lock()
				b.empty(td)
				l.Unlock()
			}
		}
	})
	b.counts(done)
}

// triesExactly has one thread hold the lock in each way, and another one try.
func triesExactly(b *bench) {
	p, x, s := b.phase(), b.Exclusive, b.Shared
	b.Go("holder", func(td *lwkt.Thread) {
		x.Lock(td)
		p.reach(td, 1)
		p.await(2, "the other thread has failed to get what is held exclusively")
		x.Unlock(td)
		p.reach(td, 3)
		if s.Lock == nil {
			return
		}
		p.await(4, "the other thread has got what was free")
		s.Lock(td)
		p.reach(td, 5)
		p.await(6, "the other thread has tried to get what is shared")
		s.Unlock(td)
		p.reach(td, 7)
	})
	b.Go("asker", func(td *lwkt.Thread) {
		try := func(name string, m Mode, want bool, how string) {
			b.want(m.TryLock(td) == want, "the %s TryLock of a lock that %s returns %v", name, how, !want)
			if want {
				m.Unlock(td)
			}
		}
		p.await(1, "the lock is held exclusively")
		for range 2 {
			b.modes(func(name string, m Mode) { try(name, m, false, "another thread holds exclusively") })
		}
		p.reach(td, 2)
		p.await(3, "the lock is free")
		b.modes(func(name string, m Mode) { try(name, m, true, "is free again") })
		if s.Lock == nil {
			return
		}
		p.reach(td, 4)
		p.await(5, "the lock is shared")
		for range 2 {
			try("exclusive", x, false, "is shared")
			try("shared", s, true, "is shared, after tries for exclusive that failed,")
		}
		s.Lock(td)
		s.Unlock(td)
		p.reach(td, 6)
		p.await(7, "the lock is free again")
		b.modes(func(name string, m Mode) { try(name, m, true, "is free again after it was shared") })
	})
}

// recurses takes the lock several times; it is free when it was given back as often.
func recurses(b *bench) {
	deep := 3
	if !b.Finite {
		deep = 70
	}
	depth := b.Var()
	b.Go("owner", func(td *lwkt.Thread) {
		for d := range deep {
			b.want(!b.Exclusive.Lock(td) || d == 0, "Lock number %d by its holder tells of a change", d+1)
			depth.Store(td, d+1)
		}
		if b.Exclusive.TryLock != nil {
			b.want(b.Exclusive.TryLock(td), "TryLock by the holder fails")
			b.Exclusive.Unlock(td)
		}
		for d := range deep {
			depth.Store(td, deep-d-1)
			b.Exclusive.Unlock(td)
		}
	})
	b.Go("other", func(td *lwkt.Thread) {
		for range b.Rounds {
			b.Exclusive.Lock(td)
			d := depth.Load(td)
			b.want(d == 0, "let in when another thread held it %d times", d)
			b.Exclusive.Unlock(td)
		}
	})
}
