// What a user writes, and what is printed.
package explore_test

import (
	"fmt"
	"testing"

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

// A queue that answers len from a counter of its own, which put renews too late: after a put has
// returned, len must not say that there is nothing.
func ExampleLinearizable() {
	queue := explore.Spec[int, string, int]{Step: func(n int, op string, out int) (int, bool) {
		if op == "put" {
			return n + 1, true
		}
		return n, out == n
	}}
	r := explore.Run(func(m *sim.Machine) {
		var items, counter lwkt.Mtx
		var list []string
		size := 0
		h := new(explore.History[string, int])
		m.Go("putter", func(td *lwkt.Thread) {
			op := h.Call("putter", "put")
			items.Lock(td)
			list = append(list, "item")
			items.Unlock(td)
			h.Return(op, 0)
			counter.Lock(td)
			size++
			counter.Unlock(td)
		})
		m.Go("reader", func(td *lwkt.Thread) {
			op := h.Call("reader", "len")
			counter.Lock(td)
			n := size
			counter.Unlock(td)
			h.Return(op, n)
		})
		explore.Linearizable(m, queue, h)
	})
	fmt.Println(r.Failure.Err)
	// Output:
	// sim: assertion failed: the history is not linearizable:
	// 	[  1,  2] putter: put -> 0
	// 	[  3,  4] reader: len -> 0
}

// In a file of tests: go test -fuzz FuzzTransfer looks for a schedule in which money is lost, and go test tries
// those that were found before.
func ExampleFuzz() {
	transfer := func(m *sim.Machine) {
		var books lwkt.Token
		from, to := 2, 0
		for range 2 {
			m.Go("clerk", func(td *lwkt.Thread) {
				books.Acquire(td)
				from--
				td.Block(func() {}) // to print a receipt, without the books
				to++
				books.Release(td)
			})
		}
		m.Finally(func() { m.Assert(from == 0 && to == 2, "from %d to %d", from, to) })
	}
	var FuzzTransfer = func(f *testing.F) { explore.Fuzz(f, transfer) } // as a function of the file
	_ = FuzzTransfer

	r := explore.Run(transfer)
	fmt.Println(r.OK(), r.Exhaustive)
	// Output: true true
}
