// Package waitq is the queues on which threads wait, whatever for: a table of chains by
// the hash of a key, a queue for each key that somebody waits on, and in it the waiters in
// two lists, those for exclusive and those for shared use. Sleep queues and turnstiles
// are two tables with rules of their own.
//
// Layout: a thread has one waiter, which brings a queue along. The first one's serves,
// the others wait as spares; whoever leaves takes one away. So nothing is allocated
// by a wait.
//
// Bits: none.
//
// Invariants: whenever the chain's lock is free,
//
//	Q1 a waiter is in at most one list; a queue is in its chain exactly while it has waiters.
//	Q2 a list is in order: by rank, then hard ones by age, then by priority, then by age.
//	Q3 called and hard count the waiters in that state.
//
// Transitions:
//
//	Q4 idle    --Insert--> queued
//	Q5 queued  --Call----> called
//	Q6 called  --Settle--> queued            (Remove begins with it)
//	Q7 queued  --Remove--> idle or granted
//	Q8 granted --Done----> idle
//
// Lock order: the lock of a chain, then Thread.Unpark.
// Blocking: nothing here blocks but for sections of some ten instructions.
// Departures: FreeBSD has this twice, in subr_sleepqueue.c and subr_turnstile.c.
package waitq

import (
	"iter"
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// State is how far a waiter is.
type State uint8

// The states.
const (
	Idle    State = iota // on no queue
	Queued               // and nobody has told it to look
	Called               // told to try for itself
	Granted              // has what it waits for; on no queue
)

// Rank puts waiters of one mode before or behind all others.
type Rank int8

// The ranks.
const (
	Drains   Rank = iota - 1 // wants the lock when nobody else does
	Plain                    // as most do
	Upgrades                 // has a share, which the others wait for
)

// Waiter is a thread's wait.
type Waiter struct {
	TD    *thread.Record // constant
	Key   any            // (chain) what it waits on
	Mode  token.Mode     // (chain) how it wants it; of sleepers, Exclusive
	State State          // (chain)
	Rank  Rank           // (chain) Q2
	Hard  bool           // (chain) it failed so often that nobody may overtake it
	Tries uint32         // (chain) failures
	Kind  string         // (chain) of sleepers: what they sleep on
	With  any            // (chain) of sleepers: the lock that they dropped
	Raise int32          // (chain) of sleepers: the priority that a wakeup gives them, or 0

	prio       int32   // (chain) Q2; the thread's grade
	age        uint64  // (chain) Q2
	queue      *Queue  // (chain) Q1; while idle the one that it brings along
	next, prev *Waiter // (chain)
}

// Of returns the waiter of a thread.
func Of(r *thread.Record) *Waiter {
	w, _ := (*r.SleepState()).(*Waiter)
	if w == nil {
		w = &Waiter{TD: r, queue: new(Queue)}
		*r.SleepState() = w
	}
	return w
}

// Queue is those who wait on one key.
type Queue struct {
	Key    any            // (chain)
	Holder *thread.Record // (chain) of a turnstile: who is lent the priority of the waiters
	Len    int            // (chain) waiters
	Called int            // (chain) Q3
	Hard   int            // (chain) Q3

	lists  [2]list // (chain) exclusive, shared
	chain  *Chain  // (chain)
	next   *Queue  // (chain) in the chain, or as a spare
	spares *Queue  // (chain)
}

type list struct{ first, last *Waiter }

// Chain is the queues of the keys with one hash.
type Chain struct {
	lock  *hw.SpinLock
	own   hw.SpinLock // unless the table has one lock for all
	first *Queue      // (lock)
	age   uint64      // (lock) clock of insertions
	_     [24]byte    // chains of their own cache lines
}

// Chains is the number of chains of a table.
const Chains = hw.Chains

// Table is a table of chains.
type Table struct{ chains [Chains]Chain }

// NewTable returns a table whose chains are guarded by the lock, or if that is nil each by
// its own.
func NewTable(lock *hw.SpinLock) *Table {
	t := new(Table)
	for i := range t.chains {
		c := &t.chains[i]
		if c.lock = lock; lock == nil {
			c.lock = &c.own
		}
	}
	return t
}

// Lock locks the chain of a hash.
func (t *Table) Lock(hash uint64) *Chain {
	c := &t.chains[hash%Chains]
	c.lock.Lock()
	return c
}

// Lock locks the chain again.
func (c *Chain) Lock() { c.lock.Lock() }

// Unlock unlocks the chain.
func (c *Chain) Unlock() { c.lock.Unlock() }

// Find returns the queue of a key, or nil if nobody waits on it.
func (c *Chain) Find(key any) *Queue {
	for q := c.first; q != nil; q = q.next {
		if q.Key == key {
			return q
		}
	}
	return nil
}

// Each calls f for every queue of the table, chain by chain, each chain locked.
func (t *Table) Each(f func(chain int, q *Queue)) {
	for i := range t.chains {
		c := t.Lock(uint64(i))
		for q := c.first; q != nil; q = q.next {
			f(i, q)
		}
		c.Unlock()
	}
}

// Insert makes w wait on a key, as the last of its priority.
func (c *Chain) Insert(key any, w *Waiter, m token.Mode) *Queue {
	return c.InsertRanked(key, w, m, Plain)
}

// InsertRanked is Insert with a rank.
func (c *Chain) InsertRanked(key any, w *Waiter, m token.Mode, rank Rank) *Queue {
	q := c.Find(key)
	if q == nil {
		q = w.queue
		q.Key, q.chain, q.next = key, c, c.first
		c.first = q
	} else {
		w.queue.next, q.spares = q.spares, w.queue
	}
	c.age++
	w.become(Queued) // Q4
	w.Key, w.Mode, w.Rank, w.Hard, w.Tries = key, m, rank, false, 0
	w.queue, w.age, w.prio = q, c.age, w.TD.Grade()
	q.Len++
	q.place(w)
	return q
}

// Remove takes w off its queue, which ends with its last waiter, and says what it is now.
func (q *Queue) Remove(w *Waiter, now State) {
	q.Settle(w)
	if w.Hard {
		q.Hard--
	}
	q.cut(w)
	q.Len--
	w.become(now) // Q7
	w.Key = nil
	if s := q.spares; s != nil {
		q.spares, s.next = s.next, nil
		w.queue = s
		return
	}
	c := q.chain
	for p := &c.first; ; p = &(*p).next {
		if *p == q {
			*p = q.next
			break
		}
	}
	q.Key, q.Holder, q.chain, q.next = nil, nil, nil, nil
	w.queue = q
}

// Queue is the queue that w is on, or nil. The caller has the lock of its chain.
func (w *Waiter) Queue() *Queue {
	if w.State == Queued || w.State == Called {
		return w.queue
	}
	return nil
}

// Done ends the wait of a thread that is on no queue any more.
func (w *Waiter) Done() { w.become(Idle) } // Q8

func (w *Waiter) become(s State) {
	hw.Tell(unsafe.Pointer(&w.State), uint64(w.State), uint64(s))
	w.State = s
}

// Call tells w to try for itself.
func (q *Queue) Call(w *Waiter) {
	if w.State == Queued {
		w.become(Called) // Q5
		q.Called++
	}
}

// Settle ends what Call began.
func (q *Queue) Settle(w *Waiter) {
	if w.State == Called {
		w.become(Queued) // Q6
		q.Called--
	}
}

// Harden makes w one that nobody may overtake any more.
func (q *Queue) Harden(w *Waiter) {
	if !w.Hard {
		q.cut(w)
		w.Hard = true
		q.Hard++
		q.place(w)
	}
}

// Reprioritize gives w the place of its thread's priority.
func (q *Queue) Reprioritize(w *Waiter) {
	q.cut(w)
	w.prio = w.TD.Grade()
	q.place(w)
}

// Empty says whether nobody waits in the mode.
func (q *Queue) Empty(m token.Mode) bool { return q.first(m) == nil }

// First is the waiter to be served first in the mode, or nil.
func (q *Queue) First(m token.Mode) *Waiter { return q.first(m) }

// Last is the waiter to be served last in the mode, or nil.
func (q *Queue) Last(m token.Mode) *Waiter { return q.list(m).last }

// Best is the waiter to be served first, or nil.
func (q *Queue) Best() *Waiter {
	x, s := q.first(token.Exclusive), q.first(token.Shared)
	if x == nil || s != nil && before(s, x) {
		return s
	}
	return x
}

// Youngest is the waiter that came last, or nil.
func (q *Queue) Youngest() (y *Waiter) {
	for i := range q.lists {
		for w := q.lists[i].first; w != nil; w = w.next {
			if y == nil || w.age > y.age {
				y = w
			}
		}
	}
	return y
}

// BestGrade is the best grade of a waiter, or -1.
func (q *Queue) BestGrade() int32 {
	best := int32(-1)
	for i := range q.lists {
		for w := q.lists[i].first; w != nil; w = w.next {
			best = max(best, w.prio)
			if !w.Hard && w.Rank == Plain {
				break // the others of this list are not better
			}
		}
	}
	return best
}

// Waiters calls f for those who wait in the mode, by rank, until it says false.
func (q *Queue) Waiters(m token.Mode, f func(w *Waiter) bool) {
	for w := q.first(m); w != nil; {
		next := w.next // f may remove w
		if !f(w) {
			return
		}
		w = next
	}
}

// Older is those who wait longer than w.
func (q *Queue) Older(w *Waiter) iter.Seq[*Waiter] {
	return func(yield func(*Waiter) bool) {
		for i := range q.lists {
			for o := q.lists[i].first; o != nil; {
				next := o.next // yield may move o
				if o.age < w.age && !yield(o) {
					return
				}
				o = next
			}
		}
	}
}

// Priority is the priority with which w waits.
func (w *Waiter) Priority() int { return thread.PriorityOf(w.prio) }

func (q *Queue) list(m token.Mode) *list { return &q.lists[token.Exclusive-m] }

func (q *Queue) first(m token.Mode) *Waiter { return q.list(m).first }

// before says whether a is to be served before b (Q2).
func before(a, b *Waiter) bool {
	switch {
	case a.Rank != b.Rank:
		return a.Rank > b.Rank
	case a.Hard != b.Hard:
		return a.Hard
	case !a.Hard && a.prio != b.prio:
		return a.prio > b.prio
	}
	return a.age < b.age
}

func (q *Queue) place(w *Waiter) {
	l := q.list(w.Mode)
	after := l.last // as a rule it comes last
	for after != nil && before(w, after) {
		after = after.prev
	}
	w.prev = after
	if after != nil {
		w.next, after.next = after.next, w
	} else {
		w.next, l.first = l.first, w
	}
	if w.next != nil {
		w.next.prev = w
	} else {
		l.last = w
	}
}

func (q *Queue) cut(w *Waiter) {
	l := q.list(w.Mode)
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		l.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		l.last = w.prev
	}
	w.next, w.prev = nil, nil
}

// Wakes are threads to be unparked when a chain is unlocked, so that they do not run into
// its lock.
type Wakes struct {
	n     int
	first [8]*thread.Record
}

// Add adds a thread.
func (k *Wakes) Add(r *thread.Record) {
	if k.n == len(k.first) {
		r.Unpark() // too many to be polite to
		return
	}
	k.first[k.n] = r
	k.n++
}

// Sum tells which threads they are.
func (k *Wakes) Sum() (sum uint64) {
	for _, r := range k.first[:k.n] {
		sum = sum*31 + uint64(r.ID())
	}
	return sum
}

// Flush unparks them.
func (k *Wakes) Flush() {
	for _, r := range k.first[:k.n] {
		r.Unpark()
	}
	k.n = 0
}
