// Making reports: each finding once, unless it turns out to be worse than was said.
package engine

// finding is what makes two reports the same.
type finding struct {
	kind ReportKind
	a, b Class
	hash uint64
}

//go:norace
func (f finding) key() key { return key{uint64(f.kind)<<56 | uint64(f.a)<<28 | uint64(f.b), f.hash} }

//go:norace
func (e *Engine) lockRef(r ref) LockRef {
	l := LockRef{ID: r.id, Class: r.id.Class(), Name: e.nameOf(r.id.Class()), Mode: r.mode, Site: r.site}
	if r.id.Serial() == 0 {
		l.ID = 0
	}
	return l
}

//go:norace
func (e *Engine) threadRef(t *Thread) ThreadRef {
	if t == nil {
		return ThreadRef{}
	}
	return e.nameThread(t.num, t.name)
}

//go:norace
func (e *Engine) nameThread(num uint32, name string) ThreadRef {
	if name == "" && e.env.ThreadName != nil {
		name = e.env.ThreadName(uint64(num))
	}
	return ThreadRef{uint64(num), name}
}

// known says whether there is nothing new in a finding of this severity.
//
//go:norace
func (e *Engine) known(f finding, sev Severity) bool {
	r := e.found.get(f.key())
	return r != nil && r.Severity >= sev || e.handed.has(f.key())
}

// report adds a report, or raises the one that there is.
//
//go:norace
func (e *Engine) report(f finding, r *Report) bool {
	if old := e.found.get(f.key()); old != nil {
		r.Seq, r.Raised = old.Seq, true
	}
	if e.env.Accept != nil && !e.env.Accept(r) {
		return false
	}
	r.key = f.key()
	if r.Raised {
		for i := range e.reports {
			if e.reports[i].Seq == r.Seq {
				e.reports[i] = r
			}
		}
	} else {
		e.seq++
		r.Seq = e.seq
		e.reports = append(e.reports, r)
	}
	e.found.put(f.key(), r)
	e.out = append(e.out, r)
	return true
}

// withdraw takes a report back that has been refuted, and never makes it again.
//
//go:norace
func (e *Engine) withdraw(r *Report) {
	if e.found.get(r.key) != r {
		return
	}
	e.found.del(r.key)
	e.handed.put(r.key, true)
	e.refuted = append(e.refuted, r)
	for i := range e.reports {
		if e.reports[i] == r {
			e.reports = copied(copied(nil, e.reports[:i]), e.reports[i+1:])
			break
		}
	}
}

// simple makes a report that is about what t does now.
//
//go:norace
func (t *Thread) simple(f finding, sev Severity, text string, locks ...ref) *Report {
	e := t.e
	if e.known(f, sev) {
		return nil
	}
	r := &Report{Kind: f.kind, Severity: sev, Text: text, Thread: e.threadRef(t)}
	site := uintptr(0)
	for _, l := range locks {
		site = l.site
		if l.id != 0 {
			r.Locks = append(r.Locks, e.lockRef(l))
		}
	}
	r.Stack = copied([]uintptr{}, t.stack(site))
	if !e.report(f, r) {
		return nil
	}
	return r
}

//go:norace
func (t *Thread) foundRecursion(have, to ref, sev Severity) {
	f := finding{Recursion, have.id.Class(), 0, uint64(have.mode)<<8 | uint64(to.mode) | uint64(to.site)<<16}
	text := "The thread waits for itself for ever."
	if sev == Possible {
		text = "If a writer comes in between, it waits for the first share and the second share waits for the writer, for ever."
	}
	r := t.simple(f, sev, text, have, to)
	t.suspected(r, to)
}

// suspected remembers to withdraw a report of a hang if the thread goes on.
//
//go:norace
func (t *Thread) suspected(r *Report, to ref) {
	if r != nil && r.Severity == Certain && (t.asking || t.waits) && t.e.classes[to.id.Class()].Flag&OwnerOnly == 0 {
		t.suspects = append(t.suspects, r)
		t.special.Or(suspect)
	}
}

//go:norace
func (t *Thread) foundUpgrade(have, to ref) {
	f := finding{Upgrade, have.id.Class(), 0, uint64(to.site)}
	r := t.simple(f, Certain, "The thread waits for its own share to be released, for ever.", have, to)
	t.suspected(r, to)
}

//go:norace
func (t *Thread) foundDuplicate(have, to ref) {
	f := finding{Duplicate, have.id.Class(), 0, 0}
	t.simple(f, Possible, "Nothing says in which order two locks of this class are taken; two threads that do it in opposite orders wait for each other for ever.", have, to)
}

//go:norace
func (t *Thread) foundNotHeld(g *Tag, r ref) {
	text := "The lock is released or changed by a thread that does not hold it so."
	if o := t.e.threads.get(idKey(ID(g.owner))); o != nil && o != t {
		text = "The lock is released by a thread that does not hold it; " + t.e.threadRef(o).String() + " does."
	}
	t.simple(finding{NotHeld, r.id.Class(), 0, uint64(r.site)}, Certain, text, r)
}

//go:norace
func (t *Thread) foundSleep(have, want ref) {
	if want.id == 0 {
		t.foundWait(Sleep, have, "a condition", want.site)
		return
	}
	f := finding{Sleep, have.id.Class(), want.id.Class(), 0}
	t.simple(f, Certain, "A thread that holds the first lock may not wait for the second, which may take for ever: others would wait as long.", have, want)
}

//go:norace
func (t *Thread) foundWait(k ReportKind, have ref, what string, site uintptr) {
	f := finding{k, have.id.Class(), 0, uint64(site)}
	sev, text := Certain, "The thread waits for "+what+", for as long as it takes, with a lock held that must not be held then."
	if k == Chan {
		sev, text = Possible, "The thread waits for "+what+" with a lock held; whoever has to wake it must not need that lock."
	}
	t.simple(f, sev, text, have)
}

//go:norace
func (t *Thread) foundCond(have, cond ref) {
	f := finding{CondHeld, have.id.Class(), cond.id.Class(), 0}
	t.simple(f, Possible, "The wait gives up its interlock only; whoever has to wake the thread must not need the other lock.", have, cond)
}

//go:norace
func (t *Thread) foundInterlock(cond, inter ref, text string) {
	f := finding{Interlock, cond.id.Class(), inter.id.Class(), uint64(inter.site)}
	t.simple(f, Certain, "The thread waits with the wrong lock: "+text+".", inter, cond)
}

//go:norace
func (t *Thread) foundLeak(r ref, who ThreadRef, text string, sev Severity, stack []uintptr) {
	t.e.leak(r, who, text, sev, stack)
}

//go:norace
func (e *Engine) leak(r ref, who ThreadRef, text string, sev Severity, stack []uintptr) {
	f := finding{Leak, r.id.Class(), 0, uint64(r.site)}
	if e.known(f, sev) {
		return
	}
	e.report(f, &Report{Kind: Leak, Severity: sev, Text: "The lock stays held: " + text + ".", Locks: []LockRef{e.lockRef(r)}, Thread: who, Stack: stack})
}

// foundCircle reports an order that contradicts others.
//
//go:norace
func (e *Engine) foundCircle(t *Thread, c candidate) {
	f, text := finding{Order, 0, 0, circleKey(c)}, circleText(len(c.steps))
	steps, closer, waiter := c.steps, 0, -1
	for i, s := range c.steps {
		if e.classes[s.o.to.id.Class()].Kind == Cond { // it comes first then
			steps = copied(copied(nil, c.steps[i:]), c.steps[:i])
			closer, waiter = (len(steps)-i)%len(steps), 0
			f = finding{CondHeld, s.ed.from.id.Class(), s.o.to.id.Class(), 0}
			text = "Whoever is to wake the thread that waits needs the lock which that one holds: then both wait for ever."
		}
	}
	if e.known(f, c.sev) {
		return
	}
	r := &Report{Kind: f.kind, Severity: c.sev, Text: text, Note: note(e.why(c))}
	for i, s := range steps {
		held := s.ed.held(s.o)
		st := Step{Holds: e.lockRef(held), Wants: e.lockRef(s.o.to), Stated: s.o.who == nil}
		if who := s.o.who; who != nil {
			st.Thread = e.nameThread(who.num, who.name)
			st.Stack = e.stacks.get(s.o.stack)
			if i == closer && t != nil && who == t.label && s.o.last == t.clock {
				st.Now = true
				if held.mode != 0 { // else it wakes, and took the lock before
					st.Stack = copied(nil, t.stack(s.o.to.site))
				}
				r.Thread, r.Stack = st.Thread, st.Stack
			}
			if i == waiter {
				st.Wants.Mode = 0
				r.Thread, r.Stack = st.Thread, st.Stack
			}
		}
		for _, h := range s.o.held {
			if h.id != held.id {
				st.Also = append(st.Also, e.lockRef(h))
			}
		}
		l := st.Holds
		if s.ed.from.id.Serial() == 0 {
			l.ID = 0 // any lock of the class
		}
		r.Locks = append(r.Locks, l)
		r.Cycle = append(r.Cycle, st)
	}
	if e.report(f, r) {
		for _, s := range c.steps {
			s.ed.wrong = true
			if ed := find(e.sort.nodes.get(idKey(s.ed.from.id.Class().node())), e.sort.nodes.get(idKey(s.ed.to.id.Class().node()))); ed != nil {
				ed.wrong = true
			}
		}
	}
}

// circleKey is the same for circles through the same classes, wherever they begin.
//
//go:norace
func circleKey(c candidate) uint64 {
	n := len(c.steps)
	at := func(i int) Class { return c.steps[i%n].ed.from.id.Class() }
	first := 0
	for i := 1; i < n; i++ {
		for j := 0; j < n; j++ {
			if a, b := at(i+j), at(first+j); a != b {
				if a < b {
					first = i
				}
				break
			}
		}
	}
	var h uint64
	for j := 0; j < n; j++ {
		h = mix(h, ID(at(first+j)), Exclusive)
	}
	return h
}

//go:norace
func circleText(n int) string {
	if n == 2 {
		return "Two threads that do this at the same time wait for each other for ever."
	}
	return string(appendInt(nil, n)) + " threads that do this at the same time wait for each other in a circle, for ever."
}

//go:norace
func note(why uint8) string {
	s := ""
	add := func(bit uint8, text string) {
		if why&bit != 0 {
			if s != "" {
				s += "; "
			}
			s += text
		}
	}
	add(byClass, "seen with different locks of these classes")
	add(oneThread, "in this run one thread did more than one of the steps")
	add(ordered, "in this run a goroutine start or a WaitGroup kept the steps apart")
	add(readers, "only if a writer waits between two readers")
	return s
}

// foundDeadlock reports a circle of waits, which has just been closed by the holder of the
// last link.
//
//go:norace
func (t *Thread) foundDeadlock(path []*link) {
	e := t.e
	f := finding{kind: Deadlock}
	r := &Report{Kind: Deadlock, Severity: Certain, Thread: e.threadRef(t), Text: "These threads wait for each other, now and for ever."}
	if len(path) == 1 {
		r.Text = "The thread waits for itself, now and for ever."
	}
	for i := range path {
		// Thread i holds a lock and waits for that of the next; the closing one comes first.
		l := path[(i+len(path)-1)%len(path)]
		st := Step{Thread: e.threadRef(l.t), Holds: e.lockRef(l.ref), Wants: e.lockRef(l.t.wait), Now: l.t == t}
		st.Stack = copied(nil, l.t.parked)
		if l.t == t {
			r.Stack = st.Stack
		}
		r.Locks = append(r.Locks, st.Holds)
		r.Cycle = append(r.Cycle, st)
		f.hash += mix(0, l.id&^(1<<serialBits-1), 1) // the same wherever it was closed
	}
	if e.known(f, Certain) || !e.report(f, r) {
		return
	}
	handed := true
	for _, l := range path {
		handed = handed && e.classes[l.id.Class()].Flag&OwnerOnly == 0
	}
	if handed {
		for _, l := range path {
			l.t.suspects = append(l.t.suspects, r)
			l.t.special.Or(suspect)
		}
	}
}
