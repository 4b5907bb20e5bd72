//go:build lwkt_words

package explore

import (
	"fmt"
	"testing"

	"github.com/serializing-tokens/lwkt/sim"
)

// congruence is a strategy that sees that equal states go on in the same way: the same can go on, and
// the same step leads to equal states. In every other run the steps known from the one before are not learned anew.
type congruence struct {
	strategy
	dpor    *dpor
	runs    int
	states  *sim.States
	events  map[uint64]uint64
	next    map[[2]uint64]uint64
	last    [2]uint64
	known   bool
	bad     string
	strange bool // the program has not shared all
}

func hashEvents(list []sim.Event) (h uint64) {
	h = 1
	for _, e := range list {
		for _, x := range [4]uint64{uint64(e.Thread), uint64(e.Kind), uint64(e.Op.Kind), uint64(uint32(e.Op.Obj))} {
			h = (h ^ x) * 1099511628211
		}
	}
	return h
}

func (c *congruence) begin() bool {
	c.known = false
	ok, known := c.strategy.begin(), 0
	if c.runs++; c.runs%2 == 0 {
		known = c.dpor.kept
	}
	c.states.Known(known)
	return ok
}

func (c *congruence) Choose(p *sim.Point) int {
	h, ok := c.states.Now()
	c.strange = c.strange || !ok
	c.arrive(h, p.Step)
	e := hashEvents(p.Enabled)*31 + hashEvents(p.Waiting)
	if old, ok := c.events[h]; !ok {
		c.events[h] = e
	} else if old != e && c.bad == "" {
		c.bad = fmt.Sprintf("step %d: equal states, and other steps are possible", p.Step)
	}
	i := c.strategy.Choose(p)
	if i >= 0 {
		c.last, c.known = [2]uint64{h, uint64(p.Enabled[i].Thread)<<8 | uint64(p.Enabled[i].Kind)}, true
	}
	return i
}

func (c *congruence) arrive(h uint64, step int) {
	if !c.known {
		return
	}
	if old, ok := c.next[c.last]; !ok {
		c.next[c.last] = h
	} else if old != h && c.bad == "" {
		c.bad = fmt.Sprintf("step %d: the same step of equal states leads to different ones (thread %d)", step, c.last[1]>>8)
	}
}

func (c *congruence) Executed(e sim.Event, f []sim.Access) {
	if r, ok := c.strategy.(sim.Recorder); ok {
		r.Executed(e, f)
	}
}

func (c *congruence) end(r *result) {
	if r.Outcome != sim.Abandoned {
		c.arrive(c.states.End()^uint64(r.Outcome), r.Steps)
	}
	c.strategy.end(r)
}

// Congruence is what the checks of states came to.
type Congruence struct{ Programs, States, Traces, Runs, Ends, Deadlocks int }

// Check runs the traces of a program, up to so many, without recognizing states, and sees that it could be done. If
// that were all, both ways must come to the same final states.
func (c *Congruence) Check(t testing.TB, session *sim.Session, o sim.Options, program func(m *sim.Machine), most int) {
	t.Helper()
	d := newDPOR()
	x := &congruence{strategy: d, dpor: d, states: new(sim.States), events: map[uint64]uint64{}, next: map[[2]uint64]uint64{}}
	o.States = x.states
	h := &host{session: session, options: o, program: program}
	finals(t, h, newDPOR(), x.states, map[uint64]sim.Outcome{}, 100) // what is made at the first use is made now
	want := map[uint64]sim.Outcome{}
	c.Traces += finals(t, h, x, x.states, want, most)
	if x.bad != "" && !x.strange {
		t.Error(x.bad)
	}
	c.Programs++
	c.States += len(x.events)
	if !x.strategy.exhausted() {
		return
	}
	s := newStates()
	s.states = x.states
	got := map[uint64]sim.Outcome{}
	c.Runs += finals(t, h, s, s.states, got, 0)
	if x.strange && s.why != "" {
		return // it is refused
	}
	if s.why != "" || x.strange {
		t.Errorf("not reduced: %s", s.why)
	}
	for end, o := range want {
		if _, ok := got[end]; !ok {
			t.Errorf("a final state is missed, %v: %d of %d found", o, len(got), len(want))
			break
		}
		if o == sim.Deadlock {
			c.Deadlocks++
		}
	}
	for end, o := range got {
		if _, ok := want[end]; !ok {
			t.Errorf("a final state is invented, %v", o)
			break
		}
	}
	c.Ends += len(want)
}

// finals drives a strategy, also beyond failures, and collects the final states.
func finals(t testing.TB, h *host, s strategy, states *sim.States, ends map[uint64]sim.Outcome, most int) (runs int) {
	t.Helper()
	g := &guard{cap: 1000}
	c := g.over(s)
	for (most == 0 || runs < most) && s.begin() {
		g.begin()
		r := h.run(c)
		s.end(&r)
		if d := s.drifted(); d != nil {
			t.Fatal(d)
		}
		if runs++; r.Outcome != sim.Abandoned {
			ends[states.End()^uint64(r.Outcome)] = r.Outcome
		}
	}
	return runs
}
