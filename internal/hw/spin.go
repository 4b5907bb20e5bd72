package hw

// SpinLock guards the claim tables: a lock for sections of well under a
// microsecond that neither block nor call out.
//
// It is not sync.Mutex because a contender of such a section would pay more for
// being parked than for waiting, and because the standard library's locks may
// themselves be watched by the witness.
//
// Layout: one word, 0 free, 1 held.
// Bits: none.
// Invariants: at most one caller is between Lock and Unlock.
// Transitions: Lock 0->1 by CAS; Unlock 1->0 by store. Unlock happens before the next Lock.
// Lock order: a leaf.
// Blocking: never parks; after a bounded spin each further try first yields the
// processor, so that a holder which was descheduled can finish.
// Departures: a kernel would mask interrupts; a goroutine can only keep it short.
// Its halves are in spin_native.go, and in spin_points.go for simulated threads.

import "runtime"

// SpinLock is a lock for sections of well under a microsecond.
type SpinLock struct{ word Uint32 }

// Processors is how many threads can run at once.
func Processors() int { return runtime.GOMAXPROCS(0) }

// Yield lets other goroutines run.
func Yield() { runtime.Gosched() }
