package sim

// A session: what many runs share, and the watch over them by the wall clock. The
// runs are on a goroutine of their own, so that one in which a thread really blocks
// can be left behind and told about.

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	core "github.com/serializing-tokens/lwkt/internal/thread"
)

// Session is what many runs, one after the other, share: coroutines and memory, which
// make a run of some ten events cost about a microsecond. Do makes one.
type Session struct {
	m       Machine
	idle    []*proc     // with living coroutines, of no thread
	driver  *proc       // stands for the machine's goroutine
	closing bool        // coroutines that go on are to end
	runs    *Machine    // m, or one of New
	asked   atomic.Bool // by the watch, and no run has begun or ended since
	repeat  *repeat     // under way
	between section     // what of the program runs, if it is no thread
	guest   *proc       // on whose goroutine that is; nil: the machine's
}

// section is a part of a program under test.
type section uint8

const (
	inThreads section = iota
	inSetup           // of Repeat
	inFinally
)

// Do calls f with a Session on a goroutine of its own, and returns when f does. If a
// single run takes longer than ten seconds by the wall clock, because a thread, Finally or the
// setup of Repeat blocks outside the simulation or never comes to an operation, Do leaves f behind and
// returns a *RealBlockError. A panic of f is one of Do with the same value, and a Goexit one of Do.
func Do(f func(s *Session)) error { return DoWithin(10*time.Second, f) }

// DoWithin is Do with another limit on a single run.
func DoWithin(stall time.Duration, f func(s *Session)) error {
	s := &Session{driver: &proc{life: live}}
	done := make(chan struct{})
	var failure any
	returned := false
	go func() {
		defer close(done)
		simulating.Add(1)
		defer simulating.Add(-1)
		defer s.close()
		defer func() { failure = recover() }()
		s.driver.goid = goid()
		f(s)
		returned = true
	}()
	ticker := time.NewTicker(max(stall/8, time.Millisecond))
	defer ticker.Stop()
	since := time.Now()
	for {
		select {
		case <-done:
			switch {
			case failure != nil:
				panic(failure)
			case !returned:
				runtime.Goexit()
			}
			return nil
		case now := <-ticker.C:
			if !s.asked.Swap(true) || !s.running() {
				since = now
			} else if now.Sub(since) > stall {
				return s.stalled(now.Sub(since))
			}
		}
	}
}

// stalled describes what does not come back.
//
//go:norace
func (s *Session) stalled(after time.Duration) error {
	e := &RealBlockError{After: after, Thread: "(none)", Stack: "(unknown)"}
	p := s.guest
	if p == nil {
		p = s.driver
	}
	switch s.between {
	case inSetup:
		e.Thread, e.what = "", "the setup"
	case inFinally:
		e.Thread, e.what = "", "Finally"
	default:
		if p = s.runs.cur; p == nil {
			return e
		}
		e.Thread = p.name
	}
	e.Stack = theirs(stacks([]*proc{p})[0])
	return e
}

// New returns a machine for the next run of the session. The one before must be over,
// and is not to be used any more.
func (s *Session) New(o Options) *Machine {
	m := &s.m
	if m.phase != setup && m.phase != over {
		panic("sim: Session.New during a run")
	}
	if m.phase == setup { // it was never run
		give(s, m.procs)
	}
	m.s = s
	m.init(o)
	return m
}

func (s *Session) begin(m *Machine) {
	s.runs = m
	s.driver.m = m
	s.beats()
}

// beats tells the watch that a run begins or ends. It mostly only looks: a run is short.
func (s *Session) beats() {
	if s.asked.Load() {
		s.asked.Store(false)
	}
}

// running says whether a run is under way, if there was no beat for a while.
//
//go:norace
func (s *Session) running() bool {
	return s.between != inThreads || s.runs != nil && s.runs.phase != setup && s.runs.phase != over
}

// spare are the procs of sessions that are over, without coroutines. Their records
// are never given up, so that there are never more than ran at once.
var spare struct {
	sync.Mutex
	procs []*proc // (Mutex)
}

// take returns a proc that no thread uses.
func take(s *Session) *proc {
	if s != nil {
		if n := len(s.idle); n > 0 {
			p := s.idle[n-1]
			s.idle = s.idle[:n-1]
			return p
		}
	}
	spare.Lock()
	defer spare.Unlock()
	if n := len(spare.procs); n > 0 {
		p := spare.procs[n-1]
		spare.procs = spare.procs[:n-1]
		return p
	}
	p := new(proc)
	p.rec = core.NewHosted(p, p)
	return p
}

// give takes back the procs of a machine, the first one last, so that the next run
// uses them in the same order.
func give(s *Session, procs []*proc) {
	worn := false
	for i := len(procs) - 1; i >= 0; i-- {
		p := procs[i]
		if p.h != nil { // never run
			p.returned = false
			p.detach()
			p.h = nil
		}
		s.idle = append(s.idle, p)
		worn = worn || p.exits > maxExits
	}
	if worn {
		s.disband()
	}
}

// maxExits is how many threads a coroutine outlives that have ended their goroutine: each
// leaves a few frames on its stack.
const maxExits = 30

// disband ends the coroutines, which are all idle.
func (s *Session) disband() {
	s.closing = true
	for _, p := range s.idle {
		p.close()
	}
	s.closing = false
}

// close ends the session.
func (s *Session) close() {
	if s.m.phase == setup { // it was not run
		give(s, s.m.procs)
	}
	s.m.phase = over
	s.disband()
	spare.Lock()
	defer spare.Unlock()
	spare.procs = append(spare.procs, s.idle...)
	s.idle = nil
}

// RealBlockError tells of a thread that blocked outside the simulation, or of Finally or the setup.
type RealBlockError struct {
	Thread string        // its name, or "" if it was none
	After  time.Duration // how long the run has taken
	Stack  string        // what it is doing, without frames of this module if there are others

	what string // it was, if no thread
}

// Error tells all of it.
func (e *RealBlockError) Error() string {
	what := e.what
	if what == "" {
		what = fmt.Sprintf("thread %q", e.Thread)
	}
	return fmt.Sprintf("sim: %s is not back after %v: it blocks outside the simulation (a raw channel, a lock of another kind, I/O), or loops without an operation:\n%s", what, e.After.Round(time.Millisecond), e.Stack)
}
