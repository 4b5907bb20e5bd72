//go:build lwkt_words && (amd64 || arm64)

package hw

// Which goroutine this is, for builds with the tag lwkt_words. Nothing else in the
// package may ask: a thread is known by its handle.

// Goroutine is a number that no other living goroutine has.
//
//go:noescape
func Goroutine() uintptr
