package explore

import (
	"testing"

	"github.com/serializing-tokens/lwkt/sim"
)

// With CPUs the enabled steps come in the order of these, not of the threads.
func TestTurnIsACircle(t *testing.T) {
	p := &sim.Point{Enabled: []sim.Event{
		{Thread: 4, Kind: sim.Step}, {Thread: 0, Kind: sim.Tick}, {Thread: 3, Kind: sim.Step}, {Thread: 1, Kind: sim.Step},
	}}
	for last, want := range map[int]int{-1: 1, 0: 1, 1: 3, 2: 3, 3: 4, 4: 1} {
		p.Last = last
		if got := p.Enabled[turn(p)].Thread; got != want {
			t.Errorf("after thread %d comes %d, want %d", last, got, want)
		}
	}
}
