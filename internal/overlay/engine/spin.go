// The engine's own lock, which cannot be one of sync's since the engine is compiled
// below sync.
package engine

import (
	"runtime"
	"sync/atomic"
)

// spinLock guards everything of an engine that is not a thread's own.
//
// Layout: one word, of which one bit is used.
// Bits: 0 held: set by lock, cleared by unlock, never spurious, never missing.
//
// Invariants:
//
//	L1 nothing that the engine watches is called with it held, except Env's Stack,
//	   Weak, Alive and Accept, which take no watched lock
//	L2 what is done with it held orders nothing for the race detector
//
// Transitions:
//
//	K1 free  lock    held  after the unlock before it
//	K2 held  unlock  free
//
// Lock order: a leaf.
// Blocking: none; who waits yields its processor, since the holder may have been
// preempted, or may be helping the garbage collector.
// Departures: FreeBSD's witness uses a spin mutex, too, but not for known orders.
type spinLock struct{ word atomic.Uint32 }

//go:norace
func (s *spinLock) lock() {
	Hide()
	for i := 0; !s.word.CompareAndSwap(0, 1); i++ { // K1
		// Another thread has it.
		for j := 0; j < 64 && s.word.Load() != 0; j++ {
		}
		if i > 2 {
			runtime.Gosched()
		}
	}
}

//go:norace
func (s *spinLock) unlock() {
	s.word.Store(0) // K2
	Show()
}
