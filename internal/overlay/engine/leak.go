// Locks that stay held: at the end of a thread, of the program, or for much longer than the
// function that took them.
package engine

// orphan is a lock whose holder ended. Another thread may still release it.
type orphan struct {
	ref    ref
	thread ThreadRef
}

const maxOrphans = 1024

// Exit ends the thread. What it still holds is remembered: it is a leak unless another
// thread releases it, or at once if its class is OwnerOnly. The Thread is used again
// for another one; do not keep it.
//
//go:norace
func (t *Thread) Exit() {
	e := t.e
	t.enter()
	for i := 0; i < t.n; i++ {
		r := t.holds[i].ref()
		t.holds[i].tag = nil
		switch c := e.classes[r.id.Class()]; {
		case c.Flag&NoWitness != 0 || c.Kind == Group || c.Kind == Cond:
		case c.Flag&OwnerOnly != 0:
			t.foundLeak(r, e.threadRef(t), "it is held for ever, since only its holder can release it", Certain, copied(nil, t.stack(0)))
		case e.orphans.n < maxOrphans:
			e.orphans.put(idKey(r.id), orphan{r, e.threadRef(t)})
		}
	}
	for _, l := range t.links {
		e.remove(l)
	}
	if t.label != nil {
		t.label.thread = nil
	}
	num := t.num
	e.leave(t)
	e.mu.lock()
	e.threads.del(idKey(ID(num)))
	e.threads.pack()
	t.special.Store(0)
	t.bits.Store(0)
	t.n, t.label, t.origin, t.links, t.waits, t.name = 0, nil, Origin{}, t.links[:0], false, ""
	t.debts, t.lost, t.watches, t.suspects, t.grip = t.debts[:0], t.lost[:0], nil, nil, nil
	if len(e.pool) < 256 {
		e.pool = append(e.pool, t)
	}
	e.mu.unlock()
}

// Finish looks at what is held by threads that ended or wait and by t, the one that is about to
// end the program or the test, and reports what is leaked. t may be nil.
//
//go:norace
func (e *Engine) Finish(t *Thread) {
	if t != nil {
		t.enter()
		for i := 0; i < t.n; i++ {
			if h := &t.holds[i]; h.mode&told == 0 {
				t.overdue(h)
			}
		}
	} else {
		e.mu.lock()
	}
	for i := range e.orphans.slots {
		o := e.orphans.slots[i].v
		if !e.orphans.slots[i].full {
			continue
		}
		sev, text := Likely, "nobody released it after its holder ended"
		for j := range e.threads.slots {
			if s := &e.threads.slots[j]; s.full && s.v.waits && s.v.wait.id == o.ref.id {
				sev, text = Certain, "its holder has ended, and others wait for it"
			}
		}
		e.leak(o.ref, o.thread, text, sev, nil)
	}
	e.orphans.reset()
	e.leave(t)
}

// overdue reports a hold whose function is not on the stack of t, which runs, any more.
//
//go:norace
func (t *Thread) overdue(h *hold) {
	e := t.e
	c := e.classes[h.id.Class()]
	if c.Flag&NoWitness != 0 || !c.Kind.waits() {
		return
	}
	taker := e.function(h.site)
	if taker == "" {
		return
	}
	pcs := t.stack(0)
	for _, pc := range pcs {
		if e.function(pc) == taker {
			return
		}
	}
	h.mode |= told
	t.foundLeak(h.ref(), e.threadRef(t), "the function that took it has returned, and it is still held", Possible, copied(nil, pcs))
}

//go:norace
func (e *Engine) function(pc uintptr) string {
	if e.env.Func != nil {
		return e.env.Func(pc)
	}
	if pc == 0 {
		return ""
	}
	if f := Frames([]uintptr{pc}); len(f) > 0 {
		return f[0].Func
	}
	return ""
}
