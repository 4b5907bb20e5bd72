// How the giant lock is used.
package giant_test

import (
	"fmt"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/giant"
)

// Old code that wants everything to itself may sleep: others run meanwhile, and it has the lock again
// when it goes on.
func ExampleMtx() {
	var old giant.Mtx
	var event int
	done := false

	sleeper := lwkt.Go("sleeper", func(td *lwkt.Thread) {
		old.Lock(td)
		old.Lock(td) // it recurses
		for !done {
			td.Sleep(&event, 0)
		}
		fmt.Println("held", old.Held(td), "times")
		old.Unlock(td)
		old.Unlock(td)
	})
	lwkt.Run("waker", func(td *lwkt.Thread) {
		old.Lock(td)
		done = true
		td.Wakeup(&event)
		old.Unlock(td)
	})
	sleeper.Wait()
	// Output: held 2 times
}

// The one of the whole program.
func Example() {
	lwkt.Run("main", func(td *lwkt.Thread) {
		giant.Lock(td)
		defer giant.Unlock(td)
		fmt.Println(&giant.Giant, giant.Held(td))
	})
	// Output: giant lock "Giant" 1
}
