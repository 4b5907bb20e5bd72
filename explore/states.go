package explore

// Recognizing states (more of dpor.go). The number of traces grows with every attempt that fails; that of
// the states which they go through does not. So where a run comes to a state that was left behind
// for good, it is not explored any further: all that can follow has been run.
//
// What is lost by that are the races between the steps that led here and those that follow, which would
// have put threads on backtrack sets. So each state keeps what every thread touched behind it, in any run
// (reach). Where a step on the stack touches some of it, and did not happen before all that the other thread
// can still do, every thread is tried at its point, which is more than any race could ask for.
//
// Who slept at a state was not tried there. So it counts as left behind only for those who sleep now
// as well; for others it is explored once more, and counts for the sleepers of both visits.
//
// When a state comes back within one run, that run could go on for ever; then this is not for the program.
//
// What is a state says sim.States. Objects have the same numbers in all runs then.

import (
	"github.com/serializing-tokens/lwkt/sim"
)

// few is how many threads there may be.
const few = 4

// reach is what each thread may touch from a state on: a bit for each object.
type reach [few]touched

type touched struct{ reads, writes uint64 }

func (r *reach) join(o *reach) {
	for i := range r {
		r[i].reads |= o[i].reads
		r[i].writes |= o[i].writes
	}
}

// bit is that of an object, or all if there are too many.
func bit(obj int32) uint64 {
	if obj < 0 || obj >= 64 {
		return ^uint64(0)
	}
	return 1 << obj
}

func (r *touched) add(print []access) {
	for _, a := range print {
		if a.write {
			r.writes |= bit(a.obj)
		} else {
			r.reads |= bit(a.obj)
		}
	}
}

// meets says whether a step with the footprint depends on one of those.
func (r *touched) meets(print []access) bool {
	for _, a := range print {
		if b := bit(a.obj); r.writes&b != 0 || a.write && r.reads&b != 0 {
			return true
		}
	}
	return false
}

// node is a state that was visited.
type node struct {
	sleep uint64 // who slept at each visit
	open  bool   // it is on the stack
	reach reach
}

// visiting is a node, and what was touched behind it in this visit.
type visiting struct {
	node  *node
	reach reach
}

// visited is what the reduction knows of states.
type visited struct {
	states   *sim.States // nil: they are not recognized
	table    map[uint64]*node
	stay     []visiting // one for each point
	rejoined bool       // the run has come to a state that was left behind, and goes on somehow
}

func newStates() *dpor {
	s := newDPOR()
	s.states, s.table = new(sim.States), map[uint64]*node{}
	return s
}

func (s *dpor) forget() {
	clear(s.table)
	s.stay, s.rejoined = s.stay[:0], false
}

// arrive prepares the next run.
func (s *dpor) arrive() {
	s.rejoined = false
	if s.states != nil {
		s.states.Known(s.kept)
	}
}

// visit says whether a new point is at a state that was left behind. Then the point is gone.
func (s *dpor) visit(p *sim.Point, t *point, d int) bool {
	if t.alts > 0 || t.isBarrier || s.wide || s.again || crowded(p.Enabled) || crowded(p.Waiting) {
		s.why = "states are not for time, data choices, conditions, and more than four threads"
		return false
	}
	h, ok := s.states.Now()
	if !ok {
		s.why = "it touches what it did not say that it shares (sim.Machine.Share)"
		return false
	}
	n := s.table[h]
	switch {
	case n == nil:
		n = &node{sleep: t.sleep}
		s.table[h] = n
	case n.open:
		s.why = "a state comes back within a run"
		return false
	case n.sleep&^t.sleep == 0:
		s.rejoin(p, d, &n.reach)
		if d > 0 {
			s.stay[d-1].reach.join(&n.reach)
		}
		s.cut(d)
		s.depth--
		s.rejoined = true
		s.states.Known(-1)
		return true
	}
	n.open = true
	s.stay = append(s.stay, visiting{node: n})
	return false
}

func crowded(events []sim.Event) bool {
	for i := range events {
		if events[i].Thread >= few {
			return true
		}
	}
	return false
}

// waitsAt adds what waits at a point at which nobody is tried.
func (s *dpor) waitsAt(d int, waiting []sim.Event) {
	if s.states == nil {
		return
	}
	for _, e := range waiting {
		obj := e.Op.Obj + 1
		if e.Op.Kind != sim.Spin {
			obj = -1 // perhaps others
		}
		s.stay[d].reach[slot(e.Thread)].add([]access{{obj: obj, write: true}})
	}
}

// reached adds a step at a point that was taken back.
func (s *dpor) reached(d int, print []access) {
	if d < len(s.stay) {
		s.stay[d].reach[s.points[d].slot].add(print)
	}
}

// leave is called when a point goes, with the footprint of its last step.
func (s *dpor) leave(d int, print []access) {
	if d >= len(s.stay) {
		return
	}
	s.reached(d, print)
	v := &s.stay[d]
	v.node.open = false
	v.node.sleep &= s.points[d].sleep
	v.node.reach.join(&v.reach)
	if d > 0 {
		s.stay[d-1].reach.join(&v.node.reach)
	}
	s.stay = s.stay[:d]
}

// rejoin has everybody tried where the step taken may be in a race with what can follow.
func (s *dpor) rejoin(p *sim.Point, d int, r *reach) {
	for q := range min(few, s.stride) {
		s.knows(p, q)
		for i := d - 1; i >= 0; i-- {
			t := &s.points[i]
			if int(t.slot) == q || int32(i) < s.full[t.slot] {
				continue
			}
			end := len(s.accesses)
			if i+1 < d {
				end = int(s.points[i+1].accesses)
			}
			if r[q].meets(s.accesses[t.accesses:end]) {
				t.backtrack |= t.enabled &^ (t.sleep | t.done)
			}
		}
	}
}

// knows makes in s.full the clock of all that q can still do: its last step, who enabled it since, and if it
// waits for a spin lock, all that the holder has done.
func (s *dpor) knows(p *sim.Point, q int) {
	clear(s.full)
	last := s.lastOf[q]
	if last >= 0 {
		copy(s.full, s.clock(last))
	}
	if g := s.grantOf[q]; g > last {
		join(s.full, s.clock(g))
	}
	for i := range p.Waiting {
		e := &p.Waiting[i]
		if slot(e.Thread) != q || e.Op.Kind != sim.Spin || int(e.Op.Obj)+1 >= len(s.heads) {
			continue
		}
		if k := s.heads[e.Op.Obj+1]; k >= 0 {
			join(s.full, s.clock(s.lastOf[s.points[s.accesses[k].at].slot]))
		}
	}
}
