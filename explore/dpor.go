package explore

// Source-DPOR with sleep sets (Abdulla, Aronis, Jonsson, Sagonas, POPL 2014): of all
// schedules with the same trace it runs one, as good as always. It needs free
// interleaving, where a step enables or disables another only through what both touch.
//
// Right is: every trace is run (none is lost), and none is run to its end twice.
//
//   - Two steps depend on each other if they are of one thread, if one enabled the
//     other, or if both touch an object and one writes it. The footprint is what the
//     machine saw the step touch, releases that rode along included. Happens-before
//     is the order of dependent steps, kept as one vector clock a step.
//   - A race is two dependent steps of two threads with nothing in between. For each,
//     some thread that can begin the other order is put on the backtrack set of the
//     point before the earlier step (races.go).
//   - A thread falls asleep at a point when all that begins with its step there has
//     been run. It stays asleep below until a step touches what its step touched, and
//     a run in which only sleepers could go on is abandoned. Their footprints are from
//     the run in which they stepped; they mean the same in this one because a machine
//     numbers an object when an operation on it is announced, which was in the prefix
//     that both runs share.
//   - What waits when a run ends, or is abandoned, has races too.
//   - A thread that waits for a condition, or surveys, may look at anything. Once there is one, all
//     steps read a further object, everything, and its own step writes it.
//   - Time that passes when nothing can step is a barrier: all before happens before
//     all behind. Where it competes with steps, the run is not for this strategy, and
//     the caller takes plain enumeration (why).
//
// All state is on stacks in the order of the points, so that to go back is to cut them.

import (
	"github.com/serializing-tokens/lwkt/sim"
)

const (
	maxThreads = 64   // bits of a set
	maxDepth   = 3000 // steps of a run; the time for one run grows with the square
)

const competes = "time competes with steps"

// anyObject stands in a sleeper's footprint for one that had no number before its step
// and so may be known by another one in the next run.
const anyObject = -1

// everything is the object that a condition reads; those of the machine follow.
const everything = 0

// slot is the bit and clock entry of a thread.
func slot(thread int) int { return thread }

// point is a moment of the run under way, and the step taken there.
type point struct {
	first, n   int32  // what could go on, in stack.events
	chosen     int32  // index of the step taken
	slot       int32  // of whom
	prev       int32  // the point at which that thread stepped before, or -1
	accesses   int32  // where its footprint begins
	sleepers   int32  // where those who sleep here begin
	asleep     int32  // where the footprints of those who fell asleep here begin
	grants     int32  // where the threads that it enabled begin
	head       int32  // the point at which the block of glued choices begins
	glued      int32  // where the footprints of choices glued to this step begin, or -1
	alts       int32  // of a data choice, or of several timers: how many outcomes there are
	known      int32  // objects that were announced before the step
	enabled    uint64 // threads that could step
	could      uint64 // the same, but seen through the choices glued to a step
	backtrack  uint64 // threads to be tried
	done       uint64 // threads whose step here has been tried
	sleep      uint64 // threads that slept when the point was reached
	kind       sim.OpKind
	obj        int32
	exclusive  bool // the step waited until it could have obj alone, and then took it
	isBarrier  bool
	hasBarrier int32 // the last barrier before this point, or -1
}

// access is one object in the footprint of a step.
type access struct {
	at, obj int32 // the point, the object
	prev    int32 // the access to the object before
	write   bool
}

// sleeper is a thread asleep, with the footprint that its step had.
type sleeper struct {
	slot     int32
	from, to int32 // in dpor.prints
}

type grant struct {
	slot, before int32 // who was enabled, and by which point the last time before
}

type dpor struct {
	stack
	points   []point
	accesses []access
	clocks   []int32 // stride entries a point: how many points, counted from the first, happen before
	stride   int
	heads    []int32 // object -> its last access, or -1
	lastOf   []int32 // slot -> the last point at which it stepped, or -1
	grantOf  []int32 // slot -> the last point whose step enabled it, or -1
	grants   []grant
	sleepers []sleeper
	prints   []access // footprints of sleepers
	fp       []access // of the step under way, each object once
	past     []int32  // clocks under construction
	full     []int32
	seen     []int32
	firsts   []int32
	races    []race
	depth    int
	kept     int // points that this run only repeats
	over     bool
	pruned   int
	runs     int
	tries    bool   // every Unlock is a step of its own
	expires  bool   // any timed wait may expire although others can step
	wide     bool   // some thread surveys: all steps touch everything for it
	again    bool   // that has just been found out: begin anew
	why      string // why this program cannot be reduced
	visited         // with States
}

func newDPOR() *dpor { s := &dpor{}; s.reset(); return s }

func (s *dpor) label() string {
	if s.states != nil {
		return "states"
	}
	return "dpor"
}

func (s *dpor) exhausted() bool { return s.over && s.why == "" }

func (s *dpor) blocked() int { return s.pruned }

func (s *dpor) reset() {
	s.cut(0)
	s.forget()
	s.kept, s.depth, s.over, s.pruned, s.runs, s.drift, s.why = 0, 0, false, 0, 0, nil, ""
}

func (s *dpor) begin() bool {
	s.depth = 0
	s.arrive()
	return !s.over && s.why == ""
}

// give up on reduction.
func (s *dpor) give(why string) int {
	s.why = why
	return -1
}

// Choose repeats the prefix; past it, it takes somebody who does not sleep.
func (s *dpor) Choose(p *sim.Point) int {
	if s.rejoined {
		return lazy(p)
	}
	d := s.depth
	s.depth++
	if d < len(s.points) {
		t := &s.points[d]
		if !s.same(p, t.first, t.n) {
			return -1
		}
		return int(t.chosen)
	}
	if d >= maxDepth {
		return s.give("a run has too many steps")
	}
	s.points = append(s.points, point{prev: -1, head: int32(d), glued: -1, hasBarrier: -1})
	t := &s.points[d]
	t.first, t.n = s.push(p)
	t.accesses, t.grants = int32(len(s.accesses)), int32(len(s.grants))
	t.sleepers, t.asleep = int32(len(s.sleepers)), int32(len(s.prints))
	if d > 0 {
		before := &s.points[d-1]
		t.known = before.known
		t.hasBarrier = before.hasBarrier
		if before.isBarrier {
			t.hasBarrier = int32(d - 1)
		}
	}
	switch kind := p.Enabled[0].Kind; {
	case kind == sim.Choice:
		// Asked in the middle of a step: it and the step are one block for the others.
		t.alts, t.backtrack = t.n, 1<<slot(p.Enabled[0].Thread)
		t.enabled, t.could = t.backtrack, t.backtrack
		if d > 0 {
			t.could = s.points[d-1].could
			if before := &s.points[d-1]; int(before.slot) == slot(p.Enabled[0].Thread) {
				t.head = before.head
			}
		}
	case kind == sim.Timer && allTimers(p):
		t.isBarrier = true
		if s.expires {
			return s.give(competes)
		}
		if t.n > 1 {
			t.alts = t.n
		}
	default:
		for i := range p.Enabled {
			e := &p.Enabled[i]
			if e.Kind != sim.Step {
				return s.give(competes)
			}
			if e.Thread >= maxThreads {
				return s.give("there are too many threads")
			}
			t.enabled |= 1 << slot(e.Thread)
			if e.Op.Kind == sim.TryLock && !s.tries {
				return s.give("a Mutex is tried for, which makes its Unlock a step of its own")
			}
			t.known = max(t.known, e.Op.Obj+1)
			s.again = s.again || !s.wide && surveys(e.Op.Kind)
		}
		t.could = t.enabled
		for i := range p.Waiting {
			op := &p.Waiting[i].Op
			t.known = max(t.known, op.Obj+1)
			s.again = s.again || !s.wide && surveys(op.Kind)
		}
	}
	s.wake(t, d)
	if d > 0 {
		s.noteGrants(t, d)
	}
	if s.states != nil && s.visit(p, t, d) {
		return lazy(p)
	}
	if t.alts == 0 && !t.isBarrier {
		if s.again {
			return -1
		}
		free := t.enabled &^ t.sleep
		if free == 0 {
			s.pruned++
			s.waitsAt(d, p.Waiting)
			s.pend(p.Waiting, d)
			s.cut(d)
			s.depth--
			return -1
		}
		i := s.prefer(p, free)
		t.chosen, t.backtrack = int32(i), 1<<slot(p.Enabled[i].Thread)
	}
	s.take(t, p.Enabled[t.chosen])
	return int(t.chosen)
}

// allTimers says whether time passes because nothing can step.
func allTimers(p *sim.Point) bool {
	for i := range p.Enabled {
		if p.Enabled[i].Kind != sim.Timer {
			return false
		}
	}
	return true
}

// surveys says whether an operation may look at anything.
func surveys(kind sim.OpKind) bool { return kind == sim.Await || kind == sim.Survey }

// prefer is the default choice among those in a set.
func (s *dpor) prefer(p *sim.Point, free uint64) int {
	if i := lazy(p); free>>slot(p.Enabled[i].Thread)&1 != 0 {
		return i
	}
	for i := range p.Enabled {
		if free>>slot(p.Enabled[i].Thread)&1 != 0 {
			return i
		}
	}
	return -1
}

// take notes who steps at t.
func (s *dpor) take(t *point, e sim.Event) {
	t.slot = int32(slot(e.Thread))
	t.kind, t.obj = e.Op.Kind, e.Op.Obj
	t.exclusive = locks(t.kind) && t.alts == 0 && !t.isBarrier
	s.grow(int(t.slot))
	t.prev = s.lastOf[t.slot]
}

// grow makes room for a slot in the clocks.
func (s *dpor) grow(slot int) {
	if slot < s.stride {
		return
	}
	wide := max(8, 2*s.stride, slot+1)
	clocks := make([]int32, len(s.clocks)/max(1, s.stride)*wide)
	for i := 0; i*s.stride < len(s.clocks); i++ {
		copy(clocks[i*wide:], s.clocks[i*s.stride:(i+1)*s.stride])
	}
	for len(s.lastOf) < wide {
		s.lastOf, s.grantOf = append(s.lastOf, -1), append(s.grantOf, -1)
	}
	s.clocks, s.stride = clocks, wide
	s.past, s.full, s.seen, s.firsts = make([]int32, wide), make([]int32, wide), make([]int32, wide), make([]int32, wide)
}
