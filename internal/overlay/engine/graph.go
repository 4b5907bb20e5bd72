// The graph of orders, of locks or of classes.
package engine

import "unsafe"

// ref is a lock that was held or wanted.
type ref struct {
	id   ID
	site uintptr
	mode Mode
}

// occ is an occurrence of an order: at some moment a thread held this and wanted that. One
// acquisition makes one, which is shared by the edges from each lock that was held.
type occ struct {
	who  *label // nil if the order was declared
	last uint32 // the thread's clock when it last did so
	refs int32  // edges it is in
	held []ref  // each lock once, in its strongest mode
	to   ref

	stack key // of stacks
}

// node is a lock that was nested, or a class (an ID with serial 0).
type node struct {
	id      ID
	weak    handle
	ord     int64 // G1
	comp    uint32
	mark    uint32
	in, out []*edge
	index   *table[*edge] // in, by from; nil while it is short
	dead    bool
	path    bool // on the path of the search under way
}

// edge says that somebody held from and wanted to.
type edge struct {
	from, to *node
	occ      []*occ // G3
	count    int    // pairs of locks, in the graph of classes
	next     uint8
	back     bool
	wrong    bool // in a circle that was reported
}

const maxOcc = 8

// graph is a set of edges, with an order of its nodes that is kept up to date, so that most
// new edges are seen to close no circle without a search. (D. J. Pearce and P. H. J. Kelly,
// A dynamic topological sort algorithm for directed acyclic graphs, 2006.)
//
// Invariants, whenever the engine's lock is free:
//
//	G1 from.ord < to.ord for each edge that is not marked back
//	G2 two nodes have the same comp, not 0, if one circle goes through both; the opposite may be
//	   wrong after nodes were dropped
//	G3 an occurrence that is not in the edge counts for no more than one that is: it is of the
//	   same thread, earlier, with as many locks held and no stronger modes; or there were maxOcc
//	   others, more than locks that a thread holds in common with all of them
//	G4 each order to a lock that was ever held while another was wanted is in the graph of locks;
//	   orders to others may wait in their tags (later.go)
type graph struct {
	nodes       table[*node]
	first, last int64
	back        int
	marks       uint32
	comps       uint32
	sweepAt     int
	since       int     // nodes made since the last sweep
	swept       uint32  // garbage collections at the last sweep
	dead        []*node // forgotten since the last sweep, and not in nodes
	fwd, bwd    []*node // scratch
	ords        []int64
}

//go:norace
func (g *graph) reset() {
	*g = graph{sweepAt: 1024, fwd: g.fwd[:0], bwd: g.bwd[:0], ords: g.ords[:0]}
}

// nodeOf gives the node of a lock; tag is where it lies now, or else weak says that.
//
//go:norace
func (e *Engine) nodeOf(id ID, tag *Tag, weak handle) *node {
	n := e.inst.nodes.get(idKey(id))
	if n == nil {
		if e.env.Weak != nil && e.inst.due(e) {
			e.sweep()
		}
		if weak.p == nil {
			weak = e.handleOf(tag.pointer())
		}
		n = &node{id: id, weak: weak}
		e.inst.nodes.put(idKey(id), n)
	}
	return n
}

// node is the identity of a class's node.
//
//go:norace
func (c Class) node() ID { return ID(c) << serialBits }

// all gives the edges.
//
//go:norace
func (g *graph) all() (list []*edge) {
	for i := range g.nodes.slots {
		if s := &g.nodes.slots[i]; s.full {
			list = copied(list, s.v.out)
		}
	}
	return list
}

// classNode gives the node of a class.
//
//go:norace
func (e *Engine) classNode(c Class) *node {
	id := c.node()
	n := e.sort.nodes.get(idKey(id))
	if n == nil {
		n = &node{id: id}
		e.sort.nodes.put(idKey(id), n)
	}
	return n
}

//go:norace
func (e *Engine) handleOf(p unsafe.Pointer) handle {
	if e.env.Weak == nil || p == nil {
		return handle{}
	}
	return handle{e.env.Weak(p)}
}

//go:norace
func (e *Engine) gone(h handle) bool {
	return h.p != nil && e.env.Alive != nil && !e.env.Alive(h.p)
}

// edge gives the edge between two nodes, and makes it.
//
//go:norace
func (g *graph) edge(x, y *node) (ed *edge, made bool) {
	if ed = find(x, y); ed != nil {
		return ed, false
	}
	ed = &edge{from: x, to: y}
	g.place(ed)
	x.out = append(x.out, ed)
	y.in = append(y.in, ed)
	if y.index != nil {
		y.index.put(idKey(x.id), ed)
	}
	return ed, true
}

// short lists are looked through.
const short = 12

// find gives the edge between two nodes, or nil.
//
//go:norace
func find(x, y *node) *edge {
	switch {
	case x == nil || y == nil:
	case len(y.in) <= short:
		for _, ed := range y.in {
			if ed.from == x {
				return ed
			}
		}
	case len(x.out) <= short:
		for _, ed := range x.out {
			if ed.to == y {
				return ed
			}
		}
	default:
		if y.index == nil {
			y.index = new(table[*edge])
			for _, ed := range y.in {
				y.index.put(idKey(ed.from.id), ed)
			}
		}
		return y.index.get(idKey(x.id))
	}
	return nil
}

// place restores G1 and G2 for an edge that is about to be added.
//
//go:norace
func (g *graph) place(ed *edge) {
	x, y := ed.from, ed.to
	if len(x.in) == 0 { // Nothing leads to x, so it may be the first of all.
		g.first--
		x.ord = g.first
		if len(y.out) == 0 && len(y.in) == 0 {
			g.last++
			y.ord = g.last
		}
		return
	}
	if len(y.out) == 0 { // y leads to nothing, so it may be the last of all.
		g.last++
		y.ord = g.last
		return
	}
	circle := false
	switch {
	case g.back > 0:
		circle = x.comp != 0 && x.comp == y.comp || g.reach(y, x)
	case x.ord < y.ord:
		return
	default:
		circle = !g.reorder(x, y)
	}
	if circle {
		if x.ord > y.ord {
			ed.back = true
			g.back++
		}
		if x.comp == 0 || x.comp != y.comp {
			g.join(x, y)
		}
	} else if x.ord > y.ord {
		g.reorder(x, y)
	}
}

// reorder moves nodes so that x comes before y, or says that y leads to x.
//
//go:norace
func (g *graph) reorder(x, y *node) bool {
	lo, hi := y.ord, x.ord
	g.marks++
	g.fwd = append(g.fwd[:0], y)
	y.mark = g.marks
	for i := 0; i < len(g.fwd); i++ {
		for _, ed := range g.fwd[i].out {
			if n := ed.to; !ed.back && n.mark != g.marks && n.ord <= hi {
				if n == x {
					return false
				}
				n.mark = g.marks
				g.fwd = append(g.fwd, n)
			}
		}
	}
	g.bwd = append(g.bwd[:0], x)
	x.mark = g.marks
	for i := 0; i < len(g.bwd); i++ {
		for _, ed := range g.bwd[i].in {
			if n := ed.from; !ed.back && n.mark != g.marks && n.ord >= lo {
				n.mark = g.marks
				g.bwd = append(g.bwd, n)
			}
		}
	}
	byOrd(g.fwd)
	byOrd(g.bwd)
	g.ords = g.ords[:0]
	for i, j := 0, 0; i < len(g.fwd) || j < len(g.bwd); {
		if j == len(g.bwd) || i < len(g.fwd) && g.fwd[i].ord < g.bwd[j].ord {
			g.ords = append(g.ords, g.fwd[i].ord)
			i++
		} else {
			g.ords = append(g.ords, g.bwd[j].ord)
			j++
		}
	}
	for i, n := range g.bwd {
		n.ord = g.ords[i]
	}
	for i, n := range g.fwd {
		n.ord = g.ords[len(g.bwd)+i]
	}
	clear(g.fwd)
	clear(g.bwd)
	return true
}

// byOrd sorts.
//
//go:norace
func byOrd(s []*node) {
	for gap := len(s) / 2; gap > 0; gap = gap * 5 / 11 {
		for i := gap; i < len(s); i++ {
			for j := i; j >= gap && s[j].ord < s[j-gap].ord; j -= gap {
				s[j], s[j-gap] = s[j-gap], s[j]
			}
		}
		if gap == 2 {
			gap = 3 // then 1
		}
	}
}

// reach says whether from leads to to, over all edges; what was seen is marked.
//
//go:norace
func (g *graph) reach(from, to *node) bool {
	g.marks++
	found := false
	g.fwd = append(g.fwd[:0], from)
	from.mark = g.marks
	for i := 0; i < len(g.fwd); i++ {
		for _, ed := range g.fwd[i].out {
			if n := ed.to; n.mark != g.marks {
				found = found || n == to
				n.mark = g.marks
				g.fwd = append(g.fwd, n)
			}
		}
	}
	clear(g.fwd)
	return found
}

// join makes one component of all that lies on a path from y to x, which an edge closes.
//
//go:norace
func (g *graph) join(x, y *node) {
	g.reach(y, x)
	seen := g.marks
	g.marks++
	g.comps++
	g.bwd = append(g.bwd[:0], x)
	x.comp, x.mark = g.comps, g.marks
	for i := 0; i < len(g.bwd); i++ {
		for _, ed := range g.bwd[i].in {
			if n := ed.from; n.mark == seen {
				n.comp, n.mark = g.comps, g.marks
				g.bwd = append(g.bwd, n)
			}
		}
	}
	clear(g.bwd)
}

// add records an occurrence of the edge (G3).
//
//go:norace
func (e *Engine) add(ed *edge, o *occ) {
	put := false
	kept := ed.occ[:0]
	for _, p := range ed.occ {
		switch {
		case p == o:
			if put {
				p.unref()
				continue
			}
			put = true
		case p.who != nil && p.who == o.who && ed.covers(o, p):
			p.unref()
			if put {
				continue
			}
			p, put = o, true
			o.ref()
		}
		kept = append(kept, p)
	}
	clear(ed.occ[len(kept):])
	ed.occ = kept
	if put {
		return
	}
	o.ref()
	if len(ed.occ) < maxOcc {
		ed.occ = append(ed.occ, o)
		return
	}
	victim, worth := 0, 4
	for i := range ed.occ {
		j := (int(ed.next) + i) % maxOcc
		if w := e.worth(ed, ed.occ[j], o); w < worth {
			victim, worth = j, w
		}
	}
	ed.next = uint8(victim + 1)
	ed.occ[victim].unref()
	ed.occ[victim] = o
}

// worth says how much is lost with an occurrence when another one takes its place.
//
//go:norace
func (e *Engine) worth(ed *edge, p, o *occ) int {
	switch {
	case p.who == nil:
		return 3 // declared
	case ed.covers(o, p) && e.before(p.who, p.last, o.who, o.last):
		return 0 // whatever p could meet, o can
	case p.who.thread == nil:
		return 1 // its thread has ended
	}
	return 2
}

// A label's refs count the occurrences in edges.
//
//go:norace
func (o *occ) ref() {
	if o.refs++; o.refs == 1 && o.who != nil {
		o.who.refs++
	}
}

//go:norace
func (o *occ) unref() {
	if o.refs--; o.refs == 0 && o.who != nil {
		o.who.refs--
	}
}

// from is the lock held, of an occurrence of this edge.
//
//go:norace
func (ed *edge) held(o *occ) ref {
	for _, r := range o.held {
		if r.id == ed.from.id || ed.from.id.Serial() == 0 && r.id.Class() == ed.from.id.Class() {
			return r
		}
	}
	return ref{}
}

// covers says whether o is as much of an order as p: its modes are no weaker, and it held
// nothing besides that p did not.
//
//go:norace
func (ed *edge) covers(o, p *occ) bool {
	if o.to.mode < p.to.mode || ed.held(o).mode < ed.held(p).mode {
		return false
	}
	for _, r := range o.held {
		if r.id == ed.from.id || ed.from.id.Serial() == 0 && r.id.Class() == ed.from.id.Class() {
			continue
		}
		if i := index(p.held, r.id); i < 0 || r.mode > p.held[i].mode {
			return false
		}
	}
	return true
}

//go:norace
func index(list []ref, id ID) int {
	for i := range list {
		if list[i].id == id {
			return i
		}
	}
	return -1
}

// sweep drops the locks that are gone.
//
//go:norace
func (e *Engine) sweep() {
	g := &e.inst
	for i := range g.nodes.slots {
		if s := &g.nodes.slots[i]; s.full && e.gone(s.v.weak) {
			s.v.dead = true
			g.dead = append(g.dead, s.v)
		}
	}
	g.drop()
	g.sweepAt = max(1024, 2*g.nodes.n)
	g.since = 0
	g.swept = e.collected()
}

// collected counts garbage collections, as far as they are noticed.
//
//go:norace
func (e *Engine) collected() uint32 {
	if e.env.Weak != nil && (e.canary.p == nil || e.gone(e.canary)) {
		e.canary = e.handleOf(unsafe.Pointer(new(Tag)))
		e.cycle++
	}
	return e.cycle
}

// due says whether it is time for a sweep: there are twice as many nodes as after the last one, or
// some more and a garbage collection since.
//
//go:norace
func (g *graph) due(e *Engine) bool {
	g.since++
	return g.nodes.n >= g.sweepAt || g.since&255 == 0 && g.since >= 1024+g.nodes.n/8 && e.collected() != g.swept
}

// drop removes dead nodes and their edges.
//
//go:norace
func (g *graph) drop() {
	for _, n := range g.dead {
		g.lose(n)
		g.nodes.del(idKey(n.id))
	}
	clear(g.dead)
	g.dead = g.dead[:0]
	g.nodes.pack()
	for i := range g.nodes.slots {
		if s := &g.nodes.slots[i]; s.full {
			n := s.v
			n.in, n.out = alive(n.in), alive(n.out)
			n.index = nil
		}
	}
}

// lose drops the edges of a node that is dead.
//
//go:norace
func (g *graph) lose(n *node) {
	for _, list := range [][]*edge{n.in, n.out} {
		for _, ed := range list {
			if ed.back {
				g.back--
				ed.back = false
			}
			ed.clear()
		}
	}
}

// clear drops the occurrences of an edge.
//
//go:norace
func (ed *edge) clear() {
	for _, o := range ed.occ {
		o.unref()
	}
	ed.occ = nil
}

//go:norace
func alive(list []*edge) []*edge {
	kept := list[:0]
	for _, ed := range list {
		if !ed.from.dead && !ed.to.dead {
			kept = append(kept, ed)
		}
	}
	clear(list[len(kept):])
	if cap(kept) > 4*len(kept)+8 {
		kept = copied(nil, kept)
	}
	return kept
}
