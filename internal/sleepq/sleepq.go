// Package sleepq is the sleep queues: where a thread waits on a channel, in the
// kernel's sense of an agreed key, for an event that may never come (sleep(9)).
//
// Layout: a table of chains by the hash of the key; a chain holds the queues of
// the keys that sleepers use at the moment; a queue its sleepers by priority, first
// in first out among equals.
//
// Bits: none.
//
// Invariants:
//
//	S1 a thread is on at most one queue, and only between insert and the moment when
//	   a waker, or it itself, takes it off; who takes it off decides how it ended.
//	S2 a thread is on its queue before it gives up its tokens: who changes what it
//	   waits for while holding one of them finds it there. No wakeup is lost.
//	S3 a queue exists while it has sleepers.
//
// Transitions:
//
//	awake --Sleep--> queued --Wakeup--> woken;  queued --timeout, cancel--> awake
//	Wakeup happens before the Sleep that it ends returns.
//
// Lock order: chain.lock is a leaf, but for Unpark.
// Blocking: Sleep parks, with all tokens given up; the wakers never block.
// Departures: a key is any comparable value, where a kernel takes an address.
package sleepq

import (
	"hash/maphash"
	"slices"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

const chains = 256 // as in FreeBSD

type chain struct {
	lock   hw.SpinLock
	queues map[any]*queue // (lock) S3
	_      [40]byte       // chains of their own cache lines
}

// queue is the sleepers on one key. Each sleeper brings one along; the first
// one's serves, the others wait as spares, and whoever leaves takes one back.
type queue struct {
	sleepers []*sleeper // (chain) by priority, the longest asleep first among equals
	spares   []*queue   // (chain)
}

type sleeper struct {
	td    *thread.Record
	queue *queue // donated while asleep
	woken bool   // (chain)
}

var (
	table [chains]chain
	seed  = maphash.MakeSeed()
)

func chainOf(key any) *chain { return &table[maphash.Comparable(seed, key)%chains] }

// Sleep waits on key until it is woken, done is closed or the deadline has come,
// with all tokens given up, and says whether they changed hands.
func Sleep(td *thread.Record, op string, key any, done <-chan struct{}, deadline int64) (changed bool, why hw.Why) {
	s, _ := (*td.SleepState()).(*sleeper)
	if s == nil {
		s = &sleeper{td: td, queue: new(queue)}
		*td.SleepState() = s
	}
	c := chainOf(key)
	td.MayDrop(op)
	td.PreparePark()
	c.insert(key, s)
	held := td.Suspend() // after the insertion: S2
	for {
		why = td.Park(done, deadline)
		if c.ended(key, s, why != hw.Permit) {
			break
		}
	}
	if s.woken {
		why = hw.Permit // a wakeup that raced with the end of the wait wins
	}
	return td.Resume(held), why
}

// Wakeup wakes up to n threads that sleep on key, the best priority first and the
// longest asleep among equals, and says how many it found. n < 0 means all.
func Wakeup(key any, n int) (found int) {
	c := chainOf(key)
	c.lock.Lock()
	defer c.lock.Unlock()
	for q := c.queues[key]; q != nil && found != n; q = c.queues[key] {
		s := q.sleepers[0]
		s.woken = true
		c.remove(key, s)
		s.td.Unpark()
		found++
	}
	return found
}

func (c *chain) insert(key any, s *sleeper) {
	c.lock.Lock()
	defer c.lock.Unlock()
	s.woken = false
	if q := c.queues[key]; q != nil {
		q.spares = append(q.spares, s.queue)
		s.queue = q
	} else {
		if c.queues == nil {
			c.queues = make(map[any]*queue)
		}
		c.queues[key] = s.queue
	}
	list := s.queue.sleepers
	i := len(list)
	for i > 0 && list[i-1].td.Priority() < s.td.Priority() {
		i--
	}
	s.queue.sleepers = slices.Insert(list, i, s)
}

// remove takes a sleeper off its queue and gives it one to keep.
func (c *chain) remove(key any, s *sleeper) {
	q := s.queue
	i := slices.Index(q.sleepers, s)
	q.sleepers = slices.Delete(q.sleepers, i, i+1)
	if last := len(q.spares) - 1; last >= 0 {
		s.queue = q.spares[last]
		q.spares[last] = nil
		q.spares = q.spares[:last]
	} else {
		delete(c.queues, key)
	}
}

// ended says whether the sleep is over; over makes it so.
func (c *chain) ended(key any, s *sleeper, over bool) bool {
	c.lock.Lock()
	defer c.lock.Unlock()
	if !s.woken && over {
		c.remove(key, s)
	}
	return s.woken || over
}

// Sleepers returns the identities of the threads asleep on each key.
func Sleepers() map[any][]uint32 {
	found := make(map[any][]uint32)
	for i := range table {
		c := &table[i]
		c.lock.Lock()
		for key, q := range c.queues {
			for _, s := range q.sleepers {
				found[key] = append(found[key], s.td.ID())
			}
		}
		c.lock.Unlock()
	}
	return found
}
