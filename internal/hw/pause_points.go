//go:build lwkt_words

package hw

// The spin hint in builds with the tag lwkt_words: a simulated thread that spins waits
// for a change of what it has looked at.

// Pause tells the processor n times that this is a spin loop.
func Pause(n uint32) {
	if t := Environment(); t != nil {
		t.Pause()
		return
	}
	for ; n > 0; n-- {
		pauseWord.v.Load()
	}
}

var pauseWord Uint32
