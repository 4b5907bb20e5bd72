//go:build lwkt_words

package hw

// The spin lock in builds with the tag lwkt_words. For a simulated thread to take it is
// one operation that waits until it is free, since to spin would be endlessly many
// schedules; to give it back is part of what came before, since nobody can tell.
//
// State machine: spin.go

import (
	"runtime"
	"unsafe"
)

// Lock takes the lock.
func (l *SpinLock) Lock() {
	if t := Environment(); t != nil {
		t.Lock(l)
		l.word.v.Swap(1) // a swap, for the edge from the Unlock before
		t.Did(unsafe.Pointer(l), true, 0)
		return
	}
	for !l.word.v.CompareAndSwap(0, 1) {
		// Another caller is inside.
		runtime.Gosched()
	}
}

// Unlock gives it back.
func (l *SpinLock) Unlock() {
	l.word.v.Store(0)
	if t := Environment(); t != nil {
		t.Did(unsafe.Pointer(l), true, 0)
	}
}

// Held says whether somebody has the lock. It is no operation.
func (l *SpinLock) Held() bool { return l.word.v.Load() != 0 }
