//go:build lwkt_words

package hw

// Local words of builds with the tag lwkt_words: atomic stores that are scheduling points
// like those to any other word. What late stores may do is explored in local_test.go.

import (
	"sync/atomic"
	"unsafe"
)

// Local is a word that one thread writes, and others read.
type Local struct{ word uintptr }

// Set writes the word. Only its owner may.
func (l *Local) Set(v uintptr) {
	t := at(Write, unsafe.Pointer(l))
	old := atomic.SwapUintptr(&l.word, v)
	did(t, unsafe.Pointer(l), uint64(old), uint64(v), 0)
}

// Load reads the word of another thread. Of one that has no part in the run it is no operation.
func (l *Local) Load() uintptr {
	if t := Environment(); t != nil && !t.Knows(unsafe.Pointer(l)) {
		return atomic.LoadUintptr(&l.word)
	}
	t := at(Read, unsafe.Pointer(l))
	v := atomic.LoadUintptr(&l.word)
	did(t, unsafe.Pointer(l), 0, 0, uint64(v))
	return v
}

// Enlist is called before Locals are used.
func Enlist() {}

// Barrier orders what every thread has Set with what it looks at after that, for the
// caller, who has written that before: here by itself.
func Barrier() {}

// Quick says whether quick mode is on.
func Quick() bool { return false }

// SetQuick switches quick mode, if there is one.
func SetQuick(on bool) bool { return !on }
