package explore

// Races, and the clocks that they are read off (the rest of dpor.go). For a step that
// was taken, or that waits at the end, the accesses before it to what it touches are
// gone through backwards. One by another thread which the thread of the step did not
// know of when it arrived, is an edge; and it is a race, unless the order was forced.
//
// Forced is the order behind a step that enabled the later one. So for operations that
// wait the last access is often not the race: that is the access that took the lock,
// further back. Where it cannot be told, the race is kept and the search goes on; that
// costs runs that are abandoned and never loses a trace. Told it can be when the
// thread already waited before the earlier step, and nothing that could be moved before
// that step would have let it go on.

import (
	"math/bits"

	"github.com/serializing-tokens/lwkt/sim"
)

// race is an earlier step that may be exchanged with the one under study.
type race struct {
	at   int32
	sure bool // if so, what happened before it is in no race with the later step
}

// waits says whether an operation may keep its thread waiting.
func waits(op sim.Op) bool {
	switch op.Kind {
	case sim.Acquire, sim.AcquireShared, sim.AcquireAll, sim.Lock, sim.Take, sim.Await, sim.Resume, sim.Unblock, sim.Send, sim.Recv, sim.Select,
		sim.Spin, sim.SpinOn:
		return true
	}
	return false
}

// Executed analyses the step that was taken.
func (s *dpor) Executed(e sim.Event, footprint []sim.Access) {
	d := s.depth - 1
	if d < s.kept || s.rejoined {
		return // known from the run before
	}
	t := &s.points[d]
	s.fp = s.fp[:0]
	for i, a := range footprint {
		if !again(footprint, i) {
			s.fp = append(s.fp, access{at: int32(d), obj: a.Obj + 1, write: writes(footprint, i)})
		}
	}
	if s.wide {
		s.fp = append(s.fp, access{at: int32(d), obj: everything, write: surveys(e.Op.Kind)})
	}
	q := int(t.slot)
	if t.isBarrier {
		clear(s.full)
		for _, i := range s.lastOf {
			if i >= 0 {
				join(s.full, s.clock(i))
			}
		}
	} else {
		s.follow(d, q, e.Op, waits(e.Op) && t.alts == 0)
	}
	s.full[q] = int32(d + 1)
	s.clocks = append(s.clocks, s.full[:s.stride]...)
	s.lastOf[q] = int32(d)
	for _, a := range s.fp {
		for int(a.obj) >= len(s.heads) {
			s.heads = append(s.heads, -1)
		}
		a.prev = s.heads[a.obj]
		s.heads[a.obj] = int32(len(s.accesses))
		s.accesses = append(s.accesses, a)
	}
}

// clock of a point tells of each thread how many points, counted from the first, may
// hold steps of it that happened before the step at the point, that one included.
func (s *dpor) clock(i int32) []int32 {
	return s.clocks[int(i)*s.stride : (int(i)+1)*s.stride]
}

func join(into, from []int32) {
	for i, c := range from {
		into[i] = max(into[i], c)
	}
}

// pend analyses operations that wait when a run ends at point d. Of those that may wait
// for several objects, the machine names one, so they race with all.
func (s *dpor) pend(waiting []sim.Event, d int) {
	for _, e := range waiting {
		if e.Thread >= maxThreads {
			continue
		}
		s.grow(slot(e.Thread))
		s.fp = s.fp[:0]
		switch e.Op.Kind {
		case sim.Await, sim.AcquireAll, sim.Resume, sim.Unblock, sim.SpinOn:
			for o := range s.heads {
				s.fp = append(s.fp, access{at: int32(d), obj: int32(o), write: true})
			}
		default:
			s.fp = append(s.fp, access{at: int32(d), obj: e.Op.Obj + 1, write: true})
		}
		s.follow(d, slot(e.Thread), e.Op, true)
	}
}

// follow makes in s.full the clock of a step of q at point d with footprint s.fp, and
// adds to backtrack sets what its races ask for.
func (s *dpor) follow(d, q int, op sim.Op, waits bool) {
	last := s.lastOf[q]
	if last >= 0 {
		copy(s.past, s.clock(last))
	} else {
		clear(s.past)
	}
	copy(s.full, s.past)
	if g := s.grantOf[q]; g > last {
		join(s.full, s.clock(g))
	}
	if d > 0 {
		b := s.points[d-1].hasBarrier
		if s.points[d-1].isBarrier {
			b = int32(d - 1)
		}
		if b >= 0 {
			join(s.full, s.clock(b))
		}
	}
	s.races = s.races[:0]
	for _, f := range s.fp {
		if int(f.obj) < len(s.heads) {
			s.search(f, op, waits)
		}
	}
	if len(s.races) == 0 {
		return
	}
	s.order()
	copy(s.seen, s.past)
	for _, r := range s.races {
		if r.at < s.seen[s.points[r.at].slot] {
			continue // something of a later race lies in between
		}
		s.exchange(int(r.at), d, q)
		if r.sure {
			join(s.seen, s.clock(r.at))
		}
	}
}

// search goes through the accesses to one object, the latest first.
func (s *dpor) search(f access, op sim.Op, waits bool) {
	joined := false
	for k := s.heads[f.obj]; k >= 0; k = s.accesses[k].prev {
		a := &s.accesses[k]
		i := &s.points[a.at]
		if a.at < s.past[i.slot] {
			if a.write {
				return // it happened after all that was before it here
			}
			continue
		}
		if !a.write && !f.write {
			continue
		}
		if !joined {
			join(s.full, s.clock(a.at))
			joined = a.write
		}
		if i.isBarrier || locks(op.Kind) && op.Obj+1 == f.obj && unlocks(i, op.Obj) {
			continue
		}
		sure := !waits || i.exclusive && i.obj+1 == f.obj && alone(s.fp)
		s.races = append(s.races, race{a.at, sure})
		if sure && a.write {
			return
		}
	}
}

// unlocks says whether the step at a point, which touched a Mutex, did so to unlock it,
// in passing perhaps: to lock or try it is the operation itself. A step that waits for
// the Mutex cannot come before that.
func unlocks(t *point, mutex int32) bool {
	return t.obj != mutex || !locks(t.kind) && t.kind != sim.TryLock
}

// locks says whether an operation waits until it can have its object alone.
func locks(kind sim.OpKind) bool { return kind == sim.Lock || kind == sim.Spin }

// alone says whether a footprint is one object of the machine.
func alone(fp []access) bool {
	return len(fp) == 1 || len(fp) == 2 && fp[1].obj == everything
}

// order sorts the races, the latest first. There are few.
func (s *dpor) order() {
	for i := 1; i < len(s.races); i++ {
		for k := i; k > 0 && s.races[k-1].at < s.races[k].at; k-- {
			s.races[k-1], s.races[k] = s.races[k], s.races[k-1]
		}
	}
}

// exchange sees to it that a step of q, at point j, is also tried before the step at i:
// somebody who can begin what is not behind the step at i must be tried at i.
func (s *dpor) exchange(i, j, q int) {
	i = int(s.points[i].head)
	t := &s.points[i]
	from := int32(i)
	var met, begin uint64 // threads with steps in between not behind i, and those that can begin
	for k := i + 1; k < j; k++ {
		clock := s.clock(int32(k))
		if clock[t.slot] > from {
			continue
		}
		u := s.points[k].slot
		if met>>u&1 != 0 {
			continue
		}
		if s.free(clock, met) {
			begin |= 1 << u
		}
		met |= 1 << u
		s.firsts[u] = int32(k)
	}
	if met>>q&1 == 0 && s.free(s.full, met) {
		begin |= 1 << q
		if t.enabled>>q&1 == 0 && s.lastOf[q] < from {
			return // it waited before i, and nothing that can be moved before i lets it go on
		}
	}
	begin &= t.enabled
	if begin == 0 || begin&(t.backtrack|t.sleep|t.done) != 0 {
		return
	}
	if begin>>q&1 == 0 {
		q = bits.TrailingZeros64(begin)
	}
	t.backtrack |= 1 << q
}

// free says whether a clock has none of the steps that firsts has for a set.
func (s *dpor) free(clock []int32, set uint64) bool {
	for ; set != 0; set &= set - 1 {
		u := bits.TrailingZeros64(set)
		if clock[u] > s.firsts[u] {
			return false
		}
	}
	return true
}
