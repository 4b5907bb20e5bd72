// What a user writes, and what is printed.
package sim_test

import (
	"fmt"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// inOrder goes on with the first thread that can. Package explore has choosers that try all.
type inOrder struct{}

func (inOrder) Choose(p *sim.Point) int { return 0 }

// Two processors. On CPU 0 a better thread preempts the one that computes, and an interrupt both; on CPU 1 another thread
// waits for a token, which its holder keeps meanwhile.
func Example() {
	const ms = time.Millisecond
	m := sim.New(sim.Options{CPUs: 2, Timed: true})
	var list lwkt.Token
	say := func(td *lwkt.Thread, what string) {
		fmt.Printf("CPU %d at %d ms: %s %s\n", m.CPU(td), m.Now()/ms, td.Name(), what)
	}
	m.Go("batch", func(td *lwkt.Thread) {
		m.Work(td, 10*ms)
		say(td, "is done")
	}, sim.OnCPU(0), sim.Priority(5))
	m.Go("server", func(td *lwkt.Thread) {
		td.Pause(2 * ms)
		list.Acquire(td)
		say(td, "has the token")
		m.Work(td, 4*ms)
		list.Release(td)
	}, sim.OnCPU(0), sim.Priority(20))
	m.Go("client", func(td *lwkt.Thread) {
		td.Pause(3 * ms)
		list.Acquire(td)
		say(td, "has the token")
		list.Release(td)
	}, sim.OnCPU(1))
	m.Interrupt("net", 0, sim.SplSoftNet, func(td *lwkt.Thread) { say(td, "interrupts") }, sim.At(5*ms))
	fmt.Println(m.Run(inOrder{}).Outcome)
	// Output:
	// CPU 0 at 2 ms: server has the token
	// CPU 0 at 5 ms: net interrupts
	// CPU 1 at 6 ms: client has the token
	// CPU 0 at 14 ms: batch is done
	// done
}
