package lwkt

// The shared/exclusive lock, which may be held across sleep. Its algorithm is in
// internal/lock.

import (
	"context"
	"sync"

	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// SX is a lock that many sharers or one exclusive holder have, across sleep and Block if they
// like. So the wait for it is not bounded: it lends no priority, must not begin while the
// thread holds a Mtx, RWLock or rmlock.Lock, and is best given up by a context. Who waits gives up
// its tokens meanwhile. The zero SX is free, and must not be copied.
//
// A waiting exclusive holder keeps new sharers out, unless they share this lock already. With
// the option SharersFirst it does not, as once on FreeBSD, and they may starve it.
//
//	            free    shared by others   shared by it too   its own      another's
//	SLock       shares  shares *           shares             panics       waits
//	TrySLock    shares  shares *           shares             fails        fails
//	XLock       has it  waits              panics             panics **    waits
//	TryXLock    has it  fails              fails              fails **     fails
//	TryUpgrade  panics  panics             has it if alone    panics       panics
//	Downgrade   panics  panics             panics             shares       panics
//	SUnlock     panics  panics             releases           panics       panics
//	XUnlock     panics  panics             panics             releases     panics
//	Destroy     ends    panics             panics             panics       panics
//
// * if nobody waits for exclusive use, or with SharersFirst; else it waits or fails. ** with Recurse it has it once more.
//
// All methods panic with a *Misuse if the Thread is nil, has ended, or is in use by
// another goroutine. (sx(9))
type SX struct {
	_ noCopy
	l lock.Lock
}

// Init names the lock and sets options: Recurse (for exclusive use), WakeAll, SharersFirst,
// DupOK, NoWitness. A lock that was initialized must be destroyed before it can be
// again. (sx_init)
func (sx *SX) Init(name string, o Options) {
	initLock(&sx.l, thread.SX, name, o, Recurse|WakeAll|SharersFirst)
}

// Destroy ends the life of the lock: to use it then panics, until Init. It must be free.
// (sx_destroy)
func (sx *SX) Destroy(td *Thread) { lock.Destroy(td.handle(), &sx.l, thread.SX, false) }

// SLock takes the lock shared; it may wait, and then says whether a token that the thread
// holds changed hands meanwhile. Every earlier XUnlock synchronizes before its return.
// (sx_slock)
func (sx *SX) SLock(td *Thread) (changed bool) {
	return lock.AcquireShared(td.handle(), &sx.l, thread.SX)
}

// SLockContext is SLock, given up when ctx is done before the lock was had: then err is the
// error of ctx, and no trace is left of the wait. (sx_slock_sig)
func (sx *SX) SLockContext(ctx context.Context, td *Thread) (changed bool, err error) {
	return lockContext(ctx, td, &sx.l, thread.SX, Shared)
}

// TrySLock is SLock if that need not wait, else it changes nothing and returns false.
// (sx_try_slock)
func (sx *SX) TrySLock(td *Thread) bool { return lock.Try(td.handle(), &sx.l, thread.SX, Shared) }

// SUnlock undoes one SLock. It does not block. (sx_sunlock)
func (sx *SX) SUnlock(td *Thread) { lock.ReleaseShared(td.handle(), &sx.l, thread.SX) }

// XLock takes the lock exclusively; it may wait, and then says whether a token that the
// thread holds changed hands meanwhile. Every earlier SUnlock and XUnlock synchronizes
// before its return. (sx_xlock)
func (sx *SX) XLock(td *Thread) (changed bool) {
	return lock.Acquire(td.handle(), &sx.l, thread.SX)
}

// XLockContext is XLock, given up when ctx is done, as SLockContext is. (sx_xlock_sig)
func (sx *SX) XLockContext(ctx context.Context, td *Thread) (changed bool, err error) {
	return lockContext(ctx, td, &sx.l, thread.SX, Exclusive)
}

// TryXLock is XLock if that need not wait, else it changes nothing and returns false.
// (sx_try_xlock)
func (sx *SX) TryXLock(td *Thread) bool {
	return lock.Try(td.handle(), &sx.l, thread.SX, Exclusive)
}

// XUnlock undoes one XLock. It does not block. (sx_xunlock)
func (sx *SX) XUnlock(td *Thread) { lock.Release(td.handle(), &sx.l, thread.SX) }

// TryUpgrade makes the share of the thread exclusive if nobody else has one and it has
// the lock once; else it keeps the share, and false is returned. (sx_try_upgrade)
func (sx *SX) TryUpgrade(td *Thread) bool { return lock.TryUpgrade(td.handle(), &sx.l, thread.SX) }

// Downgrade makes exclusive use a share, with no gap. It panics if the thread has the lock
// more than once. (sx_downgrade)
func (sx *SX) Downgrade(td *Thread) { lock.Downgrade(td.handle(), &sx.l, thread.SX) }

// Held says how the thread has the lock. (sx_xlocked, sx_assert)
func (sx *SX) Held(td *Thread) Mode { return held(td, &sx.l) }

// Holder names the thread that has the lock exclusively, or is "". It may be another one a
// moment later. (sx_xholder)
func (sx *SX) Holder() string {
	sx.l.Look(nil)
	if id := sx.l.Holder(); id != 0 {
		return thread.NameOf(id)
	}
	return ""
}

// Interlock lets SleepOn and condition variables drop the lock, whichever way the thread has it,
// once. It does not block. (sx_sleep)
func (sx *SX) Interlock() sleepq.Interlock { return sx.l.Interlock(thread.SX) }

// String names the lock as messages do.
func (sx *SX) String() string { return sx.l.Title(thread.SX) }

// XLocker returns a sync.Locker that takes and releases the lock exclusively for td.
func (sx *SX) XLocker(td *Thread) sync.Locker { return locker{sx.XLock, sx.XUnlock, td} }

// SLocker returns a sync.Locker that takes and releases the lock shared for td.
func (sx *SX) SLocker(td *Thread) sync.Locker { return locker{sx.SLock, sx.SUnlock, td} }
