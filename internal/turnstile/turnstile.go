// Package turnstile is the turnstiles: where a thread waits for a lock that is held for
// bounded times, and lends its priority to the thread that has it (turnstile(9)).
//
// Layout: a table of package waitq with one lock for all chains, Lending. A queue that is in
// use is a turnstile: its key is the lock, its owner who has that exclusively.
//
// Bits: none.
//
// Invariants: whenever Lending is free,
//
//	T1 an owner has the turnstile among those that it contests, and is lent what N1 of
//	   package thread says.
//	T2 a waiter is blocked on the turnstile that it is on.
//	T3 the owner is the one who had the lock when a waiter last looked. It may have released
//	   the lock since, if somebody was called then, who will look.
//
// Transitions:
//
//	T4 no owner --SetOwner--> owner         (and it is lent what T1 says)
//	T5 owner    --SetOwner--> another owner (and what the first one was lent is taken back)
//	T6 owner    --SetOwner, Leave of the last waiter--> no owner   (and that too)
//
// Lock order: as package waitq.
// Blocking: nothing here parks; package lock does.
// Departures: readers own nothing, as in FreeBSD; one lock for all, so that a chain
// stands still while priority is lent along it.
package turnstile

import (
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/waitq"
)

// Table is where everybody waits.
var Table = waitq.NewTable(&thread.Lending)

// turnstile is a queue as lending sees it.
type turnstile waitq.Queue

func (t *turnstile) queue() *waitq.Queue { return (*waitq.Queue)(t) }

// Owner is that of thread.Turnstile.
func (t *turnstile) Owner() *thread.Record { return t.queue().Holder }

// Best is that of thread.Turnstile.
func (t *turnstile) Best() int32 { return t.queue().BestGrade() }

// Moved is that of thread.Turnstile.
func (t *turnstile) Moved(r *thread.Record) {
	q := t.queue()
	q.Reprioritize(waitq.Of(r))
	r.TouchedLock(q.Key.(thread.Lock))
}

// OwnedBy is that of thread.Turnstile.
func (t *turnstile) OwnedBy(r *thread.Record) bool {
	return t.queue().Key.(thread.Lock).Holder() == r.ID()
}

// Of is that of thread.Turnstile.
func (t *turnstile) Of(obj *thread.Object) bool { return t.queue().Key.(thread.Lock).Obj() == obj }

// What is that of thread.Turnstile.
func (t *turnstile) What() string { return t.queue().Key.(thread.Lock).What() }

// Block makes a waiter that was inserted lend to whoever has the lock. If one of those in the
// chain sleeps with its lock, that would last as long as the sleep: then it says who and why.
func Block(q *waitq.Queue, w *waitq.Waiter, owner *thread.Record) (sleeper string) {
	w.TD.Blocked((*turnstile)(q))
	SetOwner(q, owner)
	if owner != nil {
		owner.Reckon()
	}
	var t thread.Turnstile = (*turnstile)(q)
	for n := 0; t != nil && n < maxChain; n++ {
		o := t.Owner()
		if o == nil || o == w.TD {
			break
		}
		if with := o.AsleepWith(t); with != "" {
			return thread.SleepsWith(o.ID(), with)
		}
		t = o.BlockedOn()
	}
	return ""
}

// maxChain bounds the walk along a chain that has become a cycle.
const maxChain = 1000

// SetOwner gives the turnstile an owner, or none (T4-T6).
func SetOwner(q *waitq.Queue, owner *thread.Record) {
	old := q.Holder
	if old == owner {
		return
	}
	thread.Assign(&q.Holder, owner)
	if old != nil {
		old.Uncontest((*turnstile)(q))
		old.Reckon()
	}
	if owner != nil {
		owner.Contest((*turnstile)(q))
		owner.Reckon()
	}
}

// Leave takes a waiter off, and takes back what it lent.
func Leave(q *waitq.Queue, w *waitq.Waiter, now waitq.State) {
	w.TD.Blocked(nil)
	owner := q.Holder
	if q.Len == 1 {
		SetOwner(q, nil)
	}
	q.Remove(w, now)
	if q.Len > 0 && owner != nil {
		owner.Reckon()
	}
}
