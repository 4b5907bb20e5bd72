// Who waits for whom: circles of waits at the moment when they close.
package engine

// link says that a thread which waits holds a lock, or owes a Done to a group.
//
// Invariants:
//
//	W1 while a thread waits, each lock that it holds and each group that it owes has a link, but
//	   those that others released meanwhile
//	W2 only threads that wait have links, so a circle of waits is complete when its last thread
//	   comes in
//
// FreeBSD follows lock owners on demand (lockchain); here the circle is found as it closes.
type link struct {
	t          *Thread
	id         ID
	ref        ref
	prev, next *link
}

// Block says that t parks until it gets the lock (or the Group, or the Cond), and
// reports the circle of threads that this closes, if it does. Call Unblock when it
// runs again. A wait that may end without it, by a timeout, is not told.
//
//go:norace
func (t *Thread) Block(g *Tag, m Mode, site uintptr) {
	if t.special.Load()&quiet != 0 {
		return
	}
	e := t.e
	to := ref{ID(g.id.Load()), site, m}
	t.enter()
	t.wait, t.waits = to, true
	for i := 0; i < t.n; i++ {
		if h := &t.holds[i]; h.mode&recursed == 0 {
			t.linkTo(h.ref())
		}
	}
	for _, d := range t.debts {
		t.linkTo(ref{id: d.id, mode: Exclusive})
	}
	if len(t.links) > 0 {
		t.parked = copied(t.parked[:0], t.stack(site))
		e.searches++
		t.mark = e.searches
		if path := e.circle(t, to, nil); path != nil {
			t.foundDeadlock(path)
		}
	}
	t.leave()
}

// linkTo enters a lock into the table (W1).
//
//go:norace
func (t *Thread) linkTo(r ref) {
	n := len(t.links)
	var l *link
	if n < cap(t.links) {
		t.links = t.links[:n+1]
		l = t.links[n]
	} else {
		t.links = append(t.links, nil)
	}
	if l == nil {
		l = new(link)
		t.links[n] = l
	}
	*l = link{t: t, id: r.id, ref: r, next: t.e.holders.get(idKey(r.id))}
	if l.next != nil {
		l.next.prev = l
	}
	t.e.holders.put(idKey(r.id), l)
}

//go:norace
func (e *Engine) remove(l *link) {
	if l.t == nil {
		return
	}
	if l.next != nil {
		l.next.prev = l.prev
	}
	switch {
	case l.prev != nil:
		l.prev.next = l.next
	case l.next != nil:
		e.holders.put(idKey(l.id), l.next)
	default:
		e.holders.del(idKey(l.id))
	}
	*l = link{}
}

// unlink removes one lock that another thread released (W1).
//
//go:norace
func (t *Thread) unlink(id ID) {
	for _, l := range t.links {
		if l.id == id {
			t.e.remove(l)
		}
	}
}

// Unblock says that t runs again.
//
//go:norace
func (t *Thread) Unblock() {
	if t.special.Load()&quiet != 0 {
		return
	}
	t.enter()
	for _, l := range t.links {
		t.e.remove(l)
	}
	t.links = t.links[:0]
	t.waits = false
	t.refute()
	t.leave()
}

// circle looks for the circle of waits through t, which wants to. A reader that really waits
// does so for a writer, who waits for the readers, so all holders count.
//
//go:norace
func (e *Engine) circle(t *Thread, to ref, path []*link) []*link {
	readers := to.mode == Shared && e.classes[to.id.Class()].Flag&RecursiveRead != 0
	for l := e.holders.get(idKey(to.id)); l != nil; l = l.next {
		if readers && l.ref.mode == Shared {
			continue
		}
		if l.t == t {
			return append(path, l)
		}
		if l.t.mark == e.searches {
			continue
		}
		l.t.mark = e.searches
		if p := e.circle(t, l.t.wait, append(path, l)); p != nil {
			return p
		}
	}
	return nil
}

// refute withdraws what was said about this thread hanging, since it goes on: another thread
// released a lock for it.
//
//go:norace
func (t *Thread) refute() {
	if len(t.suspects) == 0 {
		return
	}
	for _, r := range t.suspects {
		t.e.withdraw(r)
	}
	clear(t.suspects)
	t.suspects = t.suspects[:0]
	t.special.And(^suspect)
}

// Blocked calls f for each thread that waits (between Block and Unblock) with what it
// waits for, what it holds and its stack if it holds anything, under the engine's lock.
//
//go:norace
func (e *Engine) Blocked(f func(t ThreadRef, wants LockRef, holds []LockRef, stack []uintptr)) {
	e.mu.lock()
	defer e.mu.unlock()
	for i := range e.threads.slots {
		t := e.threads.slots[i].v
		if !e.threads.slots[i].full || !t.waits {
			continue
		}
		var holds []LockRef
		for _, l := range t.links {
			if l.t != nil && e.classes[l.id.Class()].Kind != Group {
				holds = append(holds, e.lockRef(l.ref))
			}
		}
		f(e.threadRef(t), e.lockRef(t.wait), holds, copied(nil, t.parked))
	}
}
