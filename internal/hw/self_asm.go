//go:build lwkt_words && (amd64 || arm64)

package hw

// Which goroutine this is, and where its frame is, for builds with the tag lwkt_words. Nothing
// else in the package may ask: a thread is known by its handle.

import "unsafe"

// Framed says whether Frame is known.
const Framed = true

// Goroutine is a number that no other living goroutine has.
//
//go:noescape
func Goroutine() uintptr

// Frame is the frame pointer of the caller: there is that of its caller, and behind it where
// the caller returns to.
//
//go:noescape
func Frame() unsafe.Pointer
