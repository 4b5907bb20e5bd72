package explore

import (
	"fmt"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// TestLivelockOfOne has a thread go on for ever, also where it is fair, after another one has ended.
func TestLivelockOfOne(t *testing.T) {
	r := Run(func(m *sim.Machine) {
		var mu sim.Mutex
		var x sim.Var[int]
		m.Go("a", func(td *lwkt.Thread) {
			for mu.Lock(td); x.Load(td) < 1; mu.Lock(td) {
				mu.Unlock(td)
			}
		})
		m.Go("b", func(td *lwkt.Thread) {
			mu.Lock(td)
			mu.Unlock(td)
		})
	}, Steps(100))
	for _, want := range []string{
		`livelock: 100 fair steps did not bring thread "a" to its end; thread "b" ended` + "\n",
		"\n       (from here on in round robin)\n  100  ", "\n  119  ", "\n  ...  (80 more steps in round robin)\n       goes on\n",
	} {
		if r.Failure == nil || !strings.Contains(r.String(), want) {
			t.Errorf("no %q in:\n%s", want, r.String())
		}
	}
	// With more threads than a word has bits.
	r = Run(func(m *sim.Machine) {
		for i := range 70 {
			m.Go(fmt.Sprint("t", i), func(td *lwkt.Thread) {
				for i == 69 {
					m.Yield(td)
				}
			})
		}
	}, Steps(100), Random(), Runs(1))
	if want := `did not bring thread "t69" to its end; threads "t0", `; r.Failure == nil || !strings.Contains(r.String(), want) {
		t.Errorf("no %q in:\n%s", want, r.String())
	}
}

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
