//go:build race

package sim_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// The race detector sees a counter without a lock in every schedule, though the
// threads take turns, and is silent about one with a lock, of either kind.
func TestRaceDetectorJudgesSchedules(t *testing.T) {
	for _, c := range []struct {
		name string
		want bool
	}{{"plain", true}, {"token", false}, {"shared", true}, {"mutex", false}, {"spawn", false}, {"sleep", false}, {"block", true}} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestPlantedRace$")
			cmd.Env = append(os.Environ(), "SIM_PLANT="+c.name)
			out, err := cmd.CombinedOutput()
			if raced := strings.Contains(string(out), "DATA RACE"); raced != c.want || err != nil != c.want {
				t.Errorf("race reported: %v, want %v (%v)\n%s", raced, c.want, err, out)
			}
		})
	}
}

// TestPlantedRace is the program that the test above runs.
func TestPlantedRace(t *testing.T) {
	plant := os.Getenv("SIM_PLANT")
	if plant == "" {
		t.Skip("not asked for")
	}
	for seed := range uint64(20) {
		m := sim.New(sim.Options{Attempts: seed%2 == 0})
		tok, mu := new(lwkt.Token), new(sim.Mutex)
		count, asleep := 0, 0
		for range 2 {
			m.Go("adder", func(td *lwkt.Thread) {
				m.Yield(td)
				switch plant {
				case "plain":
					count++
				case "token":
					tok.Acquire(td)
					count++
					tok.Release(td)
				case "shared":
					tok.AcquireShared(td)
					count++
					tok.Release(td)
				case "mutex":
					mu.Lock(td)
					count++
					mu.Unlock(td)
				case "spawn":
					x := 1
					m.Go("child", func(td *lwkt.Thread) { x++ })
				case "sleep":
					tok.Acquire(td)
					if asleep++; asleep == 1 {
						td.Sleep(&asleep, 0)
					} else {
						count++
						td.Wakeup(&asleep)
					}
					count++
					tok.Release(td)
				case "block":
					tok.Acquire(td)
					td.Block(func() { count++ })
					tok.Release(td)
				}
				m.Yield(td)
			})
		}
		m.Finally(func() { count++ })
		if r := m.Run(newRandom(seed)); r.Outcome != sim.Done {
			t.Fatal(r.Outcome, r.Err)
		}
	}
}
