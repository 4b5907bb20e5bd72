package lock

// Waiting for a lock, and who is next: the part of the algorithm that runs under the lock
// of the queue. Locks that must not be held across sleep wait on a turnstile and lend
// priority; the others wait on a sleep queue.
//
// A waiter stays on its queue until it has the lock or gives up. Whoever lets go of a lock
// that somebody waits for calls the best waiter, which tries for itself; others may come
// before it. After patience failures it is hard: then the lock is barred, and whoever lets
// go of it last hands it over.
//
// Sharers do not pass who waits for exclusive use, or it might never be called. Those of a RWLock do while somebody who was called
// has not come yet, for a while: it will come soon, and until then the lock would be idle. If the first exclusive waiter
// came in vain before, they do not. Nobody is forgotten by that: who passes is a holder like others, and who was called looks.
//
// State machine: word.go
//
// No wake-up is lost. Between two sections under the queue's lock, if there are waiters:
// the best one is kept out by holders, and the last of these finds marks in the word and
// looks (quiet is false: nobody is called, or the lock is barred); or that last one has gone and is
// about to look; or somebody is called, who will look; and each section ends with look.

import (
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
	"github.com/serializing-tokens/lwkt/internal/turnstile"
	"github.com/serializing-tokens/lwkt/internal/waitq"
)

// section is the time under the lock of a lock's queue.
type section struct {
	seen    hw.Memory
	l       *Lock
	bounded bool
	sleeper string // who sleeps with what others wait for
	chain   *waitq.Chain
	wakes   waitq.Wakes
}

// begin locks the queue.
func (s *section) begin(l *Lock, c thread.Class) {
	s.seen, s.l, s.bounded, s.sleeper = hw.Recall(), l, !c.Sleepable(), ""
	hash := uint64(uintptr(unsafe.Pointer(l))) * 0x9e3779b97f4a7c15 >> 48
	if s.bounded {
		s.chain = turnstile.Table.Lock(hash)
	} else {
		s.chain = sleepq.Table.Lock(hash)
	}
}

// end looks who is next, brings the marks up to date, unlocks the queue and wakes. If self,
// who does so and may be a waiter, turned out to be next, that is said. What the caller wants to
// remember of the section is live.
func (s *section) end(self *waitq.Waiter, live ...uint64) (next bool) {
	if self == nil || self.State != waitq.Queued || !planted(LooksOnce) {
		s.look(self)
	}
	next = self != nil && (self.State == waitq.Called || self.State == waitq.Granted)
	s.chain.Unlock()
	seen := s.seen.With(live...).With(hw.Bit(next))
	seen.Forget(s.wakes.Sum())
	s.wakes.Flush()
	seen.Forget()
	return next
}

// leave takes a waiter off the queue.
func (s *section) leave(q *waitq.Queue, w *waitq.Waiter, now waitq.State) {
	if s.bounded {
		turnstile.Leave(q, w, now)
	} else {
		q.Remove(w, now)
	}
}

// look calls or grants whoever is next, and marks the word.
func (s *section) look(self *waitq.Waiter) {
	for {
		s.serve(self)
		q := s.chain.Find(s.l)
		s.l.mark(q)
		if q == nil || q.Called > 0 || !s.l.fits(s.l.best(q)) {
			return
		}
		// The last holder left before there were marks that it could see.
	}
}

// serve calls or grants whoever is next.
func (s *section) serve(self *waitq.Waiter) {
	l := s.l
	q := s.chain.Find(l)
	for q != nil && q.Len > 0 {
		w := l.best(q)
		if !l.fits(w) {
			break
		}
		if !w.Hard {
			if q.Called == 0 {
				s.call(q, w, self)
			}
			break
		}
		if l.give(w) { // T9, T11
			if s.taken(q, w); w != self {
				s.wakes.Add(w.TD)
			}
			q = s.chain.Find(l)
		}
	}
}

// best is who is to be served first: if sharers pass, one of them.
func (l *Lock) best(q *waitq.Queue) *waitq.Waiter {
	if s := q.First(token.Shared); s != nil && l.Flag(PassX) {
		return s
	}
	return q.Best()
}

// call tells the waiter to try; of sharers all of them, and all of one mode if the lock
// is one that wakes all, those for exclusive use before the others if that is possible now.
func (s *section) call(q *waitq.Queue, w, self *waitq.Waiter) {
	if x := q.First(token.Exclusive); x != nil && s.l.Flag(WakeAll) && !s.l.Flag(PassX) && s.l.fits(x) {
		w = x
	}
	q.Waiters(w.Mode, func(o *waitq.Waiter) bool {
		q.Call(o)
		if o != self {
			s.wakes.Add(o.TD)
		}
		return w.Mode == token.Shared || s.l.Flag(WakeAll)
	})
}

// mark sets the marks to what the queue says (T8, W2).
func (l *Lock) mark(q *waitq.Queue) {
	var m Word
	pass := false // sharers may, until T23
	if q != nil {
		if x := q.First(token.Exclusive); x != nil {
			pass = q.Called > 0 && x.Tries == 0 && l.Class() == thread.RW
			if x.Rank != waitq.Drains {
				m |= waitX | kept
			}
			if x.Rank == waitq.Upgrades {
				m |= upgrade
			}
			if q.Last(token.Exclusive).Rank == waitq.Drains {
				m |= drain
			}
		}
		if !q.Empty(token.Shared) {
			m |= waitS
		}
		if q.Called > 0 {
			m |= called
		}
		if q.Hard > 0 {
			m |= barred
		}
	}
	change := func(w Word) (Word, bool) {
		if pass && w&(called|kept) != called|kept {
			return w&^marks | m&^kept, true
		}
		return w&^marks | m, true
	}
	if m.closes() {
		l.settle(change) // W4
	} else {
		l.turn(change)
	}
}

// fits says whether the holds admit a waiter.
func (l *Lock) fits(w *waitq.Waiter) bool {
	if w.Rank == waitq.Upgrades {
		return l.load().only() // it is the waiter's
	}
	return l.load().compatible(w.Mode)
}

// give makes a waiter a holder, if the holds admit that.
func (l *Lock) give(x *waitq.Waiter) bool {
	if x.Rank == waitq.Upgrades {
		return l.change(x.TD.ID(), 0) // T11
	}
	return l.turn(func(w Word) (Word, bool) { return w.with(x.Mode, x.TD.ID()), w.compatible(x.Mode) }) // T9
}

// wait waits for the lock, with all tokens given up: they are to be taken back by Resume. The
// interlock is dropped when the thread is on the queue. If out is second the thread has not
// waited and nothing was given up.
func (l *Lock) wait(r *thread.Record, op string, c thread.Class, q *Request) (held thread.Suspended, out Outcome) {
	if c.Sleepable() {
		r.MaySleepBut(op, q.dropped())
		defer r.Wakes()
	} else {
		r.MayDrop(op)
	}
	w := waitq.Of(r)
	r.PreparePark()
	seen := hw.Recall()
	var s section
	s.begin(l, c)
	if q.rank == waitq.Upgrades && l.load()&upgrade != 0 {
		s.end(nil)
		return held, second
	}
	r.CountWait()
	on := l.insert(&s, w, q)
	l.mark(on)                                    // from here on its owner cannot let go unseen
	destroyed := l.load().Owner() == dead.Owner() // since the last look; from here on it cannot be
	if s.lend(on, w); s.sleeper != "" || destroyed {
		s.leave(on, w, waitq.Idle)
		s.end(nil)
		l.alive(r, op)
		l.noSleeper(r, op, c, s.sleeper)
	}
	next := s.end(w) // it may be free by now
	q.drop(r)
	held = r.Suspend() // on the queue already, so nobody is missed
	slept, deadline := false, r.Deadline(q.Timeout)
	sure := q.Done == nil && deadline == 0 // nothing else will end the wait
	for why := hw.Permit; ; {
		seen.Forget(hw.Bit(next), hw.Bit(slept), uint64(deadline))
		if !next {
			if sure {
				r.Parks(&l.Object, c, q.Mode)
			}
			if why, slept = r.Park(q.Done, deadline), true; !r.Hosted() {
				l.watch(r, q.Mode)
			}
			if sure {
				r.Unparks()
			}
		}
		s.begin(l, c)
		woken := q.SleepFail && slept && w.State != waitq.Queued
		ok := !(woken && w.State == waitq.Called) && s.try(w)
		stuck := !ok && why == hw.Permit && s.sleeper != ""
		if !ok && (woken || why != hw.Permit || stuck) {
			s.leave(w.Queue(), w, waitq.Idle)
		}
		next = s.end(w, hw.Bit(ok), hw.Bit(woken), hw.Bit(stuck))
		if stuck {
			l.noSleeper(r, op, c, s.sleeper)
		}
		if ok || woken || why != hw.Permit {
			w.Done()
			q.granted = ok && woken // it was handed over
			out = ended(ok, woken, why)
			seen.Forget(uint64(out), hw.Bit(q.granted))
			return held, out
		}
	}
}

// noSleeper panics, with the tokens taken back, since who is waited for sleeps.
func (l *Lock) noSleeper(r *thread.Record, op string, c thread.Class, sleeper string) {
	r.MisuseLock(op, &l.Object, c, sleeper)
}

// insert puts a waiter on the queue.
func (l *Lock) insert(s *section, w *waitq.Waiter, q *Request) (on *waitq.Queue) {
	on = s.chain.InsertRanked(l, w, q.Mode, q.rank)
	if q.rank == waitq.Upgrades {
		on.Harden(w) // it is not told to try: it is told that it has it
	}
	return on
}

// ended says how a wait has ended.
func ended(ok, woken bool, why hw.Why) Outcome {
	switch {
	case woken:
		return Slept
	case ok:
		return Got
	case why == hw.Deadline:
		return TimedOut
	}
	return Cancelled
}

// lend makes a waiter lend to the owner of the lock, if that is what its queue is for.
func (s *section) lend(q *waitq.Queue, w *waitq.Waiter) {
	if s.bounded {
		s.sleeper = turnstile.Block(q, w, thread.ByID(s.l.load().Owner()))
	}
}

// try is what a waiter does when it is woken: it says whether it has the lock now.
func (s *section) try(w *waitq.Waiter) bool {
	q := w.Queue()
	if q == nil {
		return true // granted
	}
	if w.State != waitq.Called {
		return false // woken without a cause
	}
	q.Settle(w)
	if (q.Hard == 0 && w.Rank == waitq.Plain || q.Best() == w) && s.l.give(w) { // T9, T11
		s.taken(q, w)
		return true
	}
	s.overtaken(q, w)
	s.lend(q, w) // whoever it is that has it now
	return false
}

// overtaken counts that somebody else was faster than w, which is hard after patience times.
func (s *section) overtaken(q *waitq.Queue, w *waitq.Waiter) {
	if w.Tries++; w.Tries >= patience.Load() && w.Rank == waitq.Plain && (w.Mode == token.Shared || !s.l.Flag(PassX)) {
		q.Harden(w)
	}
}

// taken takes a waiter that has the lock off the queue, and makes it the one to whom those
// who are left lend. Those who came before it were overtaken by its priority.
func (s *section) taken(q *waitq.Queue, w *waitq.Waiter) {
	for o := range q.Older(w) {
		s.overtaken(q, o)
	}
	s.leave(q, w, waitq.Granted)
	if q.Len > 0 && s.bounded && w.Mode == token.Exclusive { // else the queue is that waiter's now
		turnstile.SetOwner(q, w.TD)
	}
}

// watch looks at the lock for a moment before a waiter that was woken tries.
func (l *Lock) watch(r *thread.Record, m token.Mode) {
	for range spins {
		if w := l.load(); w.compatible(m) || w.Owner() == r.ID() {
			return // free, or handed over
		}
		hw.Pause(spinPause)
	}
}

// passed notes that a sharer has passed somebody who was called, as one in 64 does, and ends that for all if it lasts:
// when the second of them comes since the last exclusive hold (T19, T23), else after some thousand, by chance, so
// that nobody has to count; on a simulated machine at once. Who was called is on its way, but where there are more
// goroutines than processors the scheduler may let it wait for milliseconds, if nobody else blocks.
func (l *Lock) passed(r *thread.Record, w Word) {
	now := w + calmOnce
	if w.calm() > 0 || r.Hosted() || r.CountLast() {
		now = w | kept
	}
	l.word.CompareAndSwap(uint64(w), uint64(now))
}

// let gives up one hold, in the word or in a slot, and calls who is next.
func (l *Lock) let(r *thread.Record, c thread.Class, m token.Mode, slot int) {
	seen, waited := hw.Recall(), false
	free := func(w Word) (Word, bool) {
		waited = w&marks != 0
		return w.without(m), w.quiet(m) && !(waited && r.Lent() != 0) // or there is something to be taken back
	}
	switch {
	case slot != 0:
		l.goOut(r, c, slot)
	case m == token.Shared:
		w := l.dropShare()
		l.lookAfter(w, c)
		if c == thread.RW && counts(r, w) {
			l.noteRead(r, w)
		}
	case planted(TrustsLook) && l.load().quiet(m):
		l.word.Store(uint64(l.load().without(m))) // T5
	case !planted(TrustsLook) && l.turn(free): // T5
		if waited {
			r.Released() // somebody may have lent to it after the look
		}
	default:
		l.shed(c, 0) // T5
	}
	seen.Forget()
}

// shed removes the hold of the owner, adds what is to stay of it, and calls who is next.
func (l *Lock) shed(c thread.Class, stay Word) {
	var s section
	s.begin(l, c)
	l.turn(func(w Word) (Word, bool) { return w.without(token.Exclusive) + stay, true })
	if q := s.chain.Find(l); q != nil && s.bounded {
		turnstile.SetOwner(q, nil)
	}
	s.end(nil)
}
