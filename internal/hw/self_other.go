//go:build lwkt_words && !amd64 && !arm64

package hw

// Which goroutine this is, for builds with the tag lwkt_words, where no register tells.

import (
	"runtime"
	"unsafe"
)

// Framed says whether Frame is known.
const Framed = false

// Goroutine is a number that no other living goroutine has.
func Goroutine() (n uintptr) {
	const text = "goroutine "
	var buf [64]byte
	for _, c := range buf[len(text):max(len(text), runtime.Stack(buf[:], false))] {
		if c < '0' || c > '9' {
			break
		}
		n = 10*n + uintptr(c-'0')
	}
	return n
}

// Frame is not known here.
func Frame() unsafe.Pointer { return nil }
