package locktest

// Suites about a lock and the thread that has it: what happens to tokens and to the lock
// when that blocks, and how wrong uses are answered.

import (
	"context"
	"errors"

	"github.com/serializing-tokens/lwkt"
)

var threadSuites = []Suite{
	{Name: "tokens", needs: GivesTokensUp, sampled: true, body: func(b *bench) { givesTokensUp(b, b.Exclusive, nil) }},
	{Name: "tokens shared", needs: GivesTokensUp | sharing, sampled: true, body: func(b *bench) { givesTokensUp(b, b.Shared, nil) }},
	{Name: "tokens and cancel", needs: GivesTokensUp | cancelling, sampled: true, body: givesTokensUpInVain},
	{Name: "tokens kept", needs: GivesTokensUp, body: keepsTokens},
	{Name: "kept asleep", needs: KeptAsleep | trying, body: func(b *bench) { blocks(b, false) }},
	{Name: "dropped asleep", needs: DroppedAsleep, body: func(b *bench) { blocks(b, true) }},
	{Name: "misuse", needs: Checked, body: findsMisuse},
	{Name: "foreign unlock", needs: Checked, body: func(b *bench) { refusesForeign(b, b.Exclusive) }},
	{Name: "foreign unlock shared", needs: Checked | sharing, body: func(b *bench) { refusesForeign(b, b.Shared) }},
	{Name: "no recursion", needs: Checked, lacks: Recursive, body: refusesRecursion},
	{Name: "left held", needs: Found, body: findsLeftHeld},
}

// givesTokensUp has a thread wait for the lock with a token in hand, which another one
// takes meanwhile. If give is not nil it gives up the wait.
func givesTokensUp(b *bench, m Mode, give func()) {
	p, tok := b.phase(), lwkt.NewToken("outer")
	b.Go("waiter", func(td *lwkt.Thread) {
		p.await(1, "the lock is held")
		tok.Acquire(td)
		p.reach(td, 2)
		changed := m.Lock(td)
		b.want(changed, "the token changed hands during the wait, and nobody says so")
		b.want(tok.Held(td) == lwkt.Exclusive, "the wait ends without the token")
		tok.Release(td)
		m.Unlock(td)
		p.reach(td, 3)
	})
	b.Go("holder", func(td *lwkt.Thread) {
		b.Exclusive.Lock(td)
		p.reach(td, 1)
		p.await(2, "the other one has the token and asks for the lock")
		// To wait for the token might give up the lock.
		for n := 0; !tok.TryAcquire(td); n++ {
			b.want(b.Native || n < 10_000, "a thread that waits for the lock keeps its token")
			b.Yield()
		}
		if give != nil {
			give()
		}
		tok.Release(td)
		if give != nil {
			p.await(3, "the other one has given up")
		}
		b.Exclusive.Unlock(td)
	})
}

// givesTokensUpInVain is the same for a wait that is given up.
func givesTokensUpInVain(b *bench) {
	ctx, cancel := context.WithCancel(context.Background())
	givesTokensUp(b, Mode{
		Lock: func(td *lwkt.Thread) bool {
			changed, err := b.Exclusive.LockContext(ctx, td)
			b.want(errors.Is(err, context.Canceled), "LockContext of a lock that another thread holds returns the error %v", err)
			return changed
		},
		Unlock: func(*lwkt.Thread) {},
	}, cancel)
}

// keepsTokens takes the free lock with a token in hand.
func keepsTokens(b *bench) {
	b.Go("only", func(td *lwkt.Thread) {
		tok := lwkt.NewToken("outer")
		tok.Acquire(td)
		b.modes(func(name string, m Mode) {
			drops := td.Stats().Drops
			b.want(!m.Lock(td), "the %s Lock of a free lock tells of a change", name)
			b.want(td.Stats().Drops == drops, "the %s Lock of a free lock gives tokens up", name)
			m.Unlock(td)
		})
		tok.Release(td)
	})
}

// blocks has a thread block with the lock held.
func blocks(b *bench, dropped bool) {
	p := b.phase()
	b.Go("sleeper", func(td *lwkt.Thread) {
		b.Exclusive.Lock(td)
		td.Block(func() {
			p.reach(td, 1)
			p.await(2, "the other one has tried")
		})
		b.alone(td, 1)
		b.Exclusive.Unlock(td)
	})
	b.Go("other", func(td *lwkt.Thread) {
		p.await(1, "the holder is blocked")
		if dropped {
			b.Exclusive.Lock(td)
			b.alone(td, 2)
			b.Exclusive.Unlock(td)
		} else {
			b.modes(func(name string, m Mode) {
				b.want(!m.TryLock(td), "another thread gets the lock, %s, of a thread that is blocked", name)
			})
		}
		p.reach(td, 2)
	})
}

// misuse wants f to panic with a *lwkt.Misuse.
func (b *bench) misuse(what string, f func()) {
	v := func() (v any) {
		defer func() { v = recover() }()
		f()
		return nil
	}()
	b.want(v != nil, "%s does not panic", what)
	_, ok := v.(*lwkt.Misuse)
	b.want(ok, "%s panics with %v, and not with a *lwkt.Misuse", what, v)
}

// usable wants the lock to be free, after misuse.
func (b *bench) usable(td *lwkt.Thread) {
	b.modes(func(_ string, m Mode) {
		if m.TryLock == nil {
			m.Lock(td)
		} else {
			b.want(m.TryLock(td), "the lock is not free after misuse")
		}
		m.Unlock(td)
	})
}

// findsMisuse is what one thread can do wrong.
func findsMisuse(b *bench) {
	b.Go("only", func(td *lwkt.Thread) {
		b.modes(func(name string, m Mode) {
			b.misuse("the "+name+" Unlock of a new lock", func() { m.Unlock(td) })
			b.misuse("the "+name+" Lock by a nil Thread", func() { m.Lock(nil) })
			b.misuse("the "+name+" Unlock by a nil Thread", func() { m.Unlock(nil) })
			m.Lock(td)
			m.Unlock(td)
			b.misuse("a second "+name+" Unlock", func() { m.Unlock(td) })
			b.usable(td)
		})
	})
}

// refusesForeign has a thread unlock what another one holds.
func refusesForeign(b *bench, m Mode) {
	p := b.phase()
	b.Go("holder", func(td *lwkt.Thread) {
		m.Lock(td)
		p.reach(td, 1)
		p.await(2, "the other one has tried to unlock")
		m.Unlock(td) // and still could
		b.usable(td)
	})
	b.Go("other", func(td *lwkt.Thread) {
		p.await(1, "the lock is held")
		b.misuse("the Unlock of what another thread holds", func() { m.Unlock(td) })
		if b.Exclusive.TryLock != nil {
			b.want(!b.Exclusive.TryLock(td), "a refused Unlock has unlocked")
		}
		p.reach(td, 2)
	})
}

// refusesRecursion has a thread take what it holds.
func refusesRecursion(b *bench) {
	b.Go("only", func(td *lwkt.Thread) {
		b.Exclusive.Lock(td)
		b.misuse("Lock by the holder of a lock that is not recursive", func() { b.Exclusive.Lock(td) })
		if b.Exclusive.TryLock != nil {
			b.want(!b.Exclusive.TryLock(td), "TryLock by the holder of a lock that is not recursive succeeds")
		}
		b.Exclusive.Unlock(td)
		b.usable(td)
	})
}

// findsLeftHeld has threads end that hold the lock. They are threads of the moment, which
// need no host since they do not wait.
func findsLeftHeld(b *bench) {
	b.Go("only", func(td *lwkt.Thread) {
		b.modes(func(name string, m Mode) {
			b.misuse("the end of a thread that holds the lock, "+name+",", func() {
				lwkt.Run("careless", func(td *lwkt.Thread) { m.Lock(td) })
			})
			b.usable(td)
		})
	})
}
