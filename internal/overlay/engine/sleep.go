// Waits for something other than a lock, and misuse that the embedder sees by itself.
package engine

// CondWait says that t is about to wait on a condition variable with the interlock l,
// which the embedder releases and takes again by itself (Unlocked, then Want and Got). c is
// the condition variable, or nil.
//
//go:norace
func (t *Thread) CondWait(c, l *Tag, site uintptr) {
	if t.special.Load()&quiet != 0 {
		return
	}
	e := t.e
	t.enter()
	var inter, cond ref
	if c != nil {
		cond = ref{ID(c.id.Load()), site, 0}
	}
	if l != nil {
		inter = ref{ID(l.id.Load()), site, Exclusive}
		if t.find(inter.id, 0) < 0 && !e.late {
			t.foundInterlock(cond, inter, "the interlock is not held, so a wakeup can be missed")
		}
	}
	kept := t.depot[:0]
	for i := 0; i < t.n; i++ {
		r := t.holds[i].ref()
		k := e.classes[r.id.Class()]
		if r.id == inter.id || k.Flag&NoWitness != 0 || !k.Kind.orders() {
			continue
		}
		if !MaySleep(k.Kind, r.mode) {
			t.foundSleep(r, cond)
		} else {
			t.foundCond(r, cond)
			if index(kept, r.id) < 0 {
				kept = append(kept, r)
			}
		}
	}
	t.depot = kept
	if c != nil && len(kept) > 0 {
		cond.mode = Exclusive
		e.cands = e.cands[:0]
		for _, r := range kept {
			e.leads(&t.holds[t.find(r.id, 0)])
		}
		e.toGraph(c)
		o, _ := e.occurrence(t, c, kept, cond)
		for _, r := range kept {
			e.learn(e.nodeOf(r.id, t.tagOf(r.id), handle{}), e.nodeOf(cond.id, c, handle{}), o)
		}
		e.pick(t)
	}
	t.leave()
}

// CondSignal says that t is about to wake somebody who waits on c, with the interlock l or nil. Whatever else
// it holds it needed to come here: who waits for that with the same lock held waits for ever. In the graph of locks the Cond comes
// before what its wakers hold, and after what those hold who wait.
//
//go:norace
func (t *Thread) CondSignal(c, l *Tag, site uintptr) {
	n := t.n
	if n == 0 || t.special.Load()&quiet != 0 || l != nil && n == 1 && t.holds[0].id == ID(l.id.Load()) {
		return
	}
	cond := ref{ID(c.id.Load()), site, 0}
	x := mix(t.holds[n-1].chain, cond.id, 0)
	if k := x + t.seed; t.known[k&uint64(len(t.known)-1)] == k && t.epoch == t.e.epoch.Load() {
		return
	}
	e := t.e
	t.enter()
	t.refresh()
	e.cands = e.cands[:0]
	e.toGraph(c)
	for i := 0; i < t.n; i++ {
		r := t.holds[i].ref()
		k := e.classes[r.id.Class()]
		if l != nil && r.id == ID(l.id.Load()) || k.Flag&NoWitness != 0 || !k.Kind.orders() {
			continue
		}
		o := &occ{who: t.lab(), last: t.clock, held: []ref{cond}, to: r, stack: t.trace(r.site, site)}
		e.leads(&t.holds[i])
		e.learn(e.nodeOf(cond.id, c, handle{}), e.nodeOf(r.id, t.holds[i].tag, handle{}), o)
	}
	e.pick(t)
	if t.n > 0 {
		t.learned(mix(t.holds[t.n-1].chain, cond.id, 0))
	}
	t.leave()
}

// learn records an order of two locks, and collects the circles that it closes.
//
//go:norace
func (e *Engine) learn(x, y *node, o *occ) (made bool) {
	ed, made := e.inst.edge(x, y)
	e.add(ed, o)
	e.judge(&e.inst, ed, o)
	return made
}

// WrongInterlock reports that t waits on c with l, while others wait with another lock, as
// the embedder sees.
//
//go:norace
func (t *Thread) WrongInterlock(c, l *Tag, site uintptr) {
	t.enter()
	t.foundInterlock(ref{ID(c.id.Load()), site, 0}, ref{ID(l.id.Load()), site, Exclusive}, "others wait there with another lock, so a wakeup can be missed")
	t.leave()
}

// Sleep says that t is about to sleep for an unbounded time; but is the lock that this
// gives up, or nil. what names the wait.
//
//go:norace
func (t *Thread) Sleep(what string, but *Tag, site uintptr) {
	if t.n == 0 || t.special.Load()&quiet != 0 {
		return
	}
	t.enter()
	for i := 0; i < t.n; i++ {
		r := t.holds[i].ref()
		c := t.e.classes[r.id.Class()]
		if but != nil && r.id == ID(but.id.Load()) || c.Flag&NoWitness != 0 || MaySleep(c.Kind, r.mode) {
			continue
		}
		t.foundWait(Sleep, r, what, site)
	}
	t.leave()
}

// Chan says that t is about to wait on a channel.
//
//go:norace
func (t *Thread) Chan(what string, site uintptr) {
	if t.n == 0 || t.special.Load()&quiet != 0 {
		return
	}
	t.enter()
	for i := 0; i < t.n; i++ {
		r := t.holds[i].ref()
		c := t.e.classes[r.id.Class()]
		switch {
		case c.Flag&NoWitness != 0 || !c.Kind.orders():
		case !MaySleep(c.Kind, r.mode):
			t.foundWait(Sleep, r, what, site)
		case t.e.options.ChanHeld:
			t.foundWait(Chan, r, what, site)
		}
	}
	t.leave()
}

// Misuse reports that t releases a lock which nobody holds so, as the embedder can see
// from the lock's own state.
//
//go:norace
func (t *Thread) Misuse(g *Tag, m Mode, site uintptr) {
	t.enter()
	t.foundNotHeld(g, ref{ID(g.id.Load()), site, m})
	t.leave()
}
