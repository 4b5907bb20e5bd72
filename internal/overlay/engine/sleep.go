// Waits for something other than a lock, and misuse that the embedder sees by itself.
package engine

// CondWait says that t is about to wait on a condition variable with the interlock l,
// which the embedder releases and takes again by itself (Unlocked, then Want and Got). c is
// the condition variable, or nil.
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
	for i := 0; i < t.n; i++ {
		r := t.holds[i].ref()
		k := e.classes[r.id.Class()]
		if r.id == inter.id || k.Flag&NoWitness != 0 || !k.Kind.orders() {
			continue
		}
		if !MaySleep(k.Kind, r.mode) {
			t.foundSleep(r, cond)
		} else {
			t.foundCond(r, inter, cond)
		}
	}
	t.leave()
}

// WrongInterlock reports that t waits on c with l, while others wait with another lock, as
// the embedder sees.
func (t *Thread) WrongInterlock(c, l *Tag, site uintptr) {
	t.enter()
	t.foundInterlock(ref{ID(c.id.Load()), site, 0}, ref{ID(l.id.Load()), site, Exclusive}, "others wait there with another lock, so a wakeup can be missed")
	t.leave()
}

// Sleep says that t is about to sleep for an unbounded time; but is the lock that this
// gives up, or nil. what names the wait.
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
func (t *Thread) Misuse(g *Tag, m Mode, site uintptr) {
	t.enter()
	t.foundNotHeld(g, ref{ID(g.id.Load()), site, m})
	t.leave()
}
