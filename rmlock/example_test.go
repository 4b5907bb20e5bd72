// The read-mostly lock as it is meant to be used.
package rmlock_test

import (
	"fmt"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/rmlock"
)

func ExampleLock() {
	var routes rmlock.Lock
	table := map[string]string{"/": "index"}
	lookup := func(td *lwkt.Thread, path string) string {
		routes.RLock(td) // costs hardly anything, on however many processors
		defer routes.RUnlock(td)
		return table[path]
	}
	lwkt.Run("main", func(td *lwkt.Thread) {
		routes.WLock(td) // waits until nobody reads
		table["/help"] = "help"
		routes.WUnlock(td)
		fmt.Println(lookup(td, "/help"))
	})
	// Output: help
}
