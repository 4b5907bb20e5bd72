// Orders that wait outside the graph. Nothing that leads to a lock can be part of a circle until something leads on from
// that lock; until then it is kept in the lock itself, and goes when the lock goes, with no trace in the graph.
package engine

import "unsafe"

// later is one occurrence of an order to a lock, of a list of at most maxLater that begins in the lock's tag. It refers to no
// lock, and all of it is guarded by the engine's lock.
type later struct {
	occ    occ
	weak   []handle  // of the locks held, in the order of occ.held
	space  [1]handle // of weak
	grip   *Tag      // of its thread's label
	next   *later
	resets uint32 // of the engine, when it was made
	closed bool   // of the first: there will be no more
	done   bool   // of the first: they are in the graph
}

const maxLater = 4

// inGraph is what a tag has instead of a list when all orders to its lock go to the graph.
var inGraph = &later{closed: true, done: true}

// waiting gives the list of a lock, without what is older than the last Reset.
//
//go:norace
func (e *Engine) waiting(g *Tag) *later {
	if l := g.later; l != nil && !l.done && l.resets != e.resets {
		g.later = nil
		if l.closed {
			g.later = inGraph
		}
	}
	return g.later
}

// postpone gives a place for a new occurrence of orders to a lock, or nil if it is to go to the graph.
//
//go:norace
func (e *Engine) postpone(t *Thread, g *Tag, held []ref) *later {
	first := e.waiting(g)
	if first == nil && e.env.Scans != nil && !e.env.Scans(g.pointer()) {
		g.later = inGraph
		return nil
	}
	n := 0
	end := &g.later
	for l := first; l != nil; l = l.next {
		n++
		end = &l.next
	}
	if n == maxLater || n > 0 && first.closed {
		e.toGraph(g)
		return nil
	}
	l := &later{resets: e.resets, grip: t.hold()}
	l.weak = l.space[:0]
	for _, r := range held {
		l.weak = append(l.weak, e.handleOf(t.tagOf(r.id).pointer()))
	}
	*end = l
	return l
}

// lacks says whether no occurrence of the list before o has that lock held.
//
//go:norace
func (l *later) lacks(id ID, o *occ) bool {
	for ; l != nil && &l.occ != o; l = l.next {
		if index(l.occ.held, id) >= 0 {
			return false
		}
	}
	return l != nil
}

// leads notes that something leads on from a lock that is held (G4).
//
//go:norace
func (e *Engine) leads(h *hold) {
	if h.tag != nil {
		e.toGraph(h.tag)
	} else if l := h.later; l != nil && l.resets == e.resets {
		e.promote(l, nil)
	}
}

// toGraph has all orders to a lock in the graph from now on.
//
//go:norace
func (e *Engine) toGraph(g *Tag) {
	l := e.waiting(g)
	g.later = inGraph
	if l != nil {
		e.promote(l, g)
	}
}

// promote puts a list into the graph.
//
//go:norace
func (e *Engine) promote(l *later, g *Tag) {
	if l.done {
		return
	}
	l.done = true
	for l != nil {
		for i, r := range l.occ.held {
			if e.gone(l.weak[i]) || e.isBlessed(r.id.Class(), l.occ.to.id.Class()) {
				continue
			}
			ed, _ := e.inst.edge(e.nodeOf(r.id, nil, l.weak[i]), e.nodeOf(l.occ.to.id, g, handle{}))
			e.add(ed, &l.occ)
			e.judge(&e.inst, ed, &l.occ)
		}
		l, l.next, l.grip = l.next, nil, nil
	}
}

// Unpin drops the pointers to the locks that t holds: the lock that a goroutine holds may be all that leads to the channel that it
// waits for. It is called while t waits, between two calls of Still.
//
//go:norace
func (t *Thread) Unpin() {
	for i := 0; i < t.n; i++ {
		h := &t.holds[i]
		if h.tag == nil {
			continue
		}
		if h.later = h.tag.later; h.later == nil {
			h.later, h.tag.later = inGraph, inGraph
		}
		if !h.later.closed {
			h.later.closed = true
		}
		h.tag = nil
	}
}

// Still keeps all threads out of the engine, or lets them in again.
//
//go:norace
func (e *Engine) Still(on bool) {
	if on {
		e.mu.lock()
	} else {
		e.mu.unlock()
	}
}

// hold gives an object that keeps the label of t from being idle: who has an occurrence that is in no edge has that.
//
//go:norace
func (t *Thread) hold() *Tag {
	if t.grip == nil {
		t.grip = new(Tag)
		l := t.lab()
		l.grip, l.e = t.e.handleOf(unsafe.Pointer(t.grip)), t.e
	}
	return t.grip
}
