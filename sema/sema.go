// Package sema is the counting semaphore (sema(9)): a mutex, a condition variable and a number, as in
// FreeBSD. Nobody owns a unit: any thread may Post, and one that waits lends its priority to
// nobody.
package sema

// State machine: none beside those of the mutex and the condition variable.

import (
	"context"
	"fmt"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/condvar"
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
// another goroutine. (sema(9))
type Sema struct {
	mu      lwkt.Mtx
	cv      condvar.Cond
	units   int // (mu)
	waiters int // (mu)
}

// Init gives the semaphore a name and units. It panics if they are negative, if the semaphore was
// initialized before and not destroyed, or has waiters. It does not block. (sema_init)
func (s *Sema) Init(name string, units int) {
	if units < 0 {
		panic(&lwkt.Misuse{Op: "Init", Lock: fmt.Sprintf("semaphore %q", name), Thread: "the program",
			Why: fmt.Sprintf("it cannot have %d units", units), Where: thread.Caller()})
	}
	s.mu.Init(name, 0)
	s.cv.Init(name)
	s.units = units
}

// Destroy ends the life of the semaphore: to use it then panics, until Init. It panics if
// somebody waits. It may wait for another operation on it to end. (sema_destroy)
func (s *Sema) Destroy(td *lwkt.Thread) {
	s.cv.Destroy(td)
	s.mu.Destroy(td)
}

// Post adds a unit, and wakes a waiter. It waits at most for another operation on the semaphore to end, and
// synchronizes before the return of the wait that takes the unit. (sema_post)
func (s *Sema) Post(td *lwkt.Thread) {
	s.mu.Lock(td)
	s.units++
	if s.waiters > 0 {
		s.cv.Signal(td)
	}
	s.mu.Unlock(td)
}

// Wait takes a unit; it may wait for one, and says whether a token that the thread holds
// changed hands meanwhile. (sema_wait)
func (s *Sema) Wait(td *lwkt.Thread) (changed bool) {
	changed, _ = s.wait(td, func() (bool, error) { return s.cv.Wait(td, &s.mu), nil })
	return changed
}

// WaitContext is Wait that ends with the error of ctx when that is done before there was a
// unit. One that is there is taken even if ctx is done.
func (s *Sema) WaitContext(ctx context.Context, td *lwkt.Thread) (changed bool, err error) {
	return s.wait(td, func() (bool, error) { return s.cv.WaitContext(ctx, td, &s.mu) })
}

// WaitTimeout is Wait that ends with lwkt.ErrTimeout if there was no unit until then. One that is
// there is taken whatever the timeout. (sema_timedwait)
func (s *Sema) WaitTimeout(td *lwkt.Thread, timeout time.Duration) (changed bool, err error) {
	end := now(td) + int64(timeout)
	return s.wait(td, func() (bool, error) {
		return s.cv.WaitTimeout(td, &s.mu, time.Duration(end-now(td)))
	})
}

// now is the time of the thread's host.
func now(td *lwkt.Thread) int64 {
	r := thread.Enter(thread.HandleOf(td), "WaitTimeout")
	defer r.Leave()
	return r.Now()
}

// wait takes a unit, and sleeps for it as often as needed.
func (s *Sema) wait(td *lwkt.Thread, sleep func() (bool, error)) (changed bool, err error) {
	changed = s.mu.Lock(td)
	for s.units == 0 && err == nil {
		var c bool
		c, err = s.sleep(td, sleep)
		changed = changed || c
	}
	if s.units > 0 { // also if it was posted while the end of the wait was on its way
		s.units--
		err = nil
	}
	s.mu.Unlock(td)
	return changed, err
}

// sleep sleeps, with the mutex held. If it panics, since the thread must not sleep, the mutex is free again.
func (s *Sema) sleep(td *lwkt.Thread, sleep func() (bool, error)) (changed bool, err error) {
	s.waiters++
	slept := false
	defer func() {
		if s.mu.Held(td) != lwkt.None {
			s.waiters--
			if !slept {
				s.mu.Unlock(td)
			}
		}
	}()
	changed, err = sleep()
	slept = true
	return changed, err
}

// TryWait takes a unit if there is one. It waits at most for another operation on the
// semaphore to end. (sema_trywait)
func (s *Sema) TryWait(td *lwkt.Thread) bool {
	s.mu.Lock(td)
	ok := s.units > 0
	if ok {
		s.units--
	}
	s.mu.Unlock(td)
	return ok
}

// Value is how many units there are; there may be others a moment later. It waits at most for another
// operation on the semaphore to end. (sema_value)
func (s *Sema) Value(td *lwkt.Thread) int {
	s.mu.Lock(td)
	defer s.mu.Unlock(td)
	return s.units
}
