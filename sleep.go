package lwkt

// Sleep with a lock that is dropped meanwhile: the kernel's msleep, mtx_sleep, rw_sleep,
// sx_sleep and msleep_spin are one method here, for every lock that may be dropped.

import (
	"context"
	"fmt"
	"time"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// Interlock is a lock that SleepOn and condition variables give up while a thread waits, and
// take back before it goes on: a Mtx, RWLock, SX, and what else of this module has the method.
// A Token is none: it is given up by every sleep, and could be lost before the thread is on its
// queue. (sleep(9))
type Interlock interface {
	// Interlock is the lock as package sleepq sees it; it is not for users.
	Interlock() sleepq.Interlock
}

// SleepOptions say how a SleepOn differs from one that lasts until the thread is woken. The
// zero value differs in nothing.
type SleepOptions struct {
	Context  context.Context // ends the sleep with its error when it is done (PCATCH); nil: nothing does
	Timeout  time.Duration   // ends it with ErrTimeout, if that is not 0; at once if it is negative
	Priority int             // that the thread has, if its own is worse, from the wakeup until SleepOn returns
	Drop     bool            // the lock is not taken back (PDROP), however the sleep ends
}

// SleepOn is Sleep that gives up a lock while it sleeps. The thread has the lock, in any mode, but
// only once. It is on the queue before it drops the lock, so if the waker changes the
// condition with the lock held, no wakeup is lost. All who sleep on one channel
// at a time must use the same lock.
//
// It returns as Sleep does, with the lock taken back unless o.Drop, also on an error: neither the
// context nor the timeout ends the wait for the lock. What comes back comes in this order: giant
// locks, then the lock, then the tokens; changed tells of the last. A wakeup that raced with
// the context or the timeout wins.
//
// It panics if the thread does not have the lock, or has it more than once, if it holds another
// one that must not be held across sleep and somebody waits for that, if others sleep on the channel with
// another lock, or with none, and as Sleep does. (sleep(9))
//
// Every wakeup of the channel synchronizes before the return of the SleepOn that it ends.
func (td *Thread) SleepOn(channel any, lock Interlock, o SleepOptions) (changed bool, err error) {
	const op = "SleepOn"
	td.agree(op, channel)
	switch {
	case thread.IsNil(lock):
		thread.Fail(td.handle(), op, "there is no lock: it is nil; Sleep needs none")
	case o.Priority < thread.MinPriority || o.Priority > thread.MaxPriority:
		thread.Fail(td.handle(), op, fmt.Sprintf("priority %d is out of range 0..31", o.Priority))
	}
	var done <-chan struct{}
	if o.Context != nil {
		done = o.Context.Done() // the caller's code: it may use td
	}
	changed, why := td.sleepOn(op, channel, lock.Interlock(), done, &o)
	switch why {
	case hw.Done:
		err = o.Context.Err()
	case hw.Deadline:
		err = ErrTimeout
	}
	return changed, err
}

func (td *Thread) sleepOn(op string, channel any, l sleepq.Interlock, done <-chan struct{}, o *SleepOptions) (changed bool, why hw.Why) {
	r := thread.Enter(td.handle(), op)
	defer r.Leave()
	l.MayDrop(r, op)
	r.Point(thread.OpSleep, channel)
	return sleepq.Sleep(r, op, channel, sleepq.How{Kind: sleepq.WaitChannel, Lock: l}, sleepq.Until{
		Done: done, Deadline: r.Deadline(int64(o.Timeout)), Raise: int32(o.Priority), Leave: o.Drop,
	})
}
