package sim_test

// Threads that are started by threads, with options: under the race detector this must
// be as silent as a go statement.

import (
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

func TestGoFromThreads(t *testing.T) {
	for seed := range uint64(20) {
		var tok lwkt.Token
		n := 0
		m := sim.New(sim.Options{})
		m.Go("parent", func(td *lwkt.Thread) {
			for _, name := range []string{"a", "b"} {
				m.Go(name, func(td *lwkt.Thread) {
					tok.Acquire(td)
					n++
					tok.Release(td)
				}, sim.Priority(3))
			}
			tok.Acquire(td)
			n++
			tok.Release(td)
		}, sim.Priority(5))
		if r := m.Run(newRandom(seed)); r.Outcome != sim.Done || n != 3 {
			t.Fatalf("seed %d: %v, n=%d: %v", seed, r.Outcome, n, r.Err)
		}
	}
}
