// Package sema is the counting semaphore (sema(9)): a mutex, a sleep queue and a number, as in
// FreeBSD. Nobody owns a unit: any thread may Post, and one that waits lends its priority to
// nobody.
package sema

// State machine: none beside those of the mutex, internal/lock/word.go, and of package sleepq.
//
// Invariants:
//
//	E1 units and waiters are looked at and changed with the mutex only; units is never negative.
//	E2 waiters counts who found no unit, from then until it has the mutex again: it is on the sleep queue
//	   before it drops that. So a Post, which has it, either is seen by the look or finds the waiter asleep.
//	E3 who was woken looks again, since another one may have been faster; what wakes it is not a unit.

import (
	"context"
	"fmt"
	"time"
	"unsafe"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// Sema is a counting semaphore. The zero Sema has no unit; it must not be copied. Who waits
// gives up its tokens, and giant locks, and may hold locks that are held across sleep. Of several the one with the best
// priority is first, then the one that waits longest, but a thread that comes just then may
// be faster. What a thread does by state:
//
//	               no unit   some units        destroyed
//	Wait           waits     takes one         panics
//	WaitContext    waits     takes one         panics
//	WaitTimeout    waits     takes one         panics
//	TryWait        fails     takes one         panics
//	Post           adds one, and wakes one     panics
//	Value          tells     tells             panics
//	Destroy        ends, if nobody waits       panics
//
// All methods panic with a *lwkt.Misuse if the Thread is nil, has ended, or is in use by
// another goroutine. In a profile of locks a semaphore has lines of its own, of the time
// that its operations take, not of that for which units are away. (sema(9))
type Sema struct {
	_       noCopy
	l       lock.Lock // the first field: what is told of the one is told of the other
	units   int       // (l)
	waiters int       // (l)
}

// noCopy makes go vet complain about a copy of what contains it.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

const (
	class = thread.Semaphore
	kind  = "a semaphore" // that threads sleep on
)

// handle is that of td, or nil, without a call.
func handle(td *lwkt.Thread) *thread.Handle { return thread.HandleAt(unsafe.Pointer(td)) }

// Init gives the semaphore a name and units. It panics if they are negative, if the semaphore was
// initialized before and not destroyed, or has waiters. It does not block. (sema_init)
func (s *Sema) Init(name string, units int) {
	switch {
	case units < 0:
		panic(&lwkt.Misuse{Op: "Init", Lock: fmt.Sprintf("%v %q", class, name), Thread: "the program",
			Why: fmt.Sprintf("it cannot have %d units", units), Where: thread.Caller()})
	case sleepq.Waiting(s) > 0:
		thread.FailLock(nil, "Init", &s.l.Object, class, "others wait for a unit")
	}
	lock.Init(&s.l, class, name, 0)
	s.units = units
	thread.Accessed(&s.l, true) // as if under the mutex
}

// Destroy ends the life of the semaphore: to use it then panics, until Init. It panics if
// somebody waits. It may wait for another operation on it to end. (sema_destroy)
func (s *Sema) Destroy(td *lwkt.Thread) {
	const op = "Destroy"
	s.begin(td, op)
	defer s.abandon(td)
	if n := s.waiters; n > 0 {
		r := thread.EnterOf(handle(td), op, s)
		r.MisuseLock(op, &s.l.Object, class, thread.Waiting(n)+" for a unit")
	}
	lock.Destroy(handle(td), &s.l, class, true)
}

// begin takes the mutex, in which all is done.
func (s *Sema) begin(td *lwkt.Thread, op string) (changed bool) {
	return lock.AcquireFor(handle(td), &s.l, class, op)
}

func (s *Sema) end(td *lwkt.Thread) { lock.Release(handle(td), &s.l, class) }

// abandon releases the mutex if an operation has ended in a panic with it.
func (s *Sema) abandon(td *lwkt.Thread) {
	if m, _ := lock.Held(handle(td), &s.l); m != lwkt.None {
		s.end(td)
	}
}

// Post adds a unit, and wakes a waiter. It waits at most for another operation on the semaphore to end, and
// synchronizes before the return of the wait that takes the unit. (sema_post)
func (s *Sema) Post(td *lwkt.Thread) {
	const op = "Post"
	s.begin(td, op)
	s.units++
	if s.waiters > 0 {
		r := thread.EnterOf(handle(td), op, s)
		r.Point(thread.OpWakeup, s)
		sleepq.Wakeup(r, op, s, kind, sleepq.One, 0)
		r.Leave()
	}
	s.end(td)
}

// Wait takes a unit; it may wait for one, and says whether a token that the thread holds
// changed hands meanwhile. (sema_wait)
func (s *Sema) Wait(td *lwkt.Thread) (changed bool) {
	changed, _ = s.wait(td, "Wait", nil, 0)
	return changed
}

// WaitContext is Wait that ends with the error of ctx when that is done before there was a
// unit. One that is there is taken even if ctx is done.
func (s *Sema) WaitContext(ctx context.Context, td *lwkt.Thread) (changed bool, err error) {
	const op = "WaitContext"
	if ctx == nil {
		thread.NoContext(handle(td), op, s.String())
	}
	done := ctx.Done() // the caller's code: it may use td
	changed, why := s.wait(td, op, done, 0)
	if why == hw.Done {
		err = ctx.Err()
	}
	return changed, err
}

// WaitTimeout is Wait that ends with lwkt.ErrTimeout if there was no unit until then. One that is
// there is taken whatever the timeout. (sema_timedwait)
func (s *Sema) WaitTimeout(td *lwkt.Thread, timeout time.Duration) (changed bool, err error) {
	const op = "WaitTimeout"
	if timeout <= 0 {
		timeout = -1 // 0 is one too
	}
	r := thread.EnterOf(handle(td), op, s)
	deadline := r.Deadline(int64(timeout))
	r.Leave()
	changed, why := s.wait(td, op, nil, deadline)
	if why == hw.Deadline {
		err = lwkt.ErrTimeout
	}
	return changed, err
}

// wait takes a unit, and sleeps for it as often as needed. It says how that ended.
func (s *Sema) wait(td *lwkt.Thread, op string, done <-chan struct{}, deadline int64) (changed bool, why hw.Why) {
	why = hw.Permit
	changed = s.begin(td, op)
	for s.units == 0 && why == hw.Permit {
		var c bool
		c, why = s.sleep(td, op, sleepq.Until{Done: done, Deadline: deadline})
		changed = changed || c
	}
	if s.units > 0 { // also if it was posted while the end of the wait was on its way
		s.units--
		why = hw.Permit
	}
	s.end(td)
	return changed, why
}

// sleep sleeps, with the mutex held. If it panics, since the thread must not sleep, the mutex is free again.
func (s *Sema) sleep(td *lwkt.Thread, op string, u sleepq.Until) (changed bool, why hw.Why) {
	s.waiters++
	slept := false
	defer func() {
		if m, _ := lock.Held(handle(td), &s.l); m != lwkt.None { // else it was destroyed meanwhile
			s.waiters--
			if !slept {
				s.end(td)
			}
		}
	}()
	r := thread.EnterOf(handle(td), op, s)
	defer r.Leave()
	r.Point(thread.OpSleep, s)
	changed, why = sleepq.Sleep(r, op, s, sleepq.How{Kind: kind, Lock: s.l.Interlock(class)}, u)
	slept = true
	return changed, why
}

// TryWait takes a unit if there is one. It waits at most for another operation on the
// semaphore to end. (sema_trywait)
func (s *Sema) TryWait(td *lwkt.Thread) bool {
	s.begin(td, "TryWait")
	ok := s.units > 0
	if ok {
		s.units--
	}
	s.end(td)
	return ok
}

// Value is how many units there are; there may be others a moment later. It waits at most for another
// operation on the semaphore to end. (sema_value)
func (s *Sema) Value(td *lwkt.Thread) int {
	s.begin(td, "Value")
	defer s.end(td)
	return s.units
}

// String names the semaphore as messages do. It does not block.
func (s *Sema) String() string { return s.l.Title(class) }
