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
//	awake --Sleep--> queued --Wakeup--> woken;  queued --timeout, cancel--> awake
//	Wakeup happens before the Sleep that it ends returns.
//
// Lock order: the lock of a chain is a leaf, but for Unpark.
// Blocking: Sleep parks, with all tokens given up; the wakers never block.
// Departures: a key is any comparable value, where a kernel takes an address; and the
// sleepers of a priority are first in first out, those of a better one before them.
package sleepq

import (
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

// How is what a sleeper agrees on with the others on its channel (S3).
type How struct {
	Kind string // what it sleeps on: a wait channel, a condition variable
	Lock any    // the lock that it drops, or nil
}

// Sleep waits on key until it is woken, done is closed or the deadline has come,
// with all tokens given up. Drop, if not nil, is called when the thread is on its queue,
// and retake when it is awake again, before the tokens are taken back. It says whether these
// changed hands, and how the sleep ended.
func Sleep(td *thread.Record, op string, key any, how How, done <-chan struct{}, deadline int64, drop, retake func()) (changed bool, why hw.Why) {
	w := waitq.Of(td)
	td.MaySleep(op)
	td.PreparePark()
	c := lock(key)
	if other, ok := differs(c, key, how); ok {
		c.Unlock()
		td.Wakes()
		td.Misuse(op, disagree(how, other))
	}
	c.Insert(key, w, token.Exclusive)
	w.Kind, w.With = how.Kind, how.Lock
	c.Unlock()
	if drop != nil {
		drop() // after the insertion: S2
	}
	held := td.Suspend()
	for {
		why = td.Park(done, deadline)
		if ended(c, w, why != hw.Permit) {
			break
		}
	}
	if w.State == waitq.Granted {
		why = hw.Permit // a wakeup that raced with the end of the wait wins
	}
	w.State, w.With = waitq.Idle, nil
	td.Wakes()
	if retake != nil {
		retake()
	}
	return td.Resume(held), why
}

// differs finds a sleeper on key that does not agree (S3).
func differs(c *waitq.Chain, key any, how How) (other How, differ bool) {
	q := c.Find(key)
	if q == nil {
		return How{}, false
	}
	w := q.Best()
	other = How{w.Kind, w.With}
	return other, other != how
}

func disagree(a, b How) string {
	if a.Kind != b.Kind {
		return "it is used as " + a.Kind + ", and others sleep on it as " + b.Kind
	}
	return "others sleep on it with another lock: all sleepers on one channel must use the same"
}

// ended says whether the sleep is over; over makes it so.
func ended(c *waitq.Chain, w *waitq.Waiter, over bool) bool {
	c.Lock()
	defer c.Unlock()
	if q := w.Queue(); q != nil && over {
		q.Remove(w, waitq.Idle)
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

// Wakeup wakes those who sleep on key, and says how many.
func Wakeup(key any, which Which) (found int) {
	c := lock(key)
	var wakes waitq.Wakes
	for q := c.Find(key); q != nil; q = c.Find(key) {
		w := q.First(token.Exclusive)
		if which == Last {
			w = q.Youngest()
		}
		q.Remove(w, waitq.Granted)
		wakes.Add(w.TD)
		if found++; which != All {
			break
		}
	}
	c.Unlock()
	wakes.Flush()
	return found
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
