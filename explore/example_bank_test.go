// Three programs with a bug each, and what is printed of it.
package explore_test

import (
	"fmt"
	"strings"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/sim"
)

type account struct {
	lock    lwkt.Mtx
	balance int // guarded by lock
}

func newAccount(name string, balance int) *account {
	a := &account{balance: balance}
	a.lock.Init(name, 0) // reports call a lock without a name by a number
	return a
}

func transfer(td *lwkt.Thread, from, to *account, n int) {
	from.lock.Lock(td)
	defer from.lock.Unlock(td)
	to.lock.Lock(td)
	defer to.lock.Unlock(td)
	from.balance -= n
	to.balance += n
}

// order takes two locks in two orders. To test it:
//
//	func TestOrder(t *testing.T) { explore.Test(t, order, explore.MustFinish()) }
func order(m *sim.Machine) {
	a, b := newAccount("a", 50), newAccount("b", 50)
	m.Go("ann", func(td *lwkt.Thread) { transfer(td, a, b, 10) })
	m.Go("bob", func(td *lwkt.Thread) { transfer(td, b, a, 5) })
	m.Finally(func() { m.Assert(a.balance+b.balance == 100, "money lost") })
}

// sale checks under a token, blocks, which gives the token up, and acts on what it saw.
func sale(m *sim.Machine) {
	seats, free := lwkt.NewToken("seats"), 1
	buy := func(td *lwkt.Thread) {
		seats.Acquire(td)
		defer seats.Release(td)
		if free > 0 {
			td.Block(func() {}) // asks for the money
			free--              // right is to look again if Block returned true
		}
	}
	m.Go("ann", buy)
	m.Go("bob", buy)
	m.Finally(func() { m.Assert(free == 0, "%d seats free", free) })
}

// door sleeps after it looked, and a wakeup in between is lost; unless the sleeper has
// the token while it looks, which it gives up only when it sleeps.
func door(right bool) func(m *sim.Machine) {
	return func(m *sim.Machine) {
		lock, open := lwkt.NewToken("door"), false
		m.Go("guest", func(td *lwkt.Thread) {
			lock.Acquire(td)
			for !open {
				if !right {
					lock.Release(td)
				}
				td.Sleep(lock, 0)
				if !right {
					lock.Acquire(td)
				}
			}
			lock.Release(td)
		})
		m.Go("host", func(td *lwkt.Thread) {
			lock.Acquire(td)
			open = true
			lock.Release(td)
			td.Wakeup(lock)
		})
	}
}

// Each program is explored by one line in a test, explore.Test(t, order), which fails
// with this text, a line that repeats the schedule, and stacks. Run returns it.
func ExampleTest() {
	for _, program := range []func(m *sim.Machine){order, sale, door(false), door(true)} {
		r := explore.Run(program)
		text, _, _ := strings.Cut(r.String(), "\n\nthread ") // stacks
		fmt.Println(strings.TrimSpace(text))
		fmt.Println()
	}
	// Output:
	// deadlock in run 3 of dpor, in a schedule with 1 switch
	//
	//  step  ann             bob
	//     0  lock a          |               example_bank_test.go:25
	//     1  #               lock b          example_bank_test.go:25
	//        waits: b (bob)  waits: a (ann)
	//
	// (beside the steps of others: # holds something, : waits, | neither, blank has ended; on the right the source line)
	//
	// sim: deadlock: "ann" waits for mutex "b" of "bob", "bob" waits for mutex "a" of "ann"
	//
	// assertion failed in run 2 of dpor, in a schedule with 2 switches
	//
	//  step  ann            bob
	//     0  acquire seats  |              example_bank_test.go:47
	//     1  block          :              example_bank_test.go:50
	//     2  |              acquire seats  example_bank_test.go:47
	//     3  :              block          example_bank_test.go:50
	//     4  :              unblock        example_bank_test.go:50
	//     5  :              release seats  example_bank_test.go:53
	//     6  unblock                       example_bank_test.go:50
	//     7  release seats                 example_bank_test.go:53
	//
	// (beside the steps of others: # holds something, : waits, | neither, blank has ended; on the right the source line)
	//
	// sim: assertion failed: -1 seats free
	//
	// deadlock in run 2 of dpor, in a schedule with 2 switches
	//
	//  step  guest         host
	//     0  acquire door  |             example_bank_test.go:65
	//     1  release door  :             example_bank_test.go:68
	//     2  |             acquire door  example_bank_test.go:78
	//     3  |             release door  example_bank_test.go:80
	//     4  |             wakeup door   example_bank_test.go:81
	//     5  sleep door                  example_bank_test.go:70
	//        waits: door
	//
	// (beside the steps of others: # holds something, : waits, | neither, blank has ended; on the right the source line)
	//
	// sim: deadlock: nobody is left who could go on
	//
	// all 2 traces (orders of operations that matter), exhaustive (reduced by dpor; 2 runs)
}
