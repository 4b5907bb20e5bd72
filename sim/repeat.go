package sim

// Runs one after the other. Where all threads of a run have returned, the goroutine of the last one
// finishes it, prepares the next one and is the first thread of that: so the machine's goroutine is woken
// only at the end, or when a run has to be unwound, and two of some ten switches a run are saved.

import (
	"runtime"
	"slices"
)

// repeat is a Repeat under way.
type repeat struct {
	o      Options
	next   func(*Machine) Chooser
	done   func(*Machine, Result) bool
	broken bool // one of them panicked on the goroutine of a thread, or ended that
	value  any  // of the panic
}

// Repeat makes one run after the other: next gives the machine of each its threads and returns who
// chooses, or nil if there is to be no more; done is told how it ended, and says whether to go on. They are
// called one at a time, but on any goroutine of the session. If one of them panics or ends the goroutine, so does Repeat.
func (s *Session) Repeat(o Options, next func(m *Machine) Chooser, done func(m *Machine, r Result) bool) {
	t := &repeat{o: o, next: next, done: done}
	defer func() { s.between, s.guest = inThreads, nil }()
	for m, c := t.prepare(s); c != nil; m, c = t.prepare(s) {
		if !inline || m.words() {
			if !done(m, m.Run(c)) {
				return
			}
			continue
		}
		m.ready(c)
		s.repeat = t
		m.loop() // many runs, perhaps
		s.repeat = nil
		switch {
		case t.broken && t.value == nil:
			runtime.Goexit()
		case t.broken:
			panic(t.value)
		case m.phase == setup || m.phase == over || !done(m, m.finish()):
			return
		}
	}
}

// prepare makes the next machine.
func (t *repeat) prepare(s *Session) (*Machine, Chooser) {
	m := s.New(t.o)
	s.between = inSetup
	c := t.next(m)
	s.between = inThreads
	return m, c
}

// returned says whether all threads have returned, in a run of Repeat.
func (m *Machine) returned() bool {
	if m.s.repeat == nil || m.phase != running || m.outcome != Done || len(m.cpus) > 0 {
		return false
	}
	for _, p := range m.procs {
		if p.life != ended || p.exits > maxExits { // that would be disbanded
			return false
		}
	}
	return true
}

// again ends the run, in which p was the last thread, and begins the next one on its goroutine, if there is to be one.
func (m *Machine) again(p *proc) {
	s, t := m.s, m.s.repeat
	t.broken = true
	s.guest = p
	defer func() {
		s.guest = nil
		if t.broken {
			t.value = recover()
			if m.phase == setup {
				give(s, m.procs)
			}
			m.phase, m.next = over, nil
		}
	}()
	r := m.finish()
	i, last := slices.Index(s.idle, p), len(s.idle)-1 // p is to be the first thread of the next run
	s.idle[i], s.idle[last] = s.idle[last], p
	if t.done(m, r) {
		if m, c := t.prepare(s); c != nil {
			m.ready(c)
			m.advance()
		}
	}
	t.broken = false
}
