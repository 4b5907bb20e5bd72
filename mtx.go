package lwkt

// The blocking mutex. Its algorithm is in internal/lock.

import (
	"context"
	"sync"

	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// Mtx is a mutual exclusion lock with an owner, held for a bounded time: its owner must not
// sleep. Whoever waits for it gives up its tokens meanwhile, and lends its priority to the
// owner. The zero Mtx is free, does not recurse, and must not be copied.
//
// A release wakes the best waiter, which may find that somebody else was faster; after some
// tens of such failures the lock is handed over to it. What a thread does by state:
//
//	            free    own        another's, or somebody waits
//	Lock        takes   panics *   spins while the owner runs, then waits
//	TryLock     takes   fails *    takes it if it is free and nobody has a right to it, else fails
//	Unlock      panics  releases   panics
//	Destroy     ends    ends, if it has it once and nobody waits; else panics
//
// * with Recurse it has it once more.
//
// All methods panic with a *Misuse if the Thread is nil, has ended, or is in use by
// another goroutine. (mutex(9))
type Mtx struct {
	_ noCopy
	l lock.Lock
}

// Init names the mutex and sets options: Recurse, WakeAll, DupOK, NoWitness. A mutex
// that was initialized must be destroyed before it can be again. (mtx_init)
func (m *Mtx) Init(name string, o Options) {
	initLock(&m.l, thread.Mutex, name, o, Recurse|WakeAll)
}

// Destroy ends the life of the mutex: to use it then panics, until Init. It must be free
// or held by the thread, once, and nobody may wait for it. (mtx_destroy)
func (m *Mtx) Destroy(td *Thread) { lock.Destroy(td.handle(), &m.l, thread.Mutex, true) }

// Lock takes the mutex; it may wait, and then says whether a token that the thread holds
// changed hands meanwhile. It panics if the thread has it already, unless it recurses, and if
// whoever it waits for sleeps.
//
// Every earlier Unlock synchronizes before the return of Lock. (mtx_lock)
func (m *Mtx) Lock(td *Thread) (changed bool) {
	return lock.Acquire(td.handle(), &m.l, thread.Mutex)
}

// LockContext is Lock, given up when ctx is done before the mutex was had: then err is the
// error of ctx, and no trace is left of the wait. A free mutex is taken even if ctx is done.
func (m *Mtx) LockContext(ctx context.Context, td *Thread) (changed bool, err error) {
	return lockContext(ctx, td, &m.l, thread.Mutex, Exclusive)
}

func lockContext(ctx context.Context, td *Thread, l *lock.Lock, c thread.Class, m Mode) (changed bool, err error) {
	return lock.AcquireContext(ctx, td.handle(), l, c, m)
}

// TryLock is Lock if that need not wait, else it changes nothing and returns false.
// (mtx_trylock)
func (m *Mtx) TryLock(td *Thread) bool {
	return lock.Try(td.handle(), &m.l, thread.Mutex, Exclusive)
}

// Unlock undoes one Lock. It does not block. It panics if the thread does not have the
// mutex. (mtx_unlock)
func (m *Mtx) Unlock(td *Thread) { lock.Release(td.handle(), &m.l, thread.Mutex) }

// Held says how the thread has the mutex: not, or exclusively. (mtx_owned)
func (m *Mtx) Held(td *Thread) Mode { return held(td, &m.l) }

// Interlock lets SleepOn and condition variables drop the mutex; its owner has it once then.
// It does not block. (mtx_sleep, lock_class)
func (m *Mtx) Interlock() sleepq.Interlock { return m.l.Interlock(thread.Mutex) }

// String names the mutex as messages do.
func (m *Mtx) String() string { return m.l.Title(thread.Mutex) }

// Locker returns a sync.Locker that takes and releases the mutex for td.
func (m *Mtx) Locker(td *Thread) sync.Locker { return locker{m.Lock, m.Unlock, td} }

// locker is a sync.Locker of any lock.
type locker struct {
	lock   func(*Thread) bool
	unlock func(*Thread)
	td     *Thread
}

func (l locker) Lock()   { l.lock(l.td) }
func (l locker) Unlock() { l.unlock(l.td) }
