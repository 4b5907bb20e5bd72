package sim_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt/sim"
)

// dfs tries every schedule: the choices of the last run, and after each run the next
// ones in order.
type dfs struct {
	taken, of []int
	at        int
}

func (d *dfs) Choose(p *sim.Point) int {
	if d.at == len(d.taken) {
		d.taken, d.of = append(d.taken, 0), append(d.of, len(p.Enabled))
	}
	i := d.taken[d.at]
	if d.of[d.at] != len(p.Enabled) {
		panic(fmt.Sprintf("uncontrolled: %d events at step %d, and %d before", len(p.Enabled), p.Step, d.of[d.at]))
	}
	d.at++
	return i
}

// more goes on to the next schedule.
func (d *dfs) more() bool {
	d.at = 0
	for n := len(d.taken) - 1; n >= 0; n-- {
		if d.taken[n]++; d.taken[n] < d.of[n] {
			return true
		}
		d.taken, d.of = d.taken[:n], d.of[:n]
	}
	return false
}

// random walks.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 1))} }

func (r random) Choose(p *sim.Point) int { return r.IntN(len(p.Enabled)) }

// first always takes the first event.
type first struct{}

func (*first) Choose(p *sim.Point) int { return 0 }

// logged is a chooser that writes down all that it is told.
type logged struct {
	sim.Chooser
	b strings.Builder
}

func (l *logged) Choose(p *sim.Point) int {
	i := l.Chooser.Choose(p)
	fmt.Fprintln(&l.b, p.Step, p.Last, p.Enabled, p.Waiting, i)
	return i
}

func (l *logged) Executed(e sim.Event, foot []sim.Access) { fmt.Fprintln(&l.b, e, foot) }

// exhaust runs every schedule of a program and counts the outcomes.
func exhaust(t testing.TB, o sim.Options, setup func(m *sim.Machine)) map[sim.Outcome]int {
	t.Helper()
	count := make(map[sim.Outcome]int)
	err := sim.Do(func(s *sim.Session) {
		d := new(dfs)
		for runs := 0; ; runs++ {
			m := s.New(o)
			setup(m)
			r := m.Run(d)
			if r.Err != nil && count[r.Outcome] == 0 {
				t.Logf("run %d: %v", runs, firstLine(r.Err))
			}
			count[r.Outcome]++
			if !d.more() {
				return
			}
			if runs > 3_000_000 {
				t.Error("too many schedules")
				return
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
	return count
}

func firstLine(err error) string {
	s, _, _ := strings.Cut(err.Error(), "\n")
	return s
}
