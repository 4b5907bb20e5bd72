package explore

// Plain enumeration: depth first, every choice at every point, without reduction and
// hence right for any machine, also one with processors, priorities, interrupts and
// time. With a bound it leaves out the schedules with more preemptions than that;
// most bugs need one or two (Musuvathi and Qadeer, 2007).
//
// The stack holds the points of the last run. The next run repeats all but the last
// that has a choice left, takes the next one there, and goes on by default. So runs
// differ from their predecessors near the end, and each schedule comes exactly once.

import (
	"fmt"

	"github.com/serializing-tokens/lwkt/sim"
)

type dfsPoint struct {
	first, n  int32 // its events in the stack
	chosen    int32
	tried     int32 // how many of its choices have been taken
	free      int32 // the choice that costs no preemption, or -1: all are free
	preempted int32 // preemptions before it
}

type dfs struct {
	plain
	stack
	bound  int // on preemptions; negative: none
	points []dfsPoint
	depth  int
	over   bool
}

func newDFS(bound int) *dfs { return &dfs{bound: bound} }

func (s *dfs) label() string {
	if s.bound >= 0 {
		return fmt.Sprintf("preempt(%d)", s.bound)
	}
	return "exhaustive"
}

func (s *dfs) reset() { s.points, s.events, s.depth, s.over = s.points[:0], s.events[:0], 0, false }

func (s *dfs) begin() bool {
	s.depth = 0
	return !s.over
}

func (s *dfs) exhausted() bool { return s.over }
func (s *dfs) drifted() *Drift { return s.stack.drifted() }

// Choose repeats the prefix and then goes on by default.
func (s *dfs) Choose(p *sim.Point) int {
	d := s.depth
	s.depth++
	if d < len(s.points) {
		t := &s.points[d]
		if !s.same(p, t.first, t.n) {
			return -1
		}
		return int(t.chosen)
	}
	t := dfsPoint{free: -1}
	t.first, t.n = s.push(p)
	t.chosen = int32(lazy(p))
	if s.bound >= 0 {
		if e := &p.Enabled[t.chosen]; e.Kind == sim.Step && e.Thread == p.Last {
			t.free = t.chosen
		}
		if d > 0 {
			b := &s.points[d-1]
			t.preempted = b.preempted
			if b.free >= 0 && b.chosen != b.free {
				t.preempted++
			}
		}
	}
	t.tried = 1
	s.points = append(s.points, t)
	return int(t.chosen)
}

func (s *dfs) end(r *result) {
	if s.drift != nil {
		return
	}
	if s.depth < len(s.points) {
		t := s.points[s.depth]
		s.short(s.depth, t.first, t.n)
		return
	}
	for i := len(s.points) - 1; i >= 0; i-- {
		t := &s.points[i]
		s.events = s.events[:t.first+t.n]
		spent := s.bound >= 0 && t.free >= 0 && int(t.preempted) >= s.bound
		if t.tried < t.n && !spent {
			t.tried++
			if t.chosen++; t.chosen == t.n {
				t.chosen = 0
			}
			s.points = s.points[:i+1]
			return
		}
		s.points = s.points[:i]
		s.events = s.events[:t.first]
	}
	s.over = true
}
