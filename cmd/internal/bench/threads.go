// This file measures what a thread's record costs beside the goroutine that it is for.
//
// Why it is fair: one operation of the lwkt side makes a Thread for the running goroutine and ends it:
// what a goroutine pays on top of its own start if it wants to use tokens. One operation of the sync
// side is a go statement whose goroutine runs and ends. The goroutines are started a batch at a time
// and the batch is waited for as a whole, which is the cheapest way to start many: waiting for each
// alone would add a switch back and forth to every operation and flatter the lwkt side. Both sides
// leave their garbage to the collector, and rounds are long enough for it to run.

package bench

import (
	"sync"
	"time"

	"github.com/serializing-tokens/lwkt"
)

// batch fits a processor's queue of runnable goroutines (256), so that none goes to the global one.
const batch = 64

func threadLives(n int, _ time.Duration) (int, time.Duration, error) {
	start := time.Now()
	for range n {
		td := lwkt.NewThread("bench")
		td.End()
	}
	return n, time.Since(start), nil
}

// goroutineLives needs no counter of its own: the WaitGroup lets it end only after the last goroutine.
func goroutineLives(n int, _ time.Duration) (int, time.Duration, error) {
	var wg sync.WaitGroup
	start := time.Now()
	for left := n; left > 0; left -= batch {
		some := min(left, batch)
		wg.Add(some)
		for range some {
			go wg.Done()
		}
		wg.Wait()
	}
	return n, time.Since(start), nil
}
