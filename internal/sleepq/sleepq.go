// Package sleepq is the sleep queues: where a thread waits on a channel, in the
// kernel's sense of an agreed key, for an event that may never come (sleepqueue(9)).
//
// Layout: a table of package waitq, each chain with its own lock.
//
// Bits: none.
//
// Invariants:
//
//	S1 a thread is on at most one queue, and only between its insertion and the moment when
//	   a waker, or it itself, takes it off; who takes it off decides how it ended.
//	S2 a thread is on its queue before it gives up its tokens or drops a lock: who changes
//	   what it waits for while holding one of them finds it there. No wakeup is lost.
//	S3 all who sleep on a channel at the same time do so in the same way: with the same lock,
//	   or none, and on the same kind of object.
//
// Transitions:
//
//	S4 awake  --Sleep------------> queued
//	S5 queued --Wakeup-----------> woken     (edge: Wakeup -> the Sleep that it ends returns)
//	S6 queued --timeout, cancel--> awake
//	S7 woken  --Sleep returns----> awake
//
// They are those of a waiter of package waitq, which is idle while it is awake, and granted when woken.
//
// Lock order: the lock of a chain, then thread.Lending or Unpark.
// Blocking: Sleep parks, with all tokens given up; the wakers never block.
// Departures: a key is any comparable value, where a kernel takes an address; and the
// sleepers of a priority are first in first out, those of a better one before them.
package sleepq

import (
	"fmt"
	"hash/maphash"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
	"github.com/serializing-tokens/lwkt/internal/waitq"
)

// Table is where everybody sleeps. Package lock uses it for locks that are held across sleep.
var Table = waitq.NewTable(nil)

var seed = maphash.MakeSeed()

func lock(key any) *waitq.Chain { return Table.Lock(maphash.Comparable(seed, key)) }

// Interlock is a lock as a sleep sees it that drops it.
type Interlock interface {
	Obj() *thread.Object
	Class() thread.Class
	// Lock is the lock as a host sees it.
	Lock() thread.Lock
	// MayDrop panics unless the thread has the lock in a way that can be dropped.
	MayDrop(r *thread.Record, op string)
	// Drop gives the lock up and says how it was held. It does not block.
	Drop(r *thread.Record) (how int)
	// Retake takes back what Drop gave up, and may wait.
	Retake(r *thread.Record, op string, how int)
}

// How is what a sleeper agrees on with the others on its channel (S3).
type How struct {
	Kind string    // what it sleeps on: a wait channel, a condition variable
	Lock Interlock // the lock that it drops, or nil
}

// Until is what a sleep may end by, other than a wakeup, and what comes then.
type Until struct {
	Done     <-chan struct{} // closed, or nil
	Deadline int64           // has come, or 0
	Raise    int32           // the priority that a wakeup gives the thread until Sleep returns, or 0
	Leave    bool            // the lock is not taken back
}

// Sleep waits on key until it is woken or u says so, with all tokens given up, and the lock of how. It
// panics if that cannot be dropped. It is taken back before the tokens are. It says whether these changed
// hands, and how the sleep ended.
func Sleep(td *thread.Record, op string, key any, how How, u Until) (changed bool, why hw.Why) {
	w := waitq.Of(td)
	var dropped *thread.Object
	if how.Lock != nil {
		how.Lock.MayDrop(td, op)
		dropped = how.Lock.Obj()
	}
	td.MaySleepBut(op, dropped)
	td.PreparePark()
	seen := hw.Recall()
	c := lock(key)
	if other, ok := differs(c, key, how); ok {
		c.Unlock()
		td.Wakes()
		td.MisuseOf(op, title(key, how.Kind), disagree(how, other))
	}
	c.Insert(key, w, token.Exclusive) // S4
	w.Kind, w.With, w.Raise = how.Kind, how.Lock, u.Raise
	c.Unlock()
	mode := 0
	if how.Lock != nil {
		mode = how.Lock.Drop(td) // after the insertion: S2
	}
	held := td.Suspend()
	for over := false; !over; {
		seen.Forget(uint64(mode))
		why = td.Park(u.Done, u.Deadline)
		over = ended(c, w, why != hw.Permit)
	}
	seen.Forget(uint64(mode), uint64(why))
	if w.State == waitq.Granted {
		why = hw.Permit // a wakeup that raced with the end of the wait wins
	}
	w.Done() // S7
	w.With = nil
	td.Wakes()
	if how.Lock != nil && !u.Leave {
		how.Lock.Retake(td, op, mode)
	}
	seen.Forget(uint64(why))
	changed = td.Resume(held)
	td.Settle()
	seen.Forget(uint64(why), hw.Bit(changed))
	return changed, why
}

// differs finds a sleeper on key that does not agree (S3).
func differs(c *waitq.Chain, key any, how How) (other How, differ bool) {
	q := c.Find(key)
	if q == nil {
		return How{}, false
	}
	w := q.Best()
	other.Kind = w.Kind
	other.Lock, _ = w.With.(Interlock)
	return other, other != how
}

// WaitChannel is the kind of a key of the user's, others are of this module.
const WaitChannel = "a wait channel"

// title names what is slept on for a message.
func title(key any, kind string) string {
	if kind == WaitChannel {
		return "wait channel " + Describe(key, kind)
	}
	return Describe(key, kind)
}

// Describe names what is slept on, and reads nothing of the user's.
func Describe(key any, kind string) string {
	if s, ok := key.(fmt.Stringer); ok && kind != WaitChannel {
		return s.String()
	}
	return thread.DescribeKey(key)
}

func disagree(a, b How) string {
	if a.Kind != b.Kind {
		return "it is used as " + a.Kind + ", and others sleep on it as " + b.Kind
	}
	return "others sleep on it with " + name(b.Lock) + ", not with " + name(a.Lock) +
		": all sleepers on one channel must use the same lock"
}

func name(l Interlock) string {
	if l == nil {
		return "no lock"
	}
	return l.Obj().Title(l.Class())
}

// ended says whether the sleep is over; over makes it so.
func ended(c *waitq.Chain, w *waitq.Waiter, over bool) bool {
	c.Lock()
	defer c.Unlock()
	if q := w.Queue(); q != nil && over {
		q.Remove(w, waitq.Idle) // S6
	}
	return w.State != waitq.Queued
}

// Which sleepers a Wakeup is for.
type Which uint8

const (
	All  Which = iota // all of them
	One               // the best priority, of several the one that sleeps longest
	Last              // the one that came last (wakeup_any)
)

// Wakeup wakes those who sleep on key, and says how many. They get the priority raise, if it is better
// than what they have, until their Sleep returns. It panics if the key is one of another kind.
func Wakeup(td *thread.Record, op string, key any, kind string, which Which, raise int32) (found int) {
	seen := hw.Recall()
	c := lock(key)
	var wakes waitq.Wakes
	for q := c.Find(key); q != nil; q = c.Find(key) {
		w := q.First(token.Exclusive)
		if which == Last {
			w = q.Youngest()
		}
		if w.Kind != kind {
			c.Unlock()
			td.MisuseOf(op, title(key, kind), disagree(How{Kind: kind}, How{Kind: w.Kind}))
		}
		q.Remove(w, waitq.Granted) // S5
		if p := max(w.Raise, raise); p > 0 {
			w.TD.Raise(p) // it does not see that it was woken before the chain is unlocked
		}
		wakes.Add(w.TD)
		if found++; which != All {
			break
		}
	}
	c.Unlock()
	seen.Forget(uint64(found), wakes.Sum())
	wakes.Flush()
	seen.Forget(uint64(found))
	return found
}

// Waiting is how many threads sleep on key.
func Waiting(key any) (n int) {
	c := lock(key)
	if q := c.Find(key); q != nil {
		n = q.Len
	}
	c.Unlock()
	return n
}

// Sleepers returns the identities of the threads asleep on each key.
func Sleepers() map[any][]uint32 {
	found := make(map[any][]uint32)
	Table.Each(func(_ int, q *waitq.Queue) {
		for _, m := range []token.Mode{token.Exclusive, token.Shared} {
			q.Waiters(m, func(w *waitq.Waiter) bool {
				found[q.Key] = append(found[q.Key], w.TD.ID())
				return true
			})
		}
	})
	return found
}
