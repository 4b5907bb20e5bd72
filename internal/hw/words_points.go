//go:build lwkt_words

package hw

// The words of builds with the tag lwkt_words: each operation that a simulated thread
// performs is first announced to its simulation, which lets others run before it, and
// afterwards told whether it has changed the word. For everybody else they are what
// they are in other builds.

import (
	"sync/atomic"
	"unsafe"
)

// Explored says whether each operation on a word can be a scheduling point.
const Explored = true

// Chains is how many chains a table of waiters has: one, since into which of several
// a key falls depends on addresses, which differ from run to run.
const Chains = 1

// Kind is what an operation does with its word.
type Kind uint8

// The kinds of operations.
const (
	Read    Kind = iota // Load
	Write               // Store
	Update              // Add, And, Or, Swap
	Compare             // CompareAndSwap
)

// Simulated is a simulated thread, as the words see it. Its methods are called by
// itself, and may end the goroutine when the run is given up.
type Simulated interface {
	// Word announces an operation, and returns when it is to be performed.
	Word(k Kind, word unsafe.Pointer)
	// Did says whether the operation has changed the word, and what it has told the thread.
	Did(word unsafe.Pointer, changed bool, saw uint64)
	// Lock waits until the lock is free, and is followed by its being taken.
	Lock(l *SpinLock)
	// Pause waits until another thread has changed a word that this one has looked at
	// since its last Pause.
	Pause()
	// Knows says whether the word is of a thread of this run.
	Knows(word unsafe.Pointer) bool
	// Recall and Forget are those of Memory.
	Recall() uint64
	Forget(since uint64, live []uint64)
}

// Environment returns the simulated thread that the calling goroutine is, if its machine
// wants to be told of words, else nil. Package sim sets it before there are threads.
var Environment = func() Simulated { return nil }

// Changed, unless it is nil, is told of each change of a word, and of what Tell is told, where that
// is made: so the stack says by whom. Tests set it, to compare what they see with the tables in the headers.
var Changed func(word unsafe.Pointer, old, now uint64)

// Tell tells Changed that a state, which is guarded by a lock, is now another one.
func Tell(state unsafe.Pointer, old, now uint64) {
	if old != now && Changed != nil {
		Changed(state, old, now)
	}
}

// Uint32 is an atomic word.
type Uint32 struct{ v atomic.Uint32 }

// Uint64 is an atomic word.
type Uint64 struct{ v atomic.Uint64 }

// at announces an operation of a simulated thread, and returns that.
func at(k Kind, word unsafe.Pointer) Simulated {
	t := Environment()
	if t != nil {
		t.Word(k, word)
	}
	return t
}

// did ends what at began. What the operation has told the thread is saw.
func did(t Simulated, word unsafe.Pointer, old, now, saw uint64) {
	if t != nil {
		t.Did(word, old != now, saw)
	}
	Tell(word, old, now)
}

// Load returns the value.
func (w *Uint32) Load() uint32 {
	t := at(Read, unsafe.Pointer(w))
	v := w.v.Load()
	did(t, unsafe.Pointer(w), 0, 0, uint64(v))
	return v
}

// Store sets the value.
func (w *Uint32) Store(v uint32) {
	t := at(Write, unsafe.Pointer(w))
	old := w.v.Swap(v)
	did(t, unsafe.Pointer(w), uint64(old), uint64(v), 0)
}

// Swap sets the value and returns the one before.
func (w *Uint32) Swap(v uint32) (old uint32) {
	t := at(Update, unsafe.Pointer(w))
	old = w.v.Swap(v)
	did(t, unsafe.Pointer(w), uint64(old), uint64(v), uint64(old))
	return old
}

// CompareAndSwap sets the value if it is old.
func (w *Uint32) CompareAndSwap(old, v uint32) bool {
	t := at(Compare, unsafe.Pointer(w))
	ok := w.v.CompareAndSwap(old, v)
	if ok {
		did(t, unsafe.Pointer(w), uint64(old), uint64(v), 1)
	} else {
		did(t, unsafe.Pointer(w), 0, 0, 0)
	}
	return ok
}

// Add adds to the value and returns the sum.
func (w *Uint32) Add(delta uint32) uint32 {
	t := at(Update, unsafe.Pointer(w))
	v := w.v.Add(delta)
	did(t, unsafe.Pointer(w), uint64(v-delta), uint64(v), uint64(v))
	return v
}

// And clears the bits that are not in the mask and returns the value before.
func (w *Uint32) And(mask uint32) (old uint32) {
	t := at(Update, unsafe.Pointer(w))
	old = w.v.And(mask)
	did(t, unsafe.Pointer(w), uint64(old), uint64(old&mask), uint64(old))
	return old
}

// Or sets the bits of the mask and returns the value before.
func (w *Uint32) Or(mask uint32) (old uint32) {
	t := at(Update, unsafe.Pointer(w))
	old = w.v.Or(mask)
	did(t, unsafe.Pointer(w), uint64(old), uint64(old|mask), uint64(old))
	return old
}

// Load returns the value.
func (w *Uint64) Load() uint64 {
	t := at(Read, unsafe.Pointer(w))
	v := w.v.Load()
	did(t, unsafe.Pointer(w), 0, 0, v)
	return v
}

// Store sets the value.
func (w *Uint64) Store(v uint64) {
	t := at(Write, unsafe.Pointer(w))
	old := w.v.Swap(v)
	did(t, unsafe.Pointer(w), old, v, 0)
}

// Swap sets the value and returns the one before.
func (w *Uint64) Swap(v uint64) (old uint64) {
	t := at(Update, unsafe.Pointer(w))
	old = w.v.Swap(v)
	did(t, unsafe.Pointer(w), old, v, old)
	return old
}

// CompareAndSwap sets the value if it is old.
func (w *Uint64) CompareAndSwap(old, v uint64) bool {
	t := at(Compare, unsafe.Pointer(w))
	ok := w.v.CompareAndSwap(old, v)
	if ok {
		did(t, unsafe.Pointer(w), old, v, 1)
	} else {
		did(t, unsafe.Pointer(w), 0, 0, 0)
	}
	return ok
}

// Add adds to the value and returns the sum.
func (w *Uint64) Add(delta uint64) uint64 {
	t := at(Update, unsafe.Pointer(w))
	v := w.v.Add(delta)
	did(t, unsafe.Pointer(w), v-delta, v, v)
	return v
}

// And clears the bits that are not in the mask and returns the value before.
func (w *Uint64) And(mask uint64) (old uint64) {
	t := at(Update, unsafe.Pointer(w))
	old = w.v.And(mask)
	did(t, unsafe.Pointer(w), old, old&mask, old)
	return old
}

// Or sets the bits of the mask and returns the value before.
func (w *Uint64) Or(mask uint64) (old uint64) {
	t := at(Update, unsafe.Pointer(w))
	old = w.v.Or(mask)
	did(t, unsafe.Pointer(w), old, old|mask, old)
	return old
}
