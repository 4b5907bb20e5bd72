package explore

import (
	"testing"

	"github.com/serializing-tokens/lwkt/sim"
)

// Comparison is what both ways to explore many programs came to.
type Comparison struct {
	Programs, Schedules, Traces, Deadlocks int
	Abandoned, Twice                       int // runs of the reduction
}

// Compare wants the reduction to run the traces of a program that enumeration finds. It
// says whether enumeration came to an end.
func (c *Comparison) Compare(t *testing.T, session *sim.Session, o sim.Options, program func(m *sim.Machine), most int) (ok bool) {
	t.Helper()
	h := &host{session: session, options: o, program: program}
	want, runs, ok := traceSet(t, h.run, newDFS(-1), most)
	if !ok {
		return false
	}
	s := newDPOR()
	got, complete, _ := traceSet(t, h.run, s, 1<<30)
	if s.why != "" {
		t.Errorf("not reduced: %s", s.why)
	}
	for h, o := range want {
		if o == sim.Deadlock {
			c.Deadlocks++
		}
		if g, ok := got[h]; !ok || g != o {
			t.Errorf("a trace that ends with %v is missed (%d of %d found)", o, len(got), len(want))
		}
	}
	for h := range got {
		if _, ok := want[h]; !ok {
			t.Errorf("a trace is invented (%d of %d)", len(got), len(want))
		}
	}
	c.Programs++
	c.Schedules += runs
	c.Traces += len(want)
	c.Abandoned += s.blocked()
	c.Twice += complete - len(got)
	return true
}

// Slow is by how much this build is allowed to be slower.
const Slow = slow
