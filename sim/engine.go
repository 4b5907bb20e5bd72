package sim

// The engine: who may go on, who does, and what happened. With inline (coro.go) a
// thread at a pause decides itself who is next, and if that is itself goes on without
// a switch; else the machine's goroutine decides between two threads.
//
// Layout: machine.go.
// Bits: none.
// Invariants:
//
//	E1 every event was enabled at the point at which it was chosen.
//	E2 a run is a function of the program and of what the chooser answered: nothing
//	   here looks at the clock, at addresses or at the order of a map.
//
// Transitions (phases of a run):
//
//	setup --start--> starting --each thread is at its first operation--> running
//	running --no event, or one too many, or a failure--> dying --all unwound--> over
//	with Options.Words by way of draining (words_points.go)
//
// Lock order: none.
// Blocking: loop runs threads, and returns when the run is over.
// Departures: none.

import (
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/token"
)

// start has each thread run up to its first operation, to begin with.
func (m *Machine) start() {
	m.phase, m.started, m.first = starting, 0, len(m.procs)
	if len(m.cpus) > 0 || m.first == 0 {
		m.phase = running
	}
}

// startNext makes the next thread run up to its first operation. The last one, from
// there on, is followed by whoever is chosen.
func (m *Machine) startNext() {
	p := m.procs[m.started]
	if m.started++; m.started == m.first {
		m.phase = running
	}
	m.cur, m.next = p, p
}

// over is called once when a thread has ended.
func (p *proc) over() {
	if p.h == nil {
		return
	}
	m := p.m
	if !m.postponed(p) {
		raceOver(p, p.detach)
		p.h = nil
	}
	if m.phase == running || m.phase == starting {
		if len(m.cpus) > 0 {
			m.left(p)
		}
	}
}

// advance completes the event under way and finds the next one that a thread performs.
func (m *Machine) advance() {
	m.next = nil
	if m.phase > running {
		m.next, m.last = m.last, nil
		return
	}
	m.deciding = true
	for m.choose() && !m.execute() {
	}
	m.deciding = false
}

// choose has the chooser pick the next event, and says whether there is one.
func (m *Machine) choose() bool {
	if m.recorder != nil && m.steps > 0 {
		m.recorder.Executed(m.event, m.footprint())
	}
	m.learned()
	if m.outcome != Done {
		return false
	}
	if m.phase == starting {
		m.startNext()
		return false
	}
	at := &m.point
	at.Enabled, at.Waiting = at.Enabled[:0], at.Waiting[:0]
	switch {
	case m.choosing > 0:
		m.choices(at)
	case len(m.cpus) > 0:
		m.dispatchable(at)
	default:
		m.free(at)
	}
	if m.outcome != Done { // time passed, and too much of it (MaxInversion)
		return false
	}
	if len(at.Enabled) == 0 && !m.idle(at) {
		m.stuck(at)
		return false
	}
	if m.steps >= m.o.Steps {
		m.fail(StepLimit, &LimitError{m.o.Steps})
		return false
	}
	at.Step, at.Last = m.steps, None
	if m.steps > 0 && m.cur != nil {
		at.Last = m.cur.index
	}
	i := m.chooser.Choose(at)
	if i < 0 {
		m.outcome = Abandoned
		return false
	}
	m.steps++
	m.event = at.Enabled[i]
	return true
}

// choices lists the answers to the first thread that asks for one.
func (m *Machine) choices(at *Point) {
	for _, p := range m.procs {
		if p.choices > 0 {
			for i := range p.choices {
				at.Enabled = append(at.Enabled, Event{Thread: p.index, Kind: Choice, Op: Op{Kind: Other, Obj: int32(i)}})
			}
			return
		}
	}
}

// free lists the events of free interleaving. It looks at mutexes that threads have
// made, which orders nothing (mutex.go).
//
//go:norace
func (m *Machine) free(at *Point) {
	enabled := at.Enabled
	for _, p := range m.procs {
		if p.life == ended {
			continue
		}
		if p.asked {
			m.announce(p)
		}
		if p.wait == nothing || p.wait == onMutex && p.mu.owner == nil || p.wait != onMutex && p.ready() {
			enabled = append(enabled, p.ev)
		} else {
			at.Waiting = append(at.Waiting, p.ev)
		}
	}
	at.Enabled = enabled
	if m.o.AnyTimeout {
		m.expiring(at)
	}
}

// announce makes the event of what p is about to do.
//
//go:norace
func (m *Machine) announce(p *proc) {
	p.asked = false
	obj, mode, change := int32(None), uint8(0), NoChange
	switch p.kind {
	case Lock, TryLock, Unlock:
		obj = p.mu.number(m)
	case Take, TryTake, Give, Destroy:
		obj, mode, change = m.names.other(p.lock), uint8(p.mode), p.change
	case Acquire, AcquireShared, Release, Merge:
		obj, mode = m.names.token(p.tok), uint8(p.mode)
	case Try, AcquireAll:
		mode = uint8(token.Exclusive)
		if p.tok != nil {
			obj, mode = m.names.token(p.tok), uint8(p.mode)
		} else {
			for i := len(p.wants) - 1; i >= 0; i-- {
				obj = m.names.token(p.wants[i].Tok)
			}
		}
	case Resume:
		if m.words() {
			obj = m.names.word(unsafe.Pointer(&p.permit))
			m.names.all[obj] = permit(p.name)
		} else if p.key != nil {
			obj = m.names.other(p.key)
		} else {
			obj = p.firstWant()
		}
	case LoadWord, StoreWord, UpdateWord, CompareWord, Spin, SpinOn, Unpark:
		obj = m.names.word(p.word)
		if p.kind == Unpark {
			m.names.all[obj] = permit(p.what)
		}
	case Sleep, Wakeup, Load, Store, Send, Recv, Close, Look, Alter:
		obj = m.names.other(p.key)
	}
	// It is copied next, which waits for what was just written; often it is what it was.
	if op := (Op{Kind: p.kind, Mode: mode, Change: change, Obj: obj, Site: p.site}); p.ev.Op != op {
		p.ev.Op = op
	}
}

// idle lets time pass when nobody can go on, and says whether that helps.
func (m *Machine) idle(at *Point) bool {
	if len(m.cpus) > 0 {
		if m.finished() {
			return false
		}
		if next := m.firstDue(); next > 0 {
			m.now = max(m.now, next)
			m.dispatchable(at)
			return len(at.Enabled) > 0
		}
	}
	if len(at.Waiting) == 0 && len(m.cpus) == 0 {
		return false // all have ended
	}
	m.expiring(at)
	return len(at.Enabled) > 0
}

// firstDue is when the next interrupt is due, or 0.
func (m *Machine) firstDue() (first int64) {
	for _, s := range m.sources {
		for _, t := range s.due {
			if first == 0 || t < first {
				first = t
			}
		}
	}
	return first
}

// expiring adds the timed waits that are the first to expire.
func (m *Machine) expiring(at *Point) {
	first := int64(0)
	for _, p := range m.procs {
		if p.life != ended && p.wait == onPermit && p.deadline != 0 && !p.ready() && (first == 0 || p.deadline < first) {
			first = p.deadline
		}
	}
	if first == 0 {
		return
	}
	for _, p := range m.procs {
		if p.life != ended && p.wait == onPermit && p.deadline == first && !p.ready() {
			e := p.ev
			e.Kind = Timer
			at.Enabled = append(at.Enabled, e)
		}
	}
}

// itself executes the event that was chosen if no thread performs it, and says whether it is one.
func (m *Machine) itself() bool {
	switch m.event.Kind {
	case Interrupt:
		s := m.sources[m.event.Thread]
		s.may--
		s.up++
	case Tick:
		m.cpus[m.event.Thread].running.slice = m.o.Quantum
	case Timer:
		p := m.procs[m.event.Thread]
		p.expired = true
		m.now = max(m.now, p.deadline)
	default:
		return false
	}
	m.foot.begin()
	return true
}

// execute begins the event that was chosen, and says whether a thread performs it.
func (m *Machine) execute() bool {
	if len(m.cpus) > 0 && m.itself() {
		return false
	}
	p := m.procs[m.event.Thread]
	if len(m.cpus) > 0 {
		p.stepped = true
		if !m.o.Timed {
			m.now += p.left
			p.cpu.since = m.now
		}
		p.left = 0
	}
	switch m.event.Kind {
	case Timer:
		p.expired = true
		m.now = max(m.now, p.deadline)
	case Choice:
		p.choices, p.choice = 0, int(m.event.Op.Obj)
		m.choosing--
	}
	if m.recorder != nil {
		m.foot.begin()
		if m.event.Kind != Choice {
			m.expect(p)
		}
	}
	p.wait = nothing
	m.cur, m.next = p, p
	return true
}

// stuck ends a run in which nobody can go on.
func (m *Machine) stuck(at *Point) {
	for _, p := range m.procs {
		if p.life != ended && !p.daemon {
			m.waiting = append(m.waiting, at.Waiting...)
			raceOpen(func() { m.fail(Deadlock, m.deadlock()) })
			return
		}
	}
}

// unwind ends the threads of a run that did not end by itself.
func (m *Machine) unwind() {
	if m.words() {
		m.drain()
	}
	m.phase = dying
	for _, p := range m.procs {
		if p.life == live {
			p.run()
		}
		if p.h != nil {
			p.over()
		}
	}
	give(m.s, m.procs)
}
