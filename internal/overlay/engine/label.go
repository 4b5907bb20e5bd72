// Who started whom, and who waited for whose end: which of two moments came before
// the other in every run of the program.
package engine

import "sync/atomic"

// Origin is where a goroutine comes from: all that its first use of a lock needs to
// know of the one that started it. It is two words, to be copied at each start.
type Origin struct {
	up     *label
	at     uint32
	direct bool
}

// label is what stays of a thread while occurrences refer to it. A moment is a label
// and a clock. All of it is guarded by the engine's lock.
type label struct {
	num  uint32
	name string

	up     *label // what it did until its clock was at came before all of this
	at     uint32
	direct bool // up started this one itself
	joins  []join
	kept   int    // joins at the last pruning
	pruned uint32 // garbage collections then

	query, asked uint32 // how much of it the search under way has seen

	depth, limit int    // ancestors, at most, and when to look which of them still matter
	settled      uint32 // garbage collections when that was done

	refs   int    // occurrences that are in edges
	grip   handle // of what those have that are in no edge (Thread.hold), if there is e
	e      *Engine
	thread *Thread // nil when it has ended
	uses   uses
}

// join says that what the other did until its clock was upto came before what this one does
// from clock from on.
type join struct {
	who        *label
	upto, from uint32
}

// idle says whether nothing refers to it or ever will.
//
//go:norace
func (l *label) idle() bool {
	if l.thread != nil || l.refs != 0 || l.e != nil && !l.e.gone(l.grip) {
		return false
	}
	if len(l.joins) != 0 {
		l.prune()
	}
	return len(l.joins) == 0
}

// settle leaves out ancestors that do not matter any more, so that a goroutine that
// starts the next one for ever leaves no trail.
//
//go:norace
func settle(up **label, at *uint32, direct *bool) {
	for *up != nil && (*up).idle() {
		*up, *at, *direct = (*up).up, (*up).at, false
	}
}

// shorten settles all ancestors, so that there are never more than twice as many as matter.
//
//go:norace
func (l *label) shorten() {
	l.depth = 0
	for a := l; a.up != nil; a = a.up {
		settle(&a.up, &a.at, &a.direct)
		if a.up == nil {
			break
		}
		l.depth++
	}
	l.limit = 2*l.depth + 32
}

// lab gives the thread a label.
//
//go:norace
func (t *Thread) lab() *label {
	if t.label == nil {
		o := t.origin
		settle(&o.up, &o.at, &o.direct)
		l := &label{num: t.num, name: t.name, up: o.up, at: o.at, direct: o.direct, thread: t, limit: 32}
		if o.up != nil {
			l.depth, l.limit, l.settled = o.up.depth+1, o.up.limit, o.up.settled
			if cycle := t.e.collected(); l.depth >= l.limit || l.depth >= 32 && l.settled != cycle {
				l.shorten()
				l.settled = cycle
			}
		}
		t.label = l
	}
	return t.label
}

// Fork gives the origin of a goroutine that t is about to start. A goroutine that
// has no Thread yet passes on the origin that it has itself, with Origin.Fork.
//
//go:norace
func (t *Thread) Fork() Origin {
	l := t.label
	if l == nil {
		return t.origin.Fork() // t has done nothing that the other could come after
	}
	o := Origin{l, t.clock, true}
	t.step()
	if l.uses == nil {
		t.enter()
		l.uses = make(uses, 16)
		t.leave()
		t.special.Or(using)
	}
	for i := 0; i < t.n; i++ {
		t.noteUse(t.holds[i].id)
	}
	return o
}

// Fork gives the origin of a goroutine started by one that has no Thread.
//
//go:norace
func (o Origin) Fork() Origin { o.direct = false; return o }

// step ends a stretch of the thread's life.
//
//go:norace
func (t *Thread) step() {
	t.clock++
	t.reseed()
}

// use notes that the thread takes a lock, for the rule that whoever started another
// thread after its own last use of a lock cannot meet it there. It says whether somebody waits
// to hear of it.
//
//go:norace
func (t *Thread) use(id ID) (heard bool) {
	if t.special.Load()&using != 0 {
		t.noteUse(id)
	}
	// The bit after the use, and who sets the bit looks at the uses after that: one of the two sees the other.
	return t.special.Load()&watched != 0 && t.bits.Load()>>(uint64(id)&63)&1 != 0
}

// used says whether the thread took one of the locks after its clock was at. It may say so in error, never the opposite.
//
//go:norace
func (l *label) used(ids []ID, at uint32) bool {
	for _, id := range ids {
		if l.uses.since(id, at) {
			return true
		}
	}
	return false
}

// before says whether the moment (x, xc) came before (y, yc) by starts and joins.
//
//go:norace
func (e *Engine) before(x *label, xc uint32, y *label, yc uint32) bool {
	e.queries++
	return before(x, xc, y, yc, e.queries)
}

//go:norace
func before(x *label, xc uint32, y *label, yc uint32, query uint32) bool {
	for y != nil {
		if x == y {
			return xc <= yc
		}
		if y.query == query && y.asked >= yc {
			return false // this much of it has been looked at
		}
		y.query, y.asked = query, yc
		for i := len(y.joins) - 1; i >= 0; i-- {
			if j := &y.joins[i]; j.from <= yc && before(x, xc, j.who, j.upto, query) {
				return true
			}
		}
		y, yc = y.up, y.at
	}
	return false
}

// group is what is known of a WaitGroup.
type group struct {
	weak handle
	done []join // of this round; from is not used
	kept int    // done at the last pruning
}

type debt struct {
	id ID
	n  int
}

// Owe says that t will call Done on the group (a goroutine started by WaitGroup.Go):
// who waits for the group waits for t.
//
//go:norace
func (t *Thread) Owe(g *Tag) {
	id := ID(g.id.Load())
	t.enter()
	for i := range t.debts {
		if t.debts[i].id == id {
			t.debts[i].n++
			t.leave()
			return
		}
	}
	t.debts = append(t.debts, debt{id, 1})
	t.leave()
}

// Done says that t is about to call Done on the group.
//
//go:norace
func (t *Thread) Done(g *Tag) {
	if t.label == nil && t.origin.up == nil && len(t.debts) == 0 && atomic.LoadUint32(&g.owner) == 0 {
		return // nothing that somebody could come after, and no round that ends here
	}
	id := ID(g.id.Load())
	t.enter()
	for i := range t.debts {
		if t.debts[i].id == id {
			if t.debts[i].n--; t.debts[i].n == 0 {
				t.debts = copied(t.debts[:i], t.debts[i+1:])
			}
			break
		}
	}
	e := t.e
	q := e.groups.get(idKey(id))
	if q != nil && atomic.LoadUint32(&g.owner) != 0 {
		atomic.StoreUint32(&g.owner, 0)
		q.done = q.done[:0]
	}
	l, upto := t.label, t.clock
	if l == nil {
		l, upto = t.origin.up, t.origin.at
	}
	var direct bool
	settle(&l, &upto, &direct)
	if l == nil {
		t.leave()
		return
	}
	if q == nil {
		e.sweepGroups()
		q = &group{weak: e.handleOf(g.pointer())}
		e.groups.put(idKey(id), q)
	}
	if len(q.done) >= 16 && len(q.done) >= 2*q.kept {
		q.done = pruned(q.done, nil) // a group that is waited for only once, at the end
		q.kept = len(q.done)
	}
	q.done = addJoin(q.done, join{l, upto, 0})
	if t.label != nil {
		t.step()
	}
	t.leave()
}

// addJoin adds one, unless the list has a better one of the same thread.
//
//go:norace
func addJoin(list []join, j join) []join {
	for i := range list {
		if list[i].who == j.who {
			if list[i].upto < j.upto {
				list[i].upto, list[i].from = j.upto, j.from
			}
			return list
		}
	}
	return append(list, j)
}

// Joined says that t was woken from, or found done, a wait for the group: what those did
// who called Done came before what t does from now on.
//
//go:norace
func (t *Thread) Joined(g *Tag) {
	t.enter()
	q := t.e.groups.get(idKey(ID(g.id.Load())))
	if q == nil || len(q.done) == 0 {
		t.leave()
		return
	}
	atomic.StoreUint32(&g.owner, 1)
	l := t.lab()
	t.step()
	for _, j := range q.done {
		if j.who == l {
			continue
		}
		if cycle := t.e.collected(); len(l.joins) >= 16 && (len(l.joins) >= 2*l.kept || l.pruned != cycle) {
			l.prune()
			l.pruned = cycle
		}
		l.joins = append(l.joins, join{j.who, j.upto, t.clock})
	}
	t.leave()
}

// prune drops joins with those that nothing refers to.
//
//go:norace
func (l *label) prune() {
	l.joins = pruned(l.joins, l)
	l.kept = len(l.joins)
}

//go:norace
func pruned(list []join, l *label) []join {
	kept := list[:0]
	for _, j := range list {
		var direct bool
		settle(&j.who, &j.upto, &direct)
		if j.who != nil && j.who != l {
			same := false
			for i := range kept {
				// An earlier join with more of the same thread says it already.
				same = same || kept[i].who == j.who && kept[i].upto >= j.upto
			}
			if !same {
				kept = append(kept, j)
			}
		}
	}
	if cap(list) >= 64 && len(kept) <= cap(list)/4 {
		return copied(make([]join, 0, 2*len(kept)), kept) // it was long between two garbage collections
	}
	clear(list[len(kept):])
	return kept
}

// sweepGroups drops groups that are gone, after a garbage collection or when there are twice as many.
//
//go:norace
func (e *Engine) sweepGroups() {
	cycle := e.collected()
	if e.groups.n < 64 || e.groups.n < e.groupsAt && e.groupsSwept == cycle {
		return
	}
	e.groupsSwept = cycle
	var gone []key
	for i := range e.groups.slots {
		if s := &e.groups.slots[i]; s.full && e.gone(s.v.weak) {
			gone = append(gone, s.key)
		}
	}
	for _, k := range gone {
		e.groups.del(k)
	}
	e.groups.pack()
	e.groupsAt = max(64, 2*e.groups.n)
}
