package lock

// Requests: all that can be asked of a lock in one call, which is more than most locks offer
// and what lockmgr(9) is made of; and the changes of mode that may wait.
//
// An upgrade keeps its share while it waits for the other sharers to go, and keeps new
// ones out meanwhile; so nobody is in between. Two that did so would wait for each other: the
// second one gives its share up.
//
// State machine: word.go

import (
	"fmt"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
	"github.com/serializing-tokens/lwkt/internal/waitq"
)

// Request is a wish for a lock.
type Request struct {
	Mode      token.Mode
	Drain     bool             // exclusively, when nobody else has it or waits for it
	NoWait    bool             // or not at all
	SleepFail bool             // or not at all, if that took a wait
	Recurse   bool             // also if the thread has it
	Avoid     bool             // a share of what the thread has exclusively is Deadlock, no misuse
	Done      <-chan struct{}  // until it is closed
	Timeout   int64            // for so many nanoseconds; 0: for ever
	With      sleepq.Interlock // held once, given up in any case

	rank    waitq.Rank
	granted bool // it was handed over, to one who does not want it any more
}

// Outcome is how a request ended.
type Outcome uint8

// The outcomes. The thread has what it asked for after Got only.
const (
	Got Outcome = iota
	Busy
	Slept
	TimedOut
	Cancelled
	Deadlock
	second // another thread upgrades already
)

// Do makes a request.
func Do(h *thread.Handle, l *Lock, c thread.Class, op string, q Request) (changed bool, out Outcome) {
	r := l.enter(h, op, c)
	defer r.Leave()
	if q.Drain {
		q.Mode, q.rank = token.Exclusive, waitq.Drains
	}
	return l.acquire(r, op, c, q)
}

// mayDrop panics unless the interlock can be dropped.
func (q *Request) mayDrop(r *thread.Record, op string) {
	if q.With != nil {
		q.With.MayDrop(r, op)
	}
}

// dropped is the interlock for the hierarchy.
func (q *Request) dropped() *thread.Object {
	if q.With == nil {
		return nil
	}
	return q.With.Obj()
}

// drop drops the interlock, if that was not done yet.
func (q *Request) drop(r *thread.Record) {
	if l := q.With; l != nil {
		q.With = nil
		l.Drop(r)
	}
}

// point tells the host of the request.
func (q *Request) point(r *thread.Record, l *Lock) {
	switch {
	case q.rank == waitq.Upgrades:
		r.PointChange(thread.OpLock, thread.Upgrade, l, q.Done)
	case q.With != nil, q.NoWait, q.Timeout != 0:
		r.PointAttempt(l, q.Mode, q.Done)
	default:
		r.PointLock(thread.OpLock, l, q.Mode, q.Done)
	}
}

// maySpin says whether looking at the lock for a while is in order before waiting.
func (q *Request) maySpin() bool {
	return q.With == nil && !q.NoWait && q.Timeout == 0 && q.rank == waitq.Plain
}

// takeFor takes the lock if that needs no wait.
func (l *Lock) takeFor(r *thread.Record, q *Request) bool {
	if !q.Drain {
		return l.take(r, q.Mode)
	}
	return l.settle(func(w Word) (Word, bool) { return w.with(token.Exclusive, r.ID()), w&^(drain|calmest) == 0 }) // T12
}

// Upgrade makes a share exclusive and waits until that is possible. If another thread is at
// it already, the share is given up; then, if first is set, that is all and the outcome is Busy,
// else the lock is waited for as by anybody. The share is lost if the outcome is
// not Got.
func Upgrade(h *thread.Handle, l *Lock, c thread.Class, op string, q Request, first bool) (changed bool, out Outcome) {
	r := l.enter(h, op, c)
	defer r.Leave()
	q.Mode, q.rank = token.Exclusive, waitq.Upgrades
	q.mayDrop(r, op)
	switch had, depth := r.LockMode(&l.Object); {
	case had != token.Shared:
		l.alive(r, op)
		r.MisuseLock(op, &l.Object, c, l.whyNotHeld(r, token.Shared))
	case depth > 1:
		r.MisuseLock(op, &l.Object, c, fmt.Sprintf("the thread has %d shares of it, and would wait for itself", depth))
	}
	r.MayTakeBut(op, &l.Object, c, q.dropped())
	q.point(r, l)
	if !q.NoWait {
		changed = r.ForceDrop(op)
	}
	l.surface(r)
	out = Got
	switch {
	case l.change(r.ID(), 0): // T4
		r.ChangeLock(&l.Object, token.Exclusive)
		q.drop(r)
	case q.NoWait:
		l.loseShare(r, c, token.Shared)
		q.drop(r)
		return changed, Busy
	default:
		waited := false
		if waited, out = l.upgradeSlow(r, op, c, &q, first); waited {
			changed = true
		}
	}
	return changed, out
}

// upgradeSlow waits for the other sharers to go.
func (l *Lock) upgradeSlow(r *thread.Record, op string, c thread.Class, q *Request, first bool) (changed bool, out Outcome) {
	begun := r.Began()
	held, out := l.wait(r, op, c, q)
	switch {
	case out == second && first:
		l.loseShare(r, c, token.Shared)
		q.drop(r)
		return false, Busy
	case out == second:
		l.loseShare(r, c, token.Shared)
		q.rank = waitq.Plain
		return l.obtain(r, op, c, q)
	case out == Got:
		r.Upgraded(&l.Object, r.Took(begun))
	case q.granted:
		l.loseShare(r, c, token.Exclusive)
	default:
		l.loseShare(r, c, token.Shared)
	}
	return r.Resume(held), out // with the lock in hand
}

// loseShare gives up the share of an upgrade that failed, after it was granted perhaps.
func (l *Lock) loseShare(r *thread.Record, c thread.Class, is token.Mode) {
	_, slot := r.RemoveLock(&l.Object, token.Shared)
	l.let(r, c, is, slot)
}

// Disown makes exclusive use of the lock nobody's in particular: any thread may release it
// (T13). What the thread did before is seen by who does so.
func Disown(h *thread.Handle, l *Lock, c thread.Class) {
	const op = "Disown"
	r := l.enter(h, op, c)
	defer r.Leave()
	switch had, depth := r.LockMode(&l.Object); {
	case had != token.Exclusive:
		l.alive(r, op)
		r.MisuseLock(op, &l.Object, c, l.whyNotHeld(r, token.Exclusive))
	case depth > 1:
		r.MisuseLock(op, &l.Object, c, fmt.Sprintf("the thread has it %d times", depth))
	}
	r.PointChange(thread.OpUnlock, thread.Disown, l, nil)
	r.RemoveLock(&l.Object, token.Exclusive)
	l.turn(func(w Word) (Word, bool) { return w&^dead | nobody, true }) // T13
}

// ReleaseAny undoes the newest acquisition of the lock by the thread, in whatever mode, or
// releases a lock that was disowned.
func ReleaseAny(h *thread.Handle, l *Lock, c thread.Class, op string) {
	if h != nil && !(invariants.Enabled && h.Detour()) {
		if r := h.FastRelease(&l.Object, token.Exclusive); r != nil && l.word.CompareAndSwap(r.Own(), 0) { // T5
			r.Pop()
			return
		}
		if r := h.FastRelease(&l.Object, token.Shared); r != nil {
			w := l.dropShare()
			r.Pop()
			l.lookAfter(w, c)
			return
		}
	}
	r := l.enter(h, op, c)
	defer r.Leave()
	m, _ := r.LockMode(&l.Object)
	if m == token.None && l.load().Disowned() {
		r.PointLock(thread.OpUnlock, l, token.Exclusive, nil)
		if l.word.CompareAndSwap(uint64(nobody), 0) || l.letDisowned(c) { // T14
			return
		}
	}
	if m == token.None {
		m = token.Exclusive
	}
	l.release(r, op, c, m)
}

// letDisowned releases a disowned lock that somebody waits for, unless that was done.
func (l *Lock) letDisowned(c thread.Class) (ok bool) {
	var s section
	s.begin(l, c)
	ok = l.turn(func(w Word) (Word, bool) { return w.without(token.Exclusive), w.Disowned() }) // T14
	s.end(nil, hw.Bit(ok))
	return ok
}

// MayDropInterlock panics unless DropInterlock can be done.
func MayDropInterlock(h *thread.Handle, op string, q *Request) {
	if q.With != nil {
		r := thread.Enter(h, op)
		defer r.Leave()
		q.mayDrop(r, op)
	}
}

// Unchanged is a change of mode of a lock that is never shared: it only must be held.
func Unchanged(h *thread.Handle, l *Lock, c thread.Class, op string, q *Request) Outcome {
	r := l.enter(h, op, c)
	defer r.Leave()
	q.mayDrop(r, op)
	if had, _ := r.LockMode(&l.Object); had != token.Exclusive {
		l.alive(r, op)
		r.MisuseLock(op, &l.Object, c, l.whyNotHeld(r, token.Exclusive))
	}
	q.drop(r)
	return Got
}

// DropInterlock ends an operation that does not wait.
func DropInterlock(h *thread.Handle, op string, q *Request) {
	if q.With != nil {
		r := thread.Enter(h, op)
		defer r.Leave()
		q.mayDrop(r, op)
		r.PointLock(thread.OpUnlock, q.With.Lock(), token.Exclusive, nil)
		q.drop(r)
	}
}

// Look is the point of a look at the lock by a thread, or if h is nil by whoever calls.
func (l *Lock) Look(h *thread.Handle) {
	if host := thread.Hosted(h); host != nil {
		host.Point(thread.Op{Kind: thread.OpLook, Lock: l})
	} else if h == nil {
		thread.Announce(thread.Op{Kind: thread.OpLook, Lock: l})
	}
}

// Describe tells who has the lock, and how many wait for it.
func (l *Lock) Describe(c thread.Class) (state string, waiting int) {
	l.Look(nil)
	switch w := l.exactly(); {
	case w.Owner() == dead.Owner():
		state = "destroyed"
	case w.Owner() != 0:
		state = "exclusive by " + ownerName(w)
	case w.Shares() > 0:
		state = fmt.Sprintf("shared, %d", w.Shares())
	default:
		state = "free"
	}
	var s section
	s.begin(l, c)
	if q := s.chain.Find(l); q != nil {
		waiting = q.Len
	}
	s.chain.Unlock()
	return state, waiting
}
