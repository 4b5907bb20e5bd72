// The slow half of taking a lock: what a thread has not done before is looked at, recorded,
// and checked, in one section.
package engine

// check looks at an acquisition that is about to happen, or just did.
//
//go:norace
func (t *Thread) check(g *Tag, m Mode, site uintptr) {
	id := ID(g.id.Load())
	heard := t.use(id)
	if !heard && t.special.Load()&losing == 0 {
		if t.n == 0 {
			return
		}
		k := mix(t.holds[t.n-1].chain, id, m) + t.seed
		if t.known[k&uint64(len(t.known)-1)] == k && t.epoch == t.e.epoch.Load() {
			return
		}
	}
	t.enter()
	if heard {
		t.wake(id)
	}
	t.refresh()
	if t.n > 0 && (t.e.classes[id.Class()].Flag&NoWitness != 0 || t.order(g, ref{id, site, m})) {
		t.learned(mix(t.holds[t.n-1].chain, id, m))
	}
	t.leave()
}

// refresh notices a new generation, and that time has passed.
//
//go:norace
func (t *Thread) refresh() {
	epoch := t.e.epoch.Load()
	if epoch == t.epoch {
		return
	}
	was := t.epoch
	t.epoch = epoch
	if epoch>>32 != was>>32 {
		t.reseed()
	}
	if limit := t.e.options.LongTicks; limit != 0 {
		for i := 0; i < t.n; i++ {
			if h := &t.holds[i]; h.mode&told == 0 && uint32(epoch)-h.tick >= limit {
				t.overdue(h)
			}
		}
	}
}

// order is the whole check of one acquisition with something held. It says whether it may
// be taken for known; a recursion may not, since the holds above the first are marked.
//
//go:norace
func (t *Thread) order(g *Tag, to ref) bool {
	e := t.e
	want := e.classes[to.id.Class()]
	if i := t.find(to.id, 0); i >= 0 {
		t.again(i, to, want)
		return false
	}
	held := t.depot[:0]
	sameClass := false
	for i := 0; i < t.n; i++ {
		r := t.holds[i].ref()
		have := e.classes[r.id.Class()]
		if have.Flag&NoWitness != 0 {
			continue
		}
		if !MayTake(have.Kind, r.mode, want.Kind) {
			t.foundSleep(r, to)
		}
		if !have.Kind.orders() || !want.Kind.orders() {
			continue
		}
		if r.id.Class() == to.id.Class() {
			sameClass = true
			if e.options.Duplicates && want.Flag&DupOK == 0 {
				t.foundDuplicate(r, to)
			}
		}
		if j := index(held, r.id); j >= 0 {
			held[j].mode = max(held[j].mode, r.mode)
			continue
		}
		held = append(held, r)
	}
	t.depot = held
	if len(held) == 0 {
		return true
	}
	e.cands = e.cands[:0]
	for _, r := range held {
		e.leads(&t.holds[t.find(r.id, 0)])
	}
	o, first := e.occurrence(t, g, held, to)
	fresh := o.refs == 0
	var y *node
	if first == nil {
		y = e.nodeOf(to.id, g, handle{})
	}
	for _, r := range held {
		a, b := r.id.Class(), to.id.Class()
		if e.isBlessed(a, b) {
			continue
		}
		n := len(e.cands)
		made := fresh && first.lacks(r.id, o)
		if first == nil {
			made = e.learn(e.nodeOf(r.id, t.tagOf(r.id), handle{}), y, o)
		}
		if a == b || sameClass {
			continue // Ordered by instance only: parents and children.
		}
		ed, _ := e.sort.edge(e.classNode(a), e.classNode(b))
		if made {
			ed.count++
		}
		e.add(ed, o)
		if len(e.cands) == n {
			e.judge(&e.sort, ed, o)
		}
	}
	e.pick(t)
	return true
}

// tagOf finds where a lock that is held lies.
//
//go:norace
func (t *Thread) tagOf(id ID) *Tag {
	if i := t.find(id, 0); i >= 0 {
		return t.holds[i].tag
	}
	return nil
}

// occurrence gives the occurrence of this acquisition by this thread, and makes it; also the list that it waits in, unless
// it is one of the graph.
//
//go:norace
func (e *Engine) occurrence(t *Thread, g *Tag, held []ref, to ref) (*occ, *later) {
	if t.label != nil {
		if first := e.waiting(g); first != nil && !first.done {
			for l := first; l != nil && !first.closed; l = l.next {
				if l.occ.is(t, held, to) {
					return &l.occ, first
				}
			}
		} else if ed := find(e.inst.nodes.get(idKey(held[0].id)), e.inst.nodes.get(idKey(to.id))); ed != nil {
			for _, o := range ed.occ {
				if o.is(t, held, to) {
					return o, nil
				}
			}
		}
	}
	o := occ{who: t.lab(), last: t.clock, held: copied(nil, held), to: to, stack: t.trace(held[len(held)-1].site, to.site)}
	if l := e.postpone(t, g, held); l != nil {
		l.occ = o
		return &l.occ, g.later
	}
	return &o, nil
}

// is says whether t does that again, and if so notes when.
//
//go:norace
func (o *occ) is(t *Thread, held []ref, to ref) bool {
	if o.who != t.label || o.to.mode != to.mode || len(o.held) != len(held) {
		return false
	}
	for i, r := range o.held {
		if r.id != held[i].id || r.mode != held[i].mode {
			return false
		}
	}
	o.last = t.clock
	return true
}

// isBlessed says whether locks of these classes may be taken in either order.
//
//go:norace
func (e *Engine) isBlessed(a, b Class) bool {
	return e.blessed.has(key{uint64(a), uint64(b)}) || e.blessed.has(key{uint64(b), uint64(a)})
}

// maxStacks is how many stacks are kept that differ in more than two places.
const maxStacks = 4096

// trace keeps the stack of the running thread, each once, and gives its key. If there are very many, as of a
// recursion, one stack is kept for each pair of places where a lock was taken.
//
//go:norace
func (t *Thread) trace(held, site uintptr) key {
	e, pcs := t.e, t.stack(site)
	k := key{0x9ae16a3b2f90404f, uint64(len(pcs))}
	for _, pc := range pcs {
		k[0] = (k[0] ^ uint64(pc)) * 0x9e3779b97f4a7c15
		k[0] ^= k[0] >> 29
		k[1] = k[1]*0x100000001b3 + uint64(pc)
	}
	if e.stacks.n >= maxStacks && !e.stacks.has(k) {
		k = key{uint64(held), uint64(site)}
	}
	if !e.stacks.has(k) {
		e.stacks.put(k, copied([]uintptr{}, pcs))
	}
	return k
}

// stack asks for the stack of the thread, which runs, from the place that is known by its return address on, which
// leaves out the engine and whoever embeds it. It is good until the next call.
//
//go:norace
func (t *Thread) stack(site uintptr) []uintptr {
	if t.pcs == nil {
		t.pcs = make([]uintptr, 64)
	}
	Show()
	pcs := t.pcs[:t.e.env.Stack(2, t.pcs)]
	Hide()
	for i, pc := range pcs {
		if pc == site {
			return pcs[i:]
		}
	}
	return pcs
}

// again looks at a lock that is taken while the same thread has it already.
//
//go:norace
func (t *Thread) again(i int, to ref, want class) {
	if !want.Kind.waits() {
		return
	}
	have := t.holds[i].ref()
	for j := 0; j < i; j++ {
		if h := &t.holds[j]; h.id == to.id {
			have.mode = max(have.mode, h.mode&modeMask)
		}
	}
	recursive := want.Flag&Recursive != 0
	switch {
	case have.mode == Exclusive && !recursive:
		t.foundRecursion(have, to, Certain)
	case have.mode == Shared && to.mode == Shared && !recursive && want.Flag&RecursiveRead == 0:
		t.foundRecursion(have, to, Possible)
	case have.mode == Shared && to.mode == Exclusive && want.Flag&Upgradable == 0:
		t.foundUpgrade(have, to)
	}
}

// unlockedSlow releases what is not the newest hold, or is not held by this thread.
//
//go:norace
func (t *Thread) unlockedSlow(g *Tag, m Mode, site uintptr) {
	if t.special.Load()&quiet != 0 {
		return
	}
	id := ID(g.id.Load())
	if t.special.Load()&losing != 0 {
		t.enter()
		t.leave()
	}
	if i := t.find(id, m); i >= 0 {
		t.drop(i)
		if m == Exclusive && t.find(id, Exclusive) < 0 {
			g.owner = 0
		}
		return
	}
	t.enter()
	t.handOver(g, ref{id, site, m})
	t.leave()
}

// handOver follows a lock that another thread took.
//
//go:norace
func (t *Thread) handOver(g *Tag, r ref) {
	e := t.e
	c := e.classes[r.id.Class()]
	if c.Flag&NoWitness != 0 {
		return
	}
	if c.Flag&OwnerOnly != 0 {
		if t.find(r.id, 0) >= 0 || g.owner != 0 && r.mode == Exclusive || !e.late {
			t.foundNotHeld(g, r)
		}
		return
	}
	if r.mode == Shared {
		if e.orphans.get(idKey(r.id)).ref.mode == Shared {
			e.orphans.del(idKey(r.id))
		} else if e.loose.n < 4096 {
			e.loose.put(idKey(r.id), e.loose.get(idKey(r.id))+1)
		}
		return
	}
	owner := e.threads.get(idKey(ID(g.owner)))
	g.owner = 0
	e.orphans.del(idKey(r.id))
	if owner == nil || owner == t {
		return
	}
	owner.lost = append(owner.lost, r.id)
	owner.special.Or(losing)
	owner.unlink(r.id)
}

//go:norace
func (e *Engine) unloose(id ID) {
	if n := e.loose.get(idKey(id)) - 1; n > 0 {
		e.loose.put(idKey(id), n)
	} else {
		e.loose.del(idKey(id))
	}
}

// Upgraded says that t, which had a share of the lock, has it exclusively now.
//
//go:norace
func (t *Thread) Upgraded(g *Tag, site uintptr) { t.change(g, Shared, Exclusive, site) }

// Downgraded says that t, which had the lock exclusively, keeps a share of it.
//
//go:norace
func (t *Thread) Downgraded(g *Tag, site uintptr) { t.change(g, Exclusive, Shared, site) }

//go:norace
func (t *Thread) change(g *Tag, from, to Mode, site uintptr) {
	if t.special.Load()&quiet != 0 {
		return
	}
	id := ID(g.id.Load())
	t.enter()
	if i := t.find(id, from); i >= 0 {
		t.holds[i].mode = t.holds[i].mode&^modeMask | to
		t.holds[i].site = site
		t.rehash(i)
		if to == Exclusive {
			g.owner = t.num
		} else if t.find(id, Exclusive) < 0 {
			g.owner = 0
		}
	} else if !t.e.late {
		t.foundNotHeld(g, ref{id, site, from})
	}
	t.leave()
}
