//go:build !lwkt_words

// Package hw is the hardware as the lock code sees it: atomic words, a pause, a
// leaf spin lock, a place to park and a clock. Nothing above it touches
// sync/atomic for a word that a lock's correctness rests on, so that another
// file, chosen by a build tag, can make each of these a scheduling point.
package hw

import (
	"sync/atomic"
	"unsafe"
)

// The words are the standard library's own, so that they compile to single
// instructions.
type (
	Uint32 = atomic.Uint32
	Uint64 = atomic.Uint64
)

// Explored says whether each operation on a word can be a scheduling point.
const Explored = false

// Chains is how many chains a table of waiters has, 256 as in FreeBSD.
const Chains = 256

// Tell is for builds with the tag lwkt_words.
func Tell(unsafe.Pointer, uint64, uint64) {}
