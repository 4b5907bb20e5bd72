//go:build !lwkt_words

package hw

// The spin lock as it is taken and given back on goroutines.
//
// State machine: spin.go

import "runtime"

const spinsBeforeYield = 64

// Lock takes the lock.
func (l *SpinLock) Lock() {
	for spins := 0; !l.word.CompareAndSwap(0, 1); {
		// Another caller is inside. Look without writing until it leaves.
		for l.word.Load() != 0 {
			if spins++; spins < spinsBeforeYield {
				Pause(8)
			} else {
				runtime.Gosched()
			}
		}
	}
}

// Unlock gives it back.
func (l *SpinLock) Unlock() { l.word.Store(0) }
