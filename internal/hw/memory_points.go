//go:build lwkt_words

package hw

// What an exploration that recognizes states has to be told of memory that is no word.

import "unsafe"

// Memory is what a thread had read at some time.
type Memory struct{ hash uint64 }

// Recall returns what the thread has read so far.
func Recall() (m Memory) {
	if t := Environment(); t != nil {
		m.hash = t.Recall()
	}
	return m
}

// Forget says that what the thread has read since is of no consequence any more for what
// it does, but for the values named, and for what it would find again where it looks next.
func (m Memory) Forget(live ...uint64) {
	if t := Environment(); t != nil {
		t.Forget(m.hash, live)
	}
}

// With is m and the values named.
func (m Memory) With(live ...uint64) Memory {
	for _, x := range live {
		m.hash = (m.hash^x^0x9e3779b97f4a7c15)*0xd6e8feb86659fd93 + 1
	}
	return m
}

// Sketch says what of a type is part of a state.
type Sketch struct {
	Of     any                       // a nil pointer to the type
	Skip   []string                  // fields that have no influence, or that are constant
	Own    []string                  // fields that only the thread looks at that has them
	Both   []string                  // fields that it looks at without a lock now and then
	Theirs func(unsafe.Pointer) bool // but not now
	Order  []string                  // numbers that are only compared with each other
	Idle   func(unsafe.Pointer) bool // then only Keep counts
	Unused func(unsafe.Pointer) bool // then nothing counts
	Nil    func(unsafe.Pointer) bool // then a pointer to it is as good as none
	Keep   []string
}

// Sketches are those of all types of which not everything is part of a state.
var Sketches []Sketch

// Shared are pointers to the variables that threads share.
var Shared []any
