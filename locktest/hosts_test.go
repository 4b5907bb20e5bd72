// The hosts that every lock of this module is tested on: goroutines, simulated machines
// under random schedules, and one that enumerates schedules.
package locktest_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/locktest"
	"github.com/serializing-tokens/lwkt/sim"
)

// goroutines is the host of production, with less to do where all is slower.
func goroutines() locktest.Goroutines {
	if slow() {
		return locktest.Goroutines{Rounds: 60}
	}
	return locktest.Goroutines{Allocs: true}
}

// slow says whether this build, or whoever runs it, wants less to be done.
func slow() bool { return raceEnabled || invariants.Enabled || testing.Short() }

// simHosts are those of package sim.
func simHosts() map[string]locktest.Host {
	seeds, runs := 4, 1500
	if slow() {
		seeds, runs = 1, 60
	}
	return map[string]locktest.Host{
		"simulated":          simulated{cpus: 0, seeds: seeds},
		"simulated, 2 CPUs":  simulated{cpus: 2, seeds: seeds},
		"explored":           explored{runs: runs},
		"explored, queueing": explored{runs: runs, queueing: true},
	}
}

// onHosts runs the suites on every host.
func onHosts(t *testing.T, s locktest.Subject) {
	t.Run("goroutines", func(t *testing.T) { locktest.Run(t, goroutines(), s) })
	for name, h := range simHosts() {
		t.Run(name, func(t *testing.T) { locktest.Run(t, h, s) })
	}
}

// machine is a sim.Machine for bodies.
type machine struct{ m *sim.Machine }

func (m machine) Go(name string, f func(td *lwkt.Thread)) { m.m.Go(name, f) }
func (m machine) Finally(f func())                        { m.m.Finally(f) }
func (m machine) Until(what string, cond func() bool)     { m.m.Until(nil, what, cond) }
func (m machine) Yield()                                  { m.m.Yield(nil) }
func (m machine) Var() locktest.Var                       { return new(sim.Var[int]) }
func (m machine) Fail(text string)                        { m.m.Assert(false, "%s", text) }

// simulated picks at random who goes on, a few times.
type simulated struct {
	cpus, seeds int
	steps       int // of one run; 0 stands for many
}

func (h simulated) Size() locktest.Size { return locktest.Size{Threads: 4, Rounds: 12} }

func (h simulated) Run(body func(m locktest.Machine)) error {
	bad := -1
	err := sim.DoWithin(time.Minute, func(s *sim.Session) {
		for seed := 0; seed < h.seeds && bad < 0; seed++ {
			if h.once(s.New(h.options()), body, seed).Outcome != sim.Done {
				bad = seed
			}
		}
	})
	if err != nil || bad < 0 {
		return err
	}
	r := h.once(sim.New(h.options()), body, bad) // without a session it is slower, and tells where threads wait
	return fmt.Errorf("%v after %d events, seed %d: %w", r.Outcome, r.Steps, bad, r.Err)
}

func (h simulated) options() sim.Options {
	return sim.Options{CPUs: h.cpus, Attempts: true, Steps: cmp.Or(h.steps, 300_000), Stall: time.Minute}
}

func (h simulated) once(m *sim.Machine, body func(m locktest.Machine), seed int) sim.Result {
	body(machine{m})
	return m.Run(dice{rand.New(rand.NewPCG(uint64(seed), 0))})
}

type dice struct{ *rand.Rand }

func (d dice) Choose(p *sim.Point) int { return d.IntN(len(p.Enabled)) }

// explored enumerates the schedules of small bodies, as far as a moment allows. With
// queueing a thread that must wait for a token does so where others see it, which is
// more schedules and tells about who waits.
type explored struct {
	queueing bool
	runs     int
}

func (explored) Size() locktest.Size { return locktest.Size{Threads: 3, Rounds: 1, Finite: true} }

func (h explored) Run(body func(m locktest.Machine)) error {
	r := explore.Run(func(m *sim.Machine) { body(machine{m}) },
		explore.On(sim.Options{Attempts: h.queueing, Steps: 1000}), explore.Budget(time.Second), explore.Runs(h.runs))
	if !r.OK() {
		return errors.New(r.String())
	}
	return nil
}
