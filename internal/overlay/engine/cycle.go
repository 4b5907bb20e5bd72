// Judging circles: which of them can be a deadlock, and how sure that is.
package engine

// step is one edge of a circle, with one of its occurrences.
type step struct {
	ed *edge
	o  *occ
}

// Why a circle is not more than possible.
const (
	byClass   uint8 = 1 << iota // seen with other locks of these classes
	oneThread                   // one thread did both
	ordered                     // a start or a join came between
	readers                     // only with writers queued between readers
)

// candidate is a circle that is to be reported, if it is the best.
type candidate struct {
	steps []step
	sev   Severity
}

// watch is a circle that is silent as long as the thread does not use its locks.
type watch struct {
	g  *graph
	ed *edge
	o  *occ
	id []ID
}

// search looks for the worst circle through one edge.
type search struct {
	e      *Engine
	g      *graph
	path   []step
	sevs   []Severity // of the path so far
	target *node
	limit  int // edges in the circle
	cut    bool
	budget int
	best   candidate
}

// The bounds of one search, in occurrences looked at, and what makes it smaller: a program
// with many circles must not stop for them.
const (
	searchBudget = 50_000
	searchFloor  = 2_000
	longest      = 64
)

// judge looks for circles through an edge that are due to one of its occurrences, and keeps
// the worst as a candidate.
//
//go:norace
func (e *Engine) judge(g *graph, ed *edge, o *occ) {
	x, y := ed.from, ed.to
	if x.comp == 0 || x.comp != y.comp || x.dead || y.dead {
		return
	}
	s := search{e: e, g: g, target: x, budget: searchBudget}
	if e.effort > 200*searchBudget {
		s.budget = searchFloor
	}
	before := s.budget
	s.path = append(s.path, step{ed, o})
	s.sevs = append(s.sevs, Likely)
	y.path = true
	for s.limit = 2; s.limit <= longest; s.limit++ {
		s.cut = false
		s.walk(y)
		if s.best.sev == Likely || !s.cut || s.budget <= 0 {
			break
		}
	}
	y.path = false
	e.effort += before - s.budget
	if s.best.sev != 0 {
		e.cands = append(e.cands, s.best)
	}
}

// walk goes on from a node.
//
//go:norace
func (s *search) walk(at *node) {
	n := len(s.path)
	sofar := s.sevs[n-1]
	for _, ed := range at.out {
		closes := ed.to == s.target
		if ed.to.dead || ed.to.path || ed.to.comp != s.target.comp || closes && n+1 != s.limit {
			continue
		}
		if !closes && n+1 >= s.limit {
			s.cut = true
			continue
		}
		for _, o := range ed.occ {
			if s.budget--; s.budget <= 0 {
				return
			}
			next := step{ed, o}
			sev := min(sofar, s.e.meets(s.path[n-1], next))
			if closes {
				sev = min(sev, s.e.meets(next, s.path[0]))
			}
			if sev <= s.best.sev {
				continue
			}
			for _, p := range s.path {
				if sev = min(sev, s.together(p, next)); sev <= s.best.sev {
					break
				}
			}
			if sev <= s.best.sev {
				continue
			}
			s.path = append(s.path, next)
			if closes {
				if s.g == &s.e.sort && !s.declared() {
					sev = Possible
				}
				if sev > s.best.sev {
					s.best = candidate{copied(nil, s.path), sev}
				}
			} else {
				s.sevs = append(s.sevs, sev)
				ed.to.path = true
				s.walk(ed.to)
				ed.to.path = false
				s.sevs = s.sevs[:n]
			}
			s.path = s.path[:n]
		}
	}
}

// declared says whether a step of the path is not seen, but a rule.
//
//go:norace
func (s *search) declared() bool {
	for _, p := range s.path {
		if p.o.who == nil {
			return true
		}
	}
	return false
}

// meets says how badly the lock that a wants is in the way when b holds it. 0: not at all.
//
//go:norace
func (e *Engine) meets(a, b step) Severity {
	if a.o.to.mode == Exclusive || b.ed.held(b.o).mode == Exclusive {
		return Likely
	}
	if e.classes[a.o.to.id.Class()].Flag&RecursiveRead != 0 {
		return 0
	}
	return Possible
}

// together says how likely it is that the two are under way at once. 0: they cannot be.
//
//go:norace
func (s *search) together(a, b step) Severity {
	if s.gated(a, b) {
		return 0
	}
	p, q := a.o.who, b.o.who
	if p == nil || q == nil {
		return Likely // declared
	}
	if p == q {
		return Possible
	}
	first, second := a, b
	if !s.e.before(p, a.o.last, q, b.o.last) {
		if !s.e.before(q, b.o.last, p, a.o.last) {
			return Likely
		}
		first, second = b, a
	}
	if s.silent(first, second) {
		return 0
	}
	return Possible
}

// gated says whether the two hold another lock that they cannot both have. In a circle of
// classes that lock may be another one of the same class, since what guards is then usually what
// contains.
//
//go:norace
func (s *search) gated(a, b step) bool {
	for _, p := range a.o.held {
		for _, q := range b.o.held {
			if p.mode == Shared && q.mode == Shared {
				continue
			}
			if p.id == q.id {
				return true
			}
			if s.g == &s.e.sort && p.id.Class() == q.id.Class() && !s.inCircle(p.id.Class(), b) {
				return true
			}
		}
	}
	return false
}

// inCircle says whether the class is one of those that the path goes through.
//
//go:norace
func (s *search) inCircle(c Class, next step) bool {
	for _, p := range s.path {
		if p.ed.from.id.Class() == c || p.ed.to.id.Class() == c {
			return true
		}
	}
	return next.ed.to.id.Class() == c
}

// silent says whether the first thread started the second after its own last use of the
// locks, and has itself told if that is so no longer.
//
//go:norace
func (s *search) silent(first, second step) bool {
	p, q := first.o.who, second.o.who
	if !q.direct || q.up != p || first.o.last > q.at {
		return false
	}
	ids := []ID{first.ed.held(first.o).id, first.o.to.id, second.ed.held(second.o).id, second.o.to.id}
	if p.used(ids, q.at) {
		return false
	}
	if t := p.thread; t != nil {
		if len(t.watches) >= 256 {
			return false
		}
		ed, o := s.path[0].ed, s.path[0].o
		for i := range t.watches {
			if w := &t.watches[i]; w.ed == ed {
				w.o, w.id = o, ids
				t.see(ids)
				return !p.used(ids, q.at)
			}
		}
		t.watches = append(t.watches, watch{s.g, ed, o, ids})
		t.see(ids)
		return !p.used(ids, q.at)
	}
	return true
}

// see has the thread tell of its next use of the locks.
//
//go:norace
func (t *Thread) see(ids []ID) {
	for _, id := range ids {
		t.bits.Or(1 << (uint64(id) & 63))
	}
	t.special.Or(watched)
}

// wake looks again at the circles that were silent because the thread did not use the lock.
//
//go:norace
func (t *Thread) wake(id ID) {
	var again []watch
	kept := t.watches[:0]
	for _, w := range t.watches {
		hit := false
		for _, i := range w.id {
			hit = hit || i == id
		}
		if hit {
			again = append(again, w)
		} else {
			kept = append(kept, w)
		}
	}
	clear(t.watches[len(kept):])
	t.watches = kept
	t.bits.Store(0)
	if len(kept) == 0 {
		t.special.And(^watched)
	}
	for _, w := range kept {
		t.see(w.id)
	}
	t.e.cands = t.e.cands[:0]
	for _, w := range again {
		t.e.judge(w.g, w.ed, w.o)
	}
	t.e.pick(t)
}

// why collects the reasons for which a circle is no more than possible.
//
//go:norace
func (e *Engine) why(c candidate) (why uint8) {
	for i, a := range c.steps {
		b := c.steps[(i+1)%len(c.steps)]
		if a.ed.from.id.Serial() == 0 && c.sev == Possible {
			why |= byClass
		}
		if e.meets(a, b) == Possible {
			why |= readers
		}
		for _, b := range c.steps[:i] {
			p, q := a.o.who, b.o.who
			if p == nil || q == nil {
				continue
			}
			if p == q {
				why |= oneThread
			} else if e.before(p, a.o.last, q, b.o.last) || e.before(q, b.o.last, p, a.o.last) {
				why |= ordered
			}
		}
	}
	return why
}

// pick reports the worst and shortest of the candidates: what one acquisition closes besides is
// mended with it, or found when that is.
//
//go:norace
func (e *Engine) pick(t *Thread) {
	var sev Severity
	var short int
	for _, c := range e.cands {
		if c.sev > sev || c.sev == sev && len(c.steps) < short {
			sev, short = c.sev, len(c.steps)
		}
	}
	for _, c := range e.cands {
		if c.sev == sev && len(c.steps) == short {
			e.foundCircle(t, c)
		}
	}
	clear(e.cands)
	e.cands = e.cands[:0]
}
