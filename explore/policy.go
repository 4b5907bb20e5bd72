package explore

// The default policy: whoever ran last keeps running; when it cannot, the next thread
// after it that can, in a circle; what is no step of a thread comes only when nothing
// else can, and of the outcomes of a data choice the first. Under it a program runs
// with the fewest switches, so a schedule is written down as its deviations from it,
// and enumeration starts from it.

import (
	"slices"

	"github.com/serializing-tokens/lwkt/sim"
)

// lazy is the index of the default choice at p.
func lazy(p *sim.Point) int {
	for i := range p.Enabled {
		if e := &p.Enabled[i]; e.Thread == p.Last && e.Kind == sim.Step {
			return i
		}
	}
	return turn(p)
}

// stack holds the points of the run under way and lets a strategy check that a
// prefix, executed again, is what it was.
type stack struct {
	events []sim.Event // what could go on at each point, one after another
	drift  *Drift
}

// push keeps the events of a point; first is where they are.
func (s *stack) push(p *sim.Point) (first, n int32) {
	first = int32(len(s.events))
	s.events = append(s.events, p.Enabled...)
	return first, int32(len(p.Enabled))
}

// same compares a point with one that was pushed.
func (s *stack) same(p *sim.Point, first, n int32) bool {
	then := s.events[first : first+n]
	if len(then) == len(p.Enabled) {
		for i := range then {
			a, b := &then[i], &p.Enabled[i]
			if a.Thread != b.Thread || a.Kind != b.Kind || a.Op.Kind != b.Op.Kind || a.Op.Obj != b.Op.Obj {
				goto differ
			}
		}
		return true
	}
differ:
	s.drift = &Drift{Step: p.Step, then: slices.Clone(then), now: slices.Clone(p.Enabled)}
	return false
}

// short is the drift of a run that ended before its prefix did.
func (s *stack) short(step int, first, n int32) {
	s.drift = &Drift{Step: step, then: slices.Clone(s.events[first : first+n])}
}

// drifted is what same found, told only now: under the machine package fmt would have a
// race, as the detector sees it.
func (s *stack) drifted() *Drift {
	if d := s.drift; d != nil && d.Now == "" {
		d.Before, d.Now = describe(d.then, nil), describe(d.now, nil) // the objects of before have no names any more
	}
	return s.drift
}
