package lwkt

// The spin mutex. Its algorithm is in internal/lock.

import (
	"sync"

	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// SpinMtx is a mutual exclusion lock for sections of a few instructions, in which its owner is
// in a critical section (CritEnter) and must not wait for anything: for a lock, a token, in Sleep or
// Block; to do so panics. Who wants it spins, and keeps its tokens; on goroutines it yields
// the processor meanwhile. So the only locks that may be taken inside are further spin mutexes, and
// others by their try forms. Several are released in the reverse order.
//
// Who has spun for a second says so once on the standard error, and after a minute panics; both name the
// owner. The zero SpinMtx is free, does not recurse, and must not be copied. On goroutines a
// Mtx is better as a rule, which spins for a moment too. What a thread does by state:
//
//	         free    own                         another's
//	Lock     takes   panics *                    spins
//	TryLock  takes   fails *                     fails
//	Unlock   panics  releases; panics unless it  panics
//	                 is the newest spin mutex
//	Destroy  ends    ends, if it has it once     panics
//
// * with Recurse it has it once more.
//
// All methods panic with a *Misuse if the Thread is nil, has ended, or is in use by
// another goroutine. (mutex(9), MTX_SPIN)
type SpinMtx struct {
	_ noCopy
	l lock.Lock
}

// Init names the mutex and sets options: Recurse, DupOK, NoWitness. A mutex that was initialized
// must be destroyed before it can be again. (mtx_init)
func (m *SpinMtx) Init(name string, o Options) { initLock(&m.l, thread.Spin, name, o, Recurse) }

// Destroy ends the life of the mutex: to use it then panics, until Init. It must be free or
// held by the thread, once. (mtx_destroy)
func (m *SpinMtx) Destroy(td *Thread) { lock.SpinDestroy(td.handle(), &m.l) }

// Lock takes the mutex. It does not block, but may spin. It panics if the thread has the mutex already,
// unless it recurses, and if its owner is stuck.
//
// Every earlier Unlock synchronizes before the return of Lock. (mtx_lock_spin)
func (m *SpinMtx) Lock(td *Thread) { lock.Spin(td.handle(), &m.l) }

// TryLock is Lock if the mutex is free, else it changes nothing and returns false.
// (mtx_trylock_spin)
func (m *SpinMtx) TryLock(td *Thread) bool { return lock.SpinTry(td.handle(), &m.l) }

// Unlock undoes one Lock. It does not block. It panics if the thread does not have the mutex, or has taken
// another spin mutex since. (mtx_unlock_spin)
func (m *SpinMtx) Unlock(td *Thread) { lock.SpinRelease(td.handle(), &m.l) }

// Interlock lets SleepOn drop the mutex, which the thread has once; condition variables do
// not. It does not block. (msleep_spin)
func (m *SpinMtx) Interlock() sleepq.Interlock { return m.l.SpinInterlock() }

// Held says how the thread has the mutex: not, or exclusively. (mtx_owned)
func (m *SpinMtx) Held(td *Thread) Mode { return held(td, &m.l) }

// String names the mutex as messages do.
func (m *SpinMtx) String() string { return m.l.Title(thread.Spin) }

// Locker returns a sync.Locker that takes and releases the mutex for td.
func (m *SpinMtx) Locker(td *Thread) sync.Locker {
	return locker{func(td *Thread) bool { m.Lock(td); return false }, m.Unlock, td}
}
