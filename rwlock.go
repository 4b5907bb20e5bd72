package lwkt

// The reader-writer lock. Its algorithm is in internal/lock.

import (
	"context"
	"sync"

	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// RWLock is a lock that many readers or one writer hold, for a bounded time: who has it must
// not sleep. Who waits for it gives up its tokens meanwhile, and lends its priority to a writer
// that has it, but not to readers. The zero RWLock is free, and must not be copied.
//
// A waiting writer keeps new readers out, except those who read under this lock already;
// when it is done, whoever waits longest is next, and if that is a reader then all readers
// that wait. So neither starves the other. While a thread that was woken for the lock does not run yet,
// which is up to the scheduler, readers may pass it and the writers behind it: some hundred, or some
// thousand if others write meanwhile. A writer that came in vain keeps them out again. But a reader of one
// lock is not let pass the writers of another one, so two threads that read two locks, each in an order of
// its own, can deadlock with two writers: fix an order.
//
// Readers of a lock that was read a thousand times without a write share nothing, and do not slow each other down; the
// next writer pays for that, with some microseconds and a look at each thread of the program.
//
// What a thread does by state:
//
//	            free    read by others   read by it too   written by it   written by another
//	RLock       reads   reads *          reads            panics          waits
//	TryRLock    reads   reads *          reads            fails           fails
//	WLock       writes  waits            panics           panics **       waits
//	TryWLock    writes  fails            fails            fails **        fails
//	TryUpgrade  panics  panics           writes if alone  panics          panics
//	Downgrade   panics  panics           panics           reads           panics
//	RUnlock     panics  panics           releases         panics          panics
//	WUnlock     panics  panics           panics           releases        panics
//	Destroy     ends    panics           panics           panics          panics
//
// * if no writer waits, or none that keeps readers out, else it waits or fails. ** with Recurse it writes once more.
//
// All methods panic with a *Misuse if the Thread is nil, has ended, or is in use by
// another goroutine. (rwlock(9))
type RWLock struct {
	_ noCopy
	l lock.Lock
}

// Init names the lock and sets options: Recurse (for writers; readers always may),
// WakeAll, SharersFirst, DupOK, NoWitness. A lock that was initialized must be destroyed
// before it can be again. (rw_init)
func (rw *RWLock) Init(name string, o Options) {
	initLock(&rw.l, thread.RW, name, o, Recurse|WakeAll|SharersFirst)
}

// Destroy ends the life of the lock: to use it then panics, until Init. It must be free.
// (rw_destroy)
func (rw *RWLock) Destroy(td *Thread) { lock.Destroy(td.handle(), &rw.l, thread.RW, false) }

// RLock takes the lock for reading; it may wait, and then says whether a token that the
// thread holds changed hands meanwhile. Every earlier WUnlock synchronizes before
// its return. (rw_rlock)
func (rw *RWLock) RLock(td *Thread) (changed bool) {
	return lock.AcquireShared(td.handle(), &rw.l, thread.RW)
}

// RLockContext is RLock, given up when ctx is done before the lock was had: then err is
// the error of ctx, and no trace is left of the wait.
func (rw *RWLock) RLockContext(ctx context.Context, td *Thread) (changed bool, err error) {
	return lockContext(ctx, td, &rw.l, thread.RW, Shared)
}

// TryRLock is RLock if that need not wait, else it changes nothing and returns false.
// (rw_try_rlock)
func (rw *RWLock) TryRLock(td *Thread) bool {
	return lock.Try(td.handle(), &rw.l, thread.RW, Shared)
}

// RUnlock undoes one RLock. It does not block. (rw_runlock)
func (rw *RWLock) RUnlock(td *Thread) { lock.ReleaseShared(td.handle(), &rw.l, thread.RW) }

// WLock takes the lock for writing; it may wait, and then says whether a token that the
// thread holds changed hands meanwhile. Every earlier RUnlock and WUnlock synchronizes before
// its return. (rw_wlock)
func (rw *RWLock) WLock(td *Thread) (changed bool) {
	return lock.Acquire(td.handle(), &rw.l, thread.RW)
}

// WLockContext is WLock, given up when ctx is done, as RLockContext is.
func (rw *RWLock) WLockContext(ctx context.Context, td *Thread) (changed bool, err error) {
	return lockContext(ctx, td, &rw.l, thread.RW, Exclusive)
}

// TryWLock is WLock if that need not wait, else it changes nothing and returns false.
// (rw_try_wlock)
func (rw *RWLock) TryWLock(td *Thread) bool {
	return lock.Try(td.handle(), &rw.l, thread.RW, Exclusive)
}

// WUnlock undoes one WLock. It does not block. (rw_wunlock)
func (rw *RWLock) WUnlock(td *Thread) { lock.Release(td.handle(), &rw.l, thread.RW) }

// TryUpgrade makes the thread, which reads, the writer if nobody else reads and it has the
// lock once; else it goes on reading, and false is returned. (rw_try_upgrade)
func (rw *RWLock) TryUpgrade(td *Thread) bool {
	return lock.TryUpgrade(td.handle(), &rw.l, thread.RW)
}

// Downgrade makes the thread, which writes, a reader, with no gap. It panics if the
// thread has the lock more than once. (rw_downgrade)
func (rw *RWLock) Downgrade(td *Thread) { lock.Downgrade(td.handle(), &rw.l, thread.RW) }

// Held says how the thread has the lock. (rw_wowned, rw_assert)
func (rw *RWLock) Held(td *Thread) Mode { return held(td, &rw.l) }

// Interlock lets SleepOn and condition variables drop the lock, whichever way the thread has it,
// once. It does not block. (rw_sleep)
func (rw *RWLock) Interlock() sleepq.Interlock { return rw.l.Interlock(thread.RW) }

// String names the lock as messages do.
func (rw *RWLock) String() string { return rw.l.Title(thread.RW) }

// WLocker returns a sync.Locker that takes and releases the lock for writing for td.
func (rw *RWLock) WLocker(td *Thread) sync.Locker { return locker{rw.WLock, rw.WUnlock, td} }

// RLocker returns a sync.Locker that takes and releases the lock for reading for td.
func (rw *RWLock) RLocker(td *Thread) sync.Locker { return locker{rw.RLock, rw.RUnlock, td} }
