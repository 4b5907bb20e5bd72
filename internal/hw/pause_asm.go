//go:build (amd64 || arm64) && !lwkt_words

package hw

// The spin hint, where the processor has one that is worth a function call.

// Pause tells the processor n times that this is a spin loop.
//
//go:noescape
func Pause(n uint32)
