// What a user writes, and what is printed.
package explore_test

import (
	"fmt"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/sim"
)

// Two threads take the last item of a list. Each looks under the token, blocks, and
// takes what it saw; only the one that looks again is right.
func ExampleRun() {
	program := func(again bool) func(m *sim.Machine) {
		return func(m *sim.Machine) {
			var list lwkt.Token
			items := 1
			for _, name := range []string{"one", "two"} {
				m.Go(name, func(td *lwkt.Thread) {
					list.Acquire(td)
					defer list.Release(td)
					if items == 0 {
						return
					}
					changed := td.Block(func() {}) // to prepare for the item
					if again && changed && items == 0 {
						return
					}
					items--
				})
			}
			m.Finally(func() { m.Assert(items == 0, "items: %d", items) })
		}
	}
	wrong := explore.Run(program(false))
	fmt.Println("without looking again:", wrong.Failure.Outcome)
	right := explore.Run(program(true))
	fmt.Println("looking again:", right.OK(), right.Exhaustive)
	// Output:
	// without looking again: assertion failed
	// looking again: true true
}
