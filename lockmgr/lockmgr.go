// Package lockmgr is the lock manager lock of BSD: the lock with every mode and flag, under
// buffers, vnodes and whatever is held while a disk works.
//
// It is a package of its own because of its size; it is the algorithm of the other
// locks, waits as an lwkt.SX does, and mixes with tokens and locks as that.
package lockmgr

import (
	"context"
	"fmt"
	"io"
	"math/bits"
	"sync"
	"unsafe"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// noCopy makes go vet complain about a copy of what contains it.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// Lock is a lock with sharers or one exclusive holder, who keep it across sleep and Block if
// they like. The wait for it lends no priority and is not bounded; who waits gives up its
// tokens meanwhile. The zero Lock is free, and must not be copied.
//
// Who waits for exclusive use keeps new sharers out, unless they share any Lock already, since
// what they have may be what the other one waits for; after some tens of failures it is
// overtaken no more. An upgrade goes before all who wait. What Do, and the last two methods, do by how
// the thread has it:
//
//	             free         shared by others  a share too    exclusively    another's
//	Shared       has a share  has a share 1     has a share    ErrDeadlock    waits
//	Exclusive    has it       waits             panics 2       panics 2 3     waits
//	Upgrade      panics       panics            has it 4       panics         panics
//	TryUpgrade   panics       panics            has it 5       panics         panics
//	ExclUpgrade  panics       panics            has it 4       panics         panics
//	Downgrade    panics       panics            panics         has a share 6  panics
//	Release      panics       panics            gives it up    gives it up    panics 7
//	Drain        has it 8     waits             panics         panics         waits
//	Disown       panics       panics            panics         nobody's 6     panics
//	Destroy      ends         panics            panics         ends 6 9       panics
//
// 1 if nobody waits to have it exclusively, or the thread has any share; else it waits. 2 with
// NoWait it is ErrBusy. 3 with CanRecurse it has it once more. 4 if it has one share, and when
// the others are gone; panics if it has more. 5 if there are no others and it has one share, else
// ErrBusy. 6 panics if it has it more than once. 7 unless it was disowned: then the lock is free.
// 8 if nobody waits. 9 panics if somebody waits. What waits is ErrBusy with NoWait.
//
// All methods panic with a *lwkt.Misuse if the Thread is nil, has ended, or is in use by
// another goroutine. (lock(9))
type Lock struct {
	_ noCopy
	l lock.Lock
}

const class = thread.Lockmgr

// handle is that of td, or nil, without a call.
func handle(td *lwkt.Thread) *thread.Handle { return thread.HandleAt(unsafe.Pointer(td)) }

// Init names the lock and sets flags: CanRecurse, NoShare, NoDeadlockTreat, DupOK, NoWitness. A
// lock that was initialized must be destroyed before it can be again. (lockinit)
func (lk *Lock) Init(name string, f Flags) {
	if f&^initFlags != 0 {
		thread.FailLock(nil, "Init", &lk.l.Object, class, "not for Init: "+(f&^initFlags).String())
	}
	about := uint32(0)
	for _, p := range [...]struct {
		f Flags
		o uint32
	}{{CanRecurse, lock.Recurse}, {NoShare, lock.NoShare}, {NoDeadlockTreat, lock.NoAvoid}, {DupOK, lock.DupOK}, {NoWitness, lock.NoWitness}} {
		if f&p.f != 0 {
			about |= p.o
		}
	}
	lock.Init(&lk.l, class, name, about)
}

// Destroy ends the life of the lock: to use it then panics, until Init. It must be free, or
// the thread's exclusively, once, as after Drain; and nobody may wait for it. (lockdestroy)
func (lk *Lock) Destroy(td *lwkt.Thread) { lock.Destroy(handle(td), &lk.l, class, true) }

// Do performs an operation. It may wait, and says whether a token that the thread holds changed
// hands meanwhile, also if it fails. The table of Lock says what each does, Flags which errors.
//
// What was done before a Release synchronizes before the return of an operation that had to
// be after it. (lockmgr)
func (lk *Lock) Do(td *lwkt.Thread, f Flags, opts ...Option) (changed bool, err error) {
	op, q, ctx := f&opMask, lock.Request{Avoid: true}, context.Context(nil)
	switch wrong := f &^ (opMask | doFlags); {
	case op == 0:
		thread.FailLock(handle(td), "Do", &lk.l.Object, class, "there is no operation in "+f.String()+"; a request has exactly one, as Shared or Exclusive is, added to how it is to be done")
	case bits.OnesCount32(uint32(op)) != 1:
		thread.FailLock(handle(td), "Do", &lk.l.Object, class, "a request has exactly one operation, and not "+op.String())
	case wrong != 0:
		thread.FailLock(handle(td), "Do", &lk.l.Object, class, "not for a request: "+wrong.String())
	}
	q.NoWait, q.SleepFail, q.Recurse, q.Drain = f&NoWait != 0, f&SleepFail != 0, f&CanRecurse != 0, op == Drain
	for i := range opts {
		o := &opts[i]
		switch o.kind {
		case with:
			if o.interlock != nil {
				q.With = o.interlock.Interlock()
			}
		case within:
			if op != Drain {
				q.Timeout = int64(o.timeout)
			}
		case until:
			if o.ctx == nil {
				thread.FailLock(handle(td), op.String(), &lk.l.Object, class, "its Context is nil; to wait for ever pass none")
			}
			if op != Drain {
				ctx, q.Done = o.ctx, o.ctx.Done()
			}
		}
	}
	changed, out := lk.do(td, op, &q)
	switch out {
	case lock.Busy:
		err = ErrBusy
	case lock.Slept:
		err = ErrSlept
	case lock.Deadlock:
		err = ErrDeadlock
	case lock.TimedOut:
		err = lwkt.ErrTimeout
	case lock.Cancelled:
		err = ctx.Err()
	}
	return changed, err
}

func (lk *Lock) do(td *lwkt.Thread, op Flags, q *lock.Request) (changed bool, out lock.Outcome) {
	h, name := handle(td), names[bits.TrailingZeros32(uint32(op))]
	if lk.l.Flag(lock.NoShare) {
		switch op {
		case Shared:
			op = Exclusive
		case Upgrade, TryUpgrade, ExclUpgrade, Downgrade:
			return false, lock.Unchanged(h, &lk.l, class, name, q)
		}
	}
	lock.MayDropInterlock(h, name, q) // before anything is done
	switch op {
	case Shared:
		q.Mode = lwkt.Shared
		return lock.Do(h, &lk.l, class, name, *q)
	case Exclusive, Drain:
		q.Mode = lwkt.Exclusive
		return lock.Do(h, &lk.l, class, name, *q)
	case Upgrade, ExclUpgrade:
		return lock.Upgrade(h, &lk.l, class, name, *q, op == ExclUpgrade)
	case TryUpgrade:
		if !lock.TryUpgrade(h, &lk.l, class) {
			out = lock.Busy
		}
	case Downgrade:
		lock.Downgrade(h, &lk.l, class)
	case Release:
		lock.ReleaseAny(h, &lk.l, class, name)
	}
	lock.DropInterlock(h, name, q)
	return false, out
}

// SLock takes a share; it may wait, and says whether a token that the thread holds changed
// hands meanwhile. It panics if the thread has the lock exclusively.
func (lk *Lock) SLock(td *lwkt.Thread) (changed bool) {
	if lk.l.Flag(lock.NoShare) {
		return lk.XLock(td)
	}
	return lock.AcquireShared(handle(td), &lk.l, class)
}

// XLock takes the lock exclusively; it may wait, and says whether a token that the thread
// holds changed hands meanwhile. It panics if the thread has the lock, unless it recurses.
func (lk *Lock) XLock(td *lwkt.Thread) (changed bool) {
	return lock.Acquire(handle(td), &lk.l, class)
}

// SLockContext is SLock, given up when ctx is done before the lock was had: then err is the
// error of ctx, and no trace is left of the wait.
func (lk *Lock) SLockContext(ctx context.Context, td *lwkt.Thread) (changed bool, err error) {
	return lk.Do(td, Shared, Context(ctx))
}

// XLockContext is XLock, given up when ctx is done, as SLockContext is.
func (lk *Lock) XLockContext(ctx context.Context, td *lwkt.Thread) (changed bool, err error) {
	return lk.Do(td, Exclusive, Context(ctx))
}

// TrySLock is SLock if that need not wait, else it changes nothing and returns false.
func (lk *Lock) TrySLock(td *lwkt.Thread) bool {
	m := lwkt.Shared
	if lk.l.Flag(lock.NoShare) {
		m = lwkt.Exclusive
	}
	return lock.Try(handle(td), &lk.l, class, m)
}

// TryXLock is XLock if that need not wait, else it changes nothing and returns false.
func (lk *Lock) TryXLock(td *lwkt.Thread) bool {
	return lock.Try(handle(td), &lk.l, class, lwkt.Exclusive)
}

// Upgrade makes the one share of the thread exclusive. It may wait, and keeps the share
// meanwhile so that nobody is in between; unless another thread is upgrading: then it gives
// the share up and waits as anybody. (LK_UPGRADE)
func (lk *Lock) Upgrade(td *lwkt.Thread) (changed bool) {
	changed, _ = lk.Do(td, Upgrade)
	return changed
}

// ExclUpgrade is Upgrade with nobody in between, else the share is lost and err is ErrBusy.
// (LK_EXCLUPGRADE)
func (lk *Lock) ExclUpgrade(td *lwkt.Thread) (changed bool, err error) {
	return lk.Do(td, ExclUpgrade)
}

// TryUpgrade makes the share of the thread exclusive if nobody else has one and it has one
// only; else it keeps the share, and false is returned. (LK_TRYUPGRADE)
func (lk *Lock) TryUpgrade(td *lwkt.Thread) bool {
	_, err := lk.Do(td, TryUpgrade)
	return err == nil
}

// Downgrade makes exclusive use a share, with no gap. It panics if the thread has the lock
// more than once. It does not block. (LK_DOWNGRADE)
func (lk *Lock) Downgrade(td *lwkt.Thread) { lk.Do(td, Downgrade) }

// Unlock undoes one acquisition by the thread, whatever its mode, or releases a lock
// that was disowned. It does not block. It panics if the thread does not have the lock.
// (LK_RELEASE)
func (lk *Lock) Unlock(td *lwkt.Thread) { lock.ReleaseAny(handle(td), &lk.l, class, "Unlock") }

// Drain takes the lock exclusively when nobody else has it or waits for it. (LK_DRAIN)
func (lk *Lock) Drain(td *lwkt.Thread) (changed bool) {
	changed, _ = lk.Do(td, Drain)
	return changed
}

// Disown makes the thread's exclusive use of the lock nobody's in particular: whoever comes
// may release it, as when a disk has done its work. It panics if the thread has the lock more than
// once, or not exclusively. It does not block, and synchronizes before that release's
// return. (lockmgr_disown)
func (lk *Lock) Disown(td *lwkt.Thread) { lock.Disown(handle(td), &lk.l, class) }

// Status is how the lock is held: Exclusive by the thread, ExclOther, Shared by anybody, or 0.
// It may be another one a moment later, but for the thread's own. (lockstatus)
func (lk *Lock) Status(td *lwkt.Thread) Flags {
	m := lk.Held(td)
	lk.l.Look(handle(td))
	switch w := lk.l.Word(); {
	case m == lwkt.Exclusive:
		return Exclusive
	case m == lwkt.Shared:
		return Shared
	case w.Owner() != 0: // whose shares are those of visitors
		return ExclOther
	case w.Shares() > 0:
		return Shared
	}
	return 0
}

// Held says how the thread has the lock. (lockmgr_assert)
func (lk *Lock) Held(td *lwkt.Thread) lwkt.Mode {
	m, _ := lock.Held(handle(td), &lk.l)
	return m
}

// String names the lock as messages do.
func (lk *Lock) String() string { return lk.l.Title(class) }

// PrintInfo writes a line about who has the lock and how many wait for it, as it is at the moment.
// (lockmgr_printinfo)
func (lk *Lock) PrintInfo(out io.Writer) error {
	state, waiting := lk.l.Describe(class)
	line := fmt.Sprintf("%v: %s", lk, state)
	if waiting > 0 {
		line += fmt.Sprintf(", %d waiting", waiting)
	}
	_, err := fmt.Fprintln(out, line)
	return err
}

// XLocker returns a sync.Locker that takes and releases the lock exclusively for td.
func (lk *Lock) XLocker(td *lwkt.Thread) sync.Locker { return locker{lk, td, lk.XLock} }

// SLocker returns a sync.Locker that takes and releases the lock shared for td.
func (lk *Lock) SLocker(td *lwkt.Thread) sync.Locker { return locker{lk, td, lk.SLock} }

type locker struct {
	lk   *Lock
	td   *lwkt.Thread
	lock func(*lwkt.Thread) bool
}

func (l locker) Lock()   { l.lock(l.td) }
func (l locker) Unlock() { l.lk.Unlock(l.td) }

// Interlock lets SleepOn and condition variables drop the lock, whichever way the thread has
// it, once. It does not block.
func (lk *Lock) Interlock() sleepq.Interlock { return lk.l.Interlock(class) }
