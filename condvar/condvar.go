// Package condvar is the condition variables (condvar(9)): waiting for a condition that a lock
// guards, with that lock given up meanwhile. It works with every lock of package lwkt and its like
// that may be dropped by a sleep, but not with spin mutexes, for which there is SleepOn.
package condvar

// State machine: none of its own; a condition variable is a channel of package sleepq.

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// Cond is a condition variable. The zero Cond can be used with any lock; it must not be
// copied. It has no memory: a Signal that finds nobody does nothing.
//
// A waiter has the lock, once, in any mode; it is on the queue before it gives that up, so if who
// makes the condition true holds the lock while it does so, no wakeup is lost. It has the lock
// again when its wait returns, however that ends, except after WaitUnlock. A condition
// may be true no more by then, so look again. Tokens are given up too, and giant locks,
// which are taken back before the lock; tokens come last. What a thread does by state:
//
//	            nobody waits   some wait with its lock   some wait with another   destroyed
//	Wait ...    waits *        waits *                   panics                   panics
//	Signal      nothing        wakes the best            wakes the best           panics
//	Broadcast   nothing        wakes all                 wakes all                panics
//	Destroy     ends           panics                    panics                   panics
//	Init        panics **      panics                    panics                   begins
//
// * panics if the thread does not have the lock, or more than once, or if it is a spin mutex;
// if the thread holds another lock that must not be held across sleep and others wait for that one,
// or the checks of the hierarchy are on. ** but not if it was never initialized.
//
// All methods panic with a *lwkt.Misuse if the Thread is nil, has ended, or is in use by
// another goroutine. (condvar(9))
type Cond struct {
	_     noCopy
	name  atomic.Pointer[string]
	state atomic.Uint32 // fresh, initialized, destroyed
}

// noCopy makes go vet complain about a copy of what contains it.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// The states of a Cond.
const (
	fresh uint32 = iota
	initialized
	destroyed
)

const kind = "a condition variable"

// Init names the condition variable. It panics if it has been initialized before and was
// not destroyed since, or if somebody waits. It does not block. (cv_init)
func (c *Cond) Init(name string) {
	thread.Announce(thread.Op{Kind: thread.OpChange, Key: c})
	switch {
	case c.state.Load() == initialized:
		panic(c.fail("it was initialized before; Destroy it first"))
	case sleepq.Waiting(c) > 0:
		panic(c.fail("others wait on it"))
	}
	c.name.Store(&name)
	c.state.Store(initialized)
}

func (c *Cond) fail(why string) *lwkt.Misuse {
	return &lwkt.Misuse{Op: "Init", Lock: c.String(), Thread: "the program", Why: why, Where: thread.Caller()}
}

// Destroy ends the life of the condition variable: to use it then panics, until Init. It
// panics if somebody waits. It does not block. (cv_destroy)
func (c *Cond) Destroy(td *lwkt.Thread) {
	const op = "Destroy"
	r := thread.EnterOf(thread.HandleOf(td), op, c)
	defer r.Leave()
	c.point(r, op, thread.OpWakeup)
	if n := sleepq.Waiting(c); n > 0 {
		r.MisuseOf(op, c.String(), thread.Waiting(n)+" on it")
	}
	c.state.Store(destroyed)
}

// Wait waits until it is woken, with the lock given up, and says whether a token that the
// thread holds changed hands meanwhile. The Signal or Broadcast that ends it synchronizes
// before its return. (cv_wait)
func (c *Cond) Wait(td *lwkt.Thread, lock lwkt.Interlock) (changed bool) {
	changed, _ = c.wait(td, "Wait", lock, nil, 0, false)
	return changed
}

// WaitContext is Wait that ends with the error of ctx when that is done, with the lock all
// the same. A wake-up that raced with it wins. (cv_wait_sig)
func (c *Cond) WaitContext(ctx context.Context, td *lwkt.Thread, lock lwkt.Interlock) (changed bool, err error) {
	const op = "WaitContext"
	if ctx == nil {
		thread.NoContext(thread.HandleOf(td), op, c.String())
	}
	done := ctx.Done() // the caller's code: it may use td
	changed, why := c.wait(td, op, lock, done, 0, false)
	if why == hw.Done {
		err = ctx.Err()
	}
	return changed, err
}

// WaitTimeout is Wait that ends with lwkt.ErrTimeout after the timeout, at once if it is
// not positive, with the lock all the same. (cv_timedwait)
func (c *Cond) WaitTimeout(td *lwkt.Thread, lock lwkt.Interlock, timeout time.Duration) (changed bool, err error) {
	if timeout <= 0 {
		timeout = -1
	}
	changed, why := c.wait(td, "WaitTimeout", lock, nil, timeout, false)
	if why == hw.Deadline {
		err = lwkt.ErrTimeout
	}
	return changed, err
}

// WaitUnlock is Wait that returns without the lock. (cv_wait_unlock)
func (c *Cond) WaitUnlock(td *lwkt.Thread, lock lwkt.Interlock) (changed bool) {
	changed, _ = c.wait(td, "WaitUnlock", lock, nil, 0, true)
	return changed
}

func (c *Cond) wait(td *lwkt.Thread, op string, lock lwkt.Interlock, done <-chan struct{}, timeout time.Duration, leave bool) (changed bool, why hw.Why) {
	r := thread.EnterOf(thread.HandleOf(td), op, c)
	defer r.Leave()
	if thread.IsNil(lock) {
		r.MisuseOf(op, c.String(), "there is no lock to give up: it is nil")
	}
	l := lock.Interlock()
	if l.Class() == thread.Spin {
		r.MisuseOf(op, c.String(), l.Obj().Title(thread.Spin)+" is none that a condition variable works with; SleepOn does")
	}
	l.MayDrop(r, op)
	u := sleepq.Until{Done: done, Leave: leave, Deadline: r.Deadline(int64(timeout))}
	c.point(r, op, thread.OpSleep)
	return sleepq.Sleep(r, op, c, sleepq.How{Kind: kind, Lock: l}, u)
}

// Signal wakes the waiter with the best priority, of several the one that waits longest,
// and says whether there was one. It does not block. What happened before synchronizes before the return
// of its wait. The caller need not have the lock. (cv_signal)
func (c *Cond) Signal(td *lwkt.Thread) bool { return c.wake(td, "Signal", sleepq.One, 0) == 1 }

// Broadcast wakes all waiters, and says how many. It does not block. What happened before synchronizes
// before the return of their waits. (cv_broadcast)
func (c *Cond) Broadcast(td *lwkt.Thread) int { return c.wake(td, "Broadcast", sleepq.All, 0) }

// BroadcastPri is Broadcast that gives each waiter the priority, if its own is worse, until
// it has the lock and its wait returns. It panics if the priority is not between
// 0 and 31. (cv_broadcastpri)
func (c *Cond) BroadcastPri(td *lwkt.Thread, priority int) int {
	return c.wake(td, "BroadcastPri", sleepq.All, priority)
}

func (c *Cond) wake(td *lwkt.Thread, op string, which sleepq.Which, priority int) int {
	r := thread.EnterOf(thread.HandleOf(td), op, c)
	defer r.Leave()
	if priority < thread.MinPriority || priority > thread.MaxPriority {
		r.MisuseOf(op, c.String(), fmt.Sprintf("priority %d is out of range 0..31", priority))
	}
	c.point(r, op, thread.OpWakeup)
	return sleepq.Wakeup(r, op, c, kind, which, int32(priority))
}

// point announces an operation, and panics if the Cond was destroyed before it.
func (c *Cond) point(r *thread.Record, op string, kind thread.OpKind) {
	r.Point(kind, c)
	if c.state.Load() == destroyed {
		r.MisuseOf(op, c.String(), "it was destroyed; it can be used again after Init")
	}
}

// String names the condition variable as messages do. It does not block.
func (c *Cond) String() string {
	if n := c.name.Load(); n != nil {
		return fmt.Sprintf("condition variable %q", *n)
	}
	return fmt.Sprintf("condition variable %p", c)
}
