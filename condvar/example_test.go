// How a condition variable is used.
package condvar_test

import (
	"fmt"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/condvar"
)

// A queue of jobs: the worker waits for one with the mutex given up.
func ExampleCond() {
	var mu lwkt.Mtx
	var notEmpty condvar.Cond
	var jobs []string

	worker := lwkt.Go("worker", func(td *lwkt.Thread) {
		mu.Lock(td)
		for len(jobs) == 0 { // look again after each wait
			notEmpty.Wait(td, &mu)
		}
		fmt.Println("does", jobs[0])
		mu.Unlock(td)
	})
	lwkt.Run("boss", func(td *lwkt.Thread) {
		mu.Lock(td)
		jobs = append(jobs, "the dishes")
		notEmpty.Signal(td)
		mu.Unlock(td)
	})
	worker.Wait()
	// Output: does the dishes
}
