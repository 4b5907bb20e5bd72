package explore

// Going back, and sleep (more of dpor.go). After a run the last point that has a thread
// left to try takes it, and all behind that point is cut off. Who has been tried there
// falls asleep with the footprint that its step had; a point inherits those sleepers of
// the point before whose footprint the step in between did not touch.

import (
	"math/bits"

	"github.com/serializing-tokens/lwkt/sim"
)

// end goes back to the last point where something is left to try.
func (s *dpor) end(r *result) {
	s.runs++
	if s.drift != nil || s.why != "" {
		return
	}
	if s.again {
		s.cut(0)
		s.wide, s.again, s.kept = true, false, 0
		s.pruned = s.runs // they will all come again
		return
	}
	if s.depth < len(s.points) {
		t := s.points[s.depth]
		s.short(s.depth, t.first, t.n)
		return
	}
	if r.Outcome != sim.Abandoned && !s.rejoined {
		s.pend(r.waiting, len(s.points))
		if len(s.points) > 0 {
			s.waitsAt(len(s.points)-1, r.waiting)
		}
	}
	for d := len(s.points) - 1; d >= 0; d-- {
		t := &s.points[d]
		if t.alts > 0 {
			s.cut(d + 1)
			s.glue(d, s.undo(d))
			if t.chosen+1 < t.alts {
				t.chosen++
				s.kept = d
				return
			}
			s.cut(d)
			continue
		}
		s.cut(d + 1)
		print := s.undo(d)
		s.reached(d, print)
		s.fallAsleep(t, print)
		if rest := t.backtrack &^ t.done &^ t.sleep; rest != 0 {
			s.choose(t, bits.TrailingZeros64(rest))
			s.kept = d
			return
		}
		s.cut(d)
	}
	s.over = true
}

// choose makes slot q the next to be tried at t.
func (s *dpor) choose(t *point, q int) {
	for i := t.first; i < t.first+t.n; i++ {
		if e := s.events[i]; slot(e.Thread) == q {
			t.chosen = i - t.first
			s.take(t, e)
			return
		}
	}
}

// undo takes back the step at point d and returns its footprint, which stays readable
// until the next step is taken.
func (s *dpor) undo(d int) []access {
	t := &s.points[d]
	if len(s.clocks) <= d*s.stride {
		return nil // the point was reached and no step taken
	}
	s.clocks = s.clocks[:d*s.stride]
	s.lastOf[t.slot] = t.prev
	for k := len(s.grants) - 1; k >= int(t.grants); k-- {
		g := s.grants[k]
		s.grantOf[g.slot] = g.before
	}
	s.grants = s.grants[:t.grants]
	print := s.accesses[t.accesses:]
	for k := len(print) - 1; k >= 0; k-- {
		s.heads[print[k].obj] = print[k].prev
	}
	s.accesses = s.accesses[:t.accesses]
	return print
}

// cut takes back all points from d on.
func (s *dpor) cut(d int) {
	for len(s.points) > d {
		last := len(s.points) - 1
		t := &s.points[last]
		s.leave(last, s.undo(last))
		s.events, s.sleepers, s.prints = s.events[:t.first], s.sleepers[:t.sleepers], s.prints[:t.asleep]
		s.points = s.points[:last]
	}
}

// wake carries over to t who sleeps: who slept at the point before or was tried
// there, unless the step taken there touched what its own step would touch.
func (s *dpor) wake(t *point, d int) {
	if d == 0 {
		return
	}
	before := &s.points[d-1]
	if before.isBarrier || t.isBarrier {
		return // nobody could have stepped on the other side of it
	}
	step := s.accesses[before.accesses:t.accesses]
	for _, z := range s.sleepers[before.sleepers:t.sleepers] {
		if z.slot == before.slot || touches(s.prints[z.from:z.to], step) {
			continue
		}
		s.sleepers = append(s.sleepers, z)
		t.sleep |= 1 << z.slot
	}
}

// touches says whether two footprints depend on each other.
func touches(a, b []access) bool {
	for i := range a {
		for k := range b {
			if a[i].obj == b[k].obj && (a[i].write || b[k].write) || a[i].obj == anyObject || b[k].obj == anyObject {
				return true
			}
		}
	}
	return false
}

// fallAsleep puts who stepped at t to sleep there.
func (s *dpor) fallAsleep(t *point, print []access) {
	t.done |= 1 << t.slot
	from := t.glued
	if from < 0 {
		from = int32(len(s.prints))
	}
	t.glued = -1
	s.print(t, print)
	s.sleepers = append(s.sleepers, sleeper{t.slot, from, int32(len(s.prints))})
}

// glue keeps what a choice at point d touched for the print of the step it is glued to.
func (s *dpor) glue(d int, print []access) {
	head := int(s.points[d].head)
	if head == d {
		return
	}
	t := &s.points[head]
	if t.glued < 0 {
		t.glued = int32(len(s.prints))
	}
	s.print(t, print)
	for i := head + 1; i <= d; i++ {
		s.points[i].asleep = int32(len(s.prints)) // survives them
	}
}

// print keeps a footprint of a step at t.
func (s *dpor) print(t *point, print []access) {
	for _, a := range print {
		if a.obj > t.known && s.states == nil {
			a.obj = anyObject
		}
		s.prints = append(s.prints, a)
	}
}

// noteGrants keeps which threads the last step enabled.
func (s *dpor) noteGrants(t *point, d int) {
	before := &s.points[d-1]
	for set := t.could &^ before.could &^ (1 << before.slot); set != 0; set &= set - 1 {
		q := bits.TrailingZeros64(set)
		s.grow(q)
		s.grants = append(s.grants, grant{int32(q), s.grantOf[q]})
		s.grantOf[q] = int32(d - 1)
	}
	t.grants = int32(len(s.grants))
}
