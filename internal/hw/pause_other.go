//go:build !amd64 && !arm64 && !lwkt_words

package hw

// The spin hint for processors without one that Go can reach.

var pauseWord Uint32

// Pause waits for about n loads; this processor has no spin hint that Go can
// reach.
func Pause(n uint32) {
	for ; n > 0; n-- {
		pauseWord.Load()
	}
}
