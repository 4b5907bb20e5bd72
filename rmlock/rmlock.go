// Package rmlock is the read-mostly lock: a reader-writer lock for what is hardly ever written,
// whose readers write nothing that another one reads or writes.
package rmlock

// State machine: none of its own; the lock is internal/lock/rm.go.

import (
	"context"
	"sync"
	"unsafe"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// Lock is an lwkt.RWLock for what is hardly ever written: a reader writes nothing that another
// reader touches, and a writer looks through all threads for readers, which it lends its priority. So
// reading costs little and does not become slower with the number of readers, and writing costs a lot. The lock is
// held for a bounded time: who has it must not sleep, but the writer of one with the option
// Sleepable. Who waits for it gives up its tokens meanwhile, and lends its priority to whoever has it; but
// not to the writer of a sleepable one. The zero Lock is free, and must not be copied.
//
// A writer keeps new readers out from the moment when it is next. A thread may read any number of
// these locks at once; beyond four that costs more. What a thread does by state:
//
//	          free    read by others   read by it too   written by it   written by another
//	RLock     reads   reads *          reads            panics          waits
//	TryRLock  reads   reads *          reads            fails           fails
//	WLock     writes  waits            panics           panics          waits
//	TryWLock  writes  fails            fails            fails           fails
//	RUnlock   panics  panics           releases         panics          panics
//	WUnlock   panics  panics           panics           releases        panics
//	Destroy   ends    panics           panics           panics          panics
//
// * unless a writer waits for those others, or with TryRLock tries to; then it waits or fails.
//
// All methods panic with a *lwkt.Misuse if the Thread is nil, has ended, or is in use by
// another goroutine. (rmlock(9))
type Lock struct {
	l lock.RM
}

// Sleepable lets the writer of the lock sleep.
const Sleepable lwkt.Options = lock.Sleepable

// handle is that of td, or nil: thread.HandleAt written out, or RLock would not inline.
func handle(td *lwkt.Thread) *thread.Handle { return (*thread.Handle)(unsafe.Pointer(td)) }

// Init names the lock and sets options: Sleepable, DupOK, NoWitness. A lock that was initialized
// must be destroyed before it can be again. (rm_init)
func (rm *Lock) Init(name string, o lwkt.Options) {
	if wrong := o &^ (Sleepable | lwkt.DupOK | lwkt.NoWitness); wrong != 0 {
		thread.FailLock(nil, "Init", &rm.l.Back().Object, thread.RM, "not an option of an rmlock: "+lock.FlagNames(uint32(wrong)))
	}
	lock.InitRM(&rm.l, name, uint32(o))
}

// Destroy ends the life of the lock: to use it then panics, until Init. It must be free.
// (rm_destroy)
func (rm *Lock) Destroy(td *lwkt.Thread) { lock.DestroyRM(handle(td), &rm.l) }

// RLock takes the lock for reading; it waits only for a writer, and then says whether a token that
// the thread holds changed hands meanwhile. Every earlier WUnlock synchronizes before its
// return. (rm_rlock)
func (rm *Lock) RLock(td *lwkt.Thread) (changed bool) { return lock.Read(handle(td), &rm.l) }

// RLockContext is RLock, given up when ctx is done before the lock was had: then err is
// the error of ctx, and no trace is left of the wait.
func (rm *Lock) RLockContext(ctx context.Context, td *lwkt.Thread) (changed bool, err error) {
	return lock.ReadContext(ctx, handle(td), &rm.l)
}

// TryRLock is RLock if that need not wait, else it changes nothing and returns false. It may
// fail because of a TryWLock that fails too. (rm_try_rlock)
func (rm *Lock) TryRLock(td *lwkt.Thread) bool { return lock.TryRead(handle(td), &rm.l) }

// RUnlock undoes one RLock. It does not block. It synchronizes before the return of every later
// WLock. (rm_runlock)
func (rm *Lock) RUnlock(td *lwkt.Thread) { lock.ReadRelease(handle(td), &rm.l) }

// WLock takes the lock for writing; it may wait, and then says whether a token that the
// thread holds changed hands meanwhile. It panics if it would have to wait for a reader that sleeps. Every
// earlier RUnlock and WUnlock synchronizes before its return. (rm_wlock)
func (rm *Lock) WLock(td *lwkt.Thread) (changed bool) { return lock.Write(handle(td), &rm.l) }

// WLockContext is WLock, given up when ctx is done, as RLockContext is.
func (rm *Lock) WLockContext(ctx context.Context, td *lwkt.Thread) (changed bool, err error) {
	return lock.WriteContext(ctx, handle(td), &rm.l)
}

// TryWLock is WLock if that need not wait, else it changes nothing and returns false.
func (rm *Lock) TryWLock(td *lwkt.Thread) bool { return lock.TryWrite(handle(td), &rm.l) }

// WUnlock undoes one WLock. It does not block. (rm_wunlock)
func (rm *Lock) WUnlock(td *lwkt.Thread) { lock.WriteRelease(handle(td), &rm.l) }

// Interlock lets SleepOn and condition variables drop the lock, whichever way the thread has
// it, once. It does not block. (rm_sleep)
func (rm *Lock) Interlock() sleepq.Interlock { return rm.l.Interlock() }

// Held says how the thread has the lock. (rm_wowned, rm_assert)
func (rm *Lock) Held(td *lwkt.Thread) lwkt.Mode {
	m, _ := lock.Held(handle(td), rm.l.Back())
	return m
}

// String names the lock as messages do.
func (rm *Lock) String() string { return rm.l.Title() }

// WLocker returns a sync.Locker that takes and releases the lock for writing for td.
func (rm *Lock) WLocker(td *lwkt.Thread) sync.Locker {
	return locker{rm.WLock, rm.WUnlock, td}
}

// RLocker returns a sync.Locker that takes and releases the lock for reading for td.
func (rm *Lock) RLocker(td *lwkt.Thread) sync.Locker {
	return locker{rm.RLock, rm.RUnlock, td}
}

type locker struct {
	lock   func(*lwkt.Thread) bool
	unlock func(*lwkt.Thread)
	td     *lwkt.Thread
}

func (l locker) Lock()   { l.lock(l.td) }
func (l locker) Unlock() { l.unlock(l.td) }
