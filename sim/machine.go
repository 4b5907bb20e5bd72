package sim

// A machine: the options, the program under test, and what that can ask of it.

import (
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/hw"
	core "github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// Options say what is simulated.
type Options struct {
	// CPUs is 0 for free interleaving, in which every thread that can go on may be
	// the next; with n > 0, only those that are dispatched on one of n processors.
	CPUs int
	// Steps is the largest number of events of one run; 0 stands for 10,000.
	Steps int
	// Trace records the call site of each operation, and the stacks of all threads
	// when a run ends in a deadlock. A run without a Session always does the latter.
	Trace bool
	// Attempts has a thread that must wait for a token file its claim and park, as it
	// does on goroutines, also if it holds none. Else such a thread is kept at its
	// operation until that would succeed: far fewer schedules, and no less to be seen
	// of anything but waiters and fairness. With CPUs it is always so.
	Attempts bool
	// Words makes each operation on a word of the lock code a point, and so explores that
	// code instead of taking each of its operations for one step. It needs a build with
	// the tag lwkt_words and CPUs to be 0. Runs of this kind wait for each other; locks that
	// goroutines use at the same time are not to be the same.
	Words bool
	// AnyTimeout lets a timed wait expire as soon as no other one is due earlier, and
	// not only when nothing else can go on.
	AnyTimeout bool
	// Stall is how long a run without a Session may take by the wall clock; 0 stands
	// for ten seconds.
	Stall time.Duration
	// Timed has operations take virtual time on their CPUs, and happen in its order.
	// Else any CPU may be the next to go on. With CPUs.
	Timed bool
	// Quantum is the length of a time slice in clock ticks; 0 stands for 4. With CPUs.
	Quantum int
	// Slicing is what the end of a time slice does to a holder of tokens. With CPUs.
	Slicing Slicing
	// MaxInversion is for how long a thread may be kept from running by threads of lower priority;
	// then the run ends with Inversion. 0 stands for ever. With CPUs and Timed.
	//
	// What counts is time in which the thread could run and does not, or waits for a lock or tokens, while a thread
	// whose own priority is lower, whatever it is lent, runs on its CPU; or, if it waits for what another thread has, on the
	// CPU of that one, or of the one which that waits for, and so on. So a section of a thread of lower priority counts too: a lock
	// that lends keeps the time to the length of it. Where nobody has it exclusively, as readers do not, it is the CPU of the thread
	// that waits. Time in which a thread, or who has what it waits for, sleeps, or waits for a condition or a
	// channel, does not count, nor does spinning. The time is added up until the thread runs again.
	MaxInversion time.Duration
	// States, with Words, is to recognize the states of runs.
	States *States
	// Cost is how long an operation takes in virtual time; 0 stands for a microsecond.
	Cost time.Duration
	// Tick is the time between two ticks of a CPU's clock; 0 stands for 100 times Cost.
	Tick time.Duration
}

// HasWords says whether this is a build with the tag lwkt_words.
const HasWords = hw.Explored

// Machine is one run of one program: made by New, given threads, run once.
//
// All its methods but Go, Finally and Run are for the program under test.
type Machine struct {
	o       Options
	s       *Session // nil: Run makes one
	run     uint32   // tells the runs of a reused machine apart
	procs   []*proc
	finally []func()

	phase   phase
	outcome Outcome
	err     error

	chooser  Chooser
	recorder Recorder // chooser, if it is one
	point    Point
	event    Event // the one that is being executed
	deciding bool  // no thread runs code of its own, except a condition
	steps    int
	started  int   // threads that have run, of the first ones
	first    int   // how many there were when the run began
	cur      *proc // who runs or ran last
	next     *proc // who is to run; nil: the machine's goroutine
	last     *proc // who is to run when the run is given up
	now      int64 // virtual time in nanoseconds
	choosing int   // threads that wait for the answer to a Choose
	sources  []*Source

	birth struct { // of the thread that admit is to make
		name string
		f    func(td *lwkt.Thread)
		opts []ThreadOption

		wrong string // with one of them
	}

	shared []any // the variables of the program

	fresh   []lwkt.Thread // to be used in turn
	nfresh  int
	names   objects
	stash   map[uintptr][]reflect.Value // by channel: received to see whether it is closed
	waiting []Event                     // of a deadlock, for Waiting

	cpus  []*CPU
	chans edge // every operation on Go channels before every later one
	begun edge // setup happens before threads
	ended edge // threads happen before Finally

	foot footprint // last, because it is large
}

type phase uint8

const (
	setup    phase = iota // before Run
	starting              // each thread is run up to its first operation
	running
	draining // with Words: each thread is run up to where it can be unwound
	dying    // threads are being unwound
	over
)

// New returns a machine for a single run.
func New(o Options) *Machine {
	m := new(Machine)
	m.init(o)
	return m
}

func (m *Machine) init(o Options) {
	if o.Steps == 0 {
		o.Steps = 10_000
	}
	if o.Stall == 0 {
		o.Stall = 10 * time.Second
	}
	if o.Cost == 0 {
		o.Cost = time.Microsecond
	}
	if o.Tick == 0 {
		o.Tick = 100 * o.Cost
	}
	if o.Quantum == 0 {
		o.Quantum = 4
	}
	if o.Words && (!hw.Explored || o.CPUs > 0) {
		panic("sim: Options.Words needs a build with -tags lwkt_words, and no CPUs")
	}
	if o.States != nil && (!HasStates || !o.Words) {
		panic("sim: Options.States needs Words, and a build with -tags lwkt_words, without -race, for amd64 or arm64, whose frame pointers are known")
	}
	if o.MaxInversion > 0 && (o.CPUs == 0 || !o.Timed) {
		panic("sim: Options.MaxInversion needs CPUs and Timed: without them there is no time in which one thread keeps another from running")
	}
	m.o = o
	m.run++
	clear(m.procs)
	clear(m.finally)
	m.procs, m.finally = m.procs[:0], m.finally[:0]
	m.phase, m.outcome, m.err = setup, Done, nil
	m.steps, m.cur, m.next, m.now, m.choosing = 0, nil, nil, 1, 0
	m.event, m.deciding = Event{}, false
	m.sources, m.stash = nil, nil
	m.waiting = m.waiting[:0]
	m.shared = nil
	m.names.reset()
	m.foot.begin()
	m.cpus = nil
	for i := range o.CPUs {
		m.cpus = append(m.cpus, &CPU{m: m, index: i})
	}
}

// ThreadOption says something about a thread to Machine.Go.
type ThreadOption func(*proc)

// Priority is between 0 and 31; 31 is best, 16 the default. Machine.Go panics if it is not.
func Priority(p int) ThreadOption {
	return func(t *proc) {
		if p < core.MinPriority || p > core.MaxPriority {
			t.m.birth.wrong = fmt.Sprintf("Priority(%d) of thread %q is out of range 0..31", p, t.name)
			return
		}
		t.prio = p
	}
}

// Go adds a thread. Threads that are added before Run are run up to their first
// operation before there is any choice; one that is added by a running thread
// starts when it is chosen. It must not be called from anywhere else, and panics if f is nil or an option
// out of range.
//
//go:norace
func (m *Machine) Go(name string, f func(td *lwkt.Thread), opts ...ThreadOption) {
	switch {
	case m.phase >= dying:
		panic("sim: Machine.Go outside of setup and threads")
	case f == nil:
		panic(fmt.Sprintf("sim: Machine.Go: there is no function for thread %q to call", name))
	}
	if m.phase != setup {
		m.begun.release()
	}
	m.birth.name, m.birth.f, m.birth.opts = name, f, opts
	m.onDriver(m.admit) // not a literal, which would be watched by the race detector
	if wrong := m.birth.wrong; wrong != "" {
		m.birth.wrong = ""
		panic("sim: " + wrong)
	}
}

// admit makes the thread that Go was asked for.
//
//go:norace
func (m *Machine) admit() {
	p := take(m.s)
	p.m, p.index, p.name, p.f = m, len(m.procs), m.birth.name, m.birth.f
	p.prio = core.DefaultPriority
	p.begin()
	for _, o := range m.birth.opts {
		o(p)
	}
	m.birth.f, m.birth.opts = nil, nil
	p.attach()
	m.procs = append(m.procs, p)
	m.placed(p)
}

// newThread returns a Thread that was not used by the last threads, so that one which
// outlived its run is found out.
func (m *Machine) newThread() *lwkt.Thread {
	if len(m.fresh) == 0 {
		m.fresh = make([]lwkt.Thread, min(256, 2*len(m.procs)+4))
	}
	if m.nfresh++; m.nfresh >= len(m.fresh) {
		m.nfresh = 0
		if len(m.fresh) < 256 || len(m.procs) > 100 {
			m.fresh = make([]lwkt.Thread, 256)
		}
	}
	td := &m.fresh[m.nfresh]
	*td = lwkt.Thread{}
	return td
}

// Finally has f called after all threads have ended, if nothing went wrong.
func (m *Machine) Finally(f func()) { m.finally = append(m.finally, f) }

// Assert ends the run as AssertFailed if ok is false. In setup it panics with the *AssertError, and a run that
// begins all the same ends before its first event.
//
//go:norace
func (m *Machine) Assert(ok bool, format string, args ...any) {
	if ok {
		return
	}
	err := &AssertError{Text: fmt.Sprintf(format, args...), Stack: debug.Stack()}
	if p := m.cur; p != nil && m.phase != over && m.phase != setup {
		err.Thread = p.name
	}
	switch m.phase {
	case setup:
		m.fail(AssertFailed, err) // of a run that begins all the same
		panic(err)
	case over: // in Finally
		panic(err)
	}
	m.fail(AssertFailed, err)
	runtime.Goexit()
}

// Now is the virtual time since the start of the run.
//
//go:norace
func (m *Machine) Now() time.Duration { return time.Duration(m.now - 1) }

// Steps is the number of events executed so far. Schedules of one trace differ in it, so the
// program must not depend on it.
//
//go:norace
func (m *Machine) Steps() int { return m.steps }

// Waiting returns, after Run, the operations of the threads that waited for ever.
func (m *Machine) Waiting() []Event { return m.waiting }

// ThreadName is the name given to Go.
func (m *Machine) ThreadName(index int) string { return m.procs[index].name }

// Threads is the number of threads.
func (m *Machine) Threads() int { return len(m.procs) }

// ObjectName describes the object with a number of this run.
func (m *Machine) ObjectName(obj int32) string { return m.names.describe(obj) }

// Returned says, after Run, whether a thread came to its end by itself.
func (m *Machine) Returned(thread int) bool { return m.procs[thread].returned }

// EachLock calls f for the locks of package lwkt, not tokens, that a thread has between two
// events, once for each acquisition. A thread that has ended has none, and neither has one of Options.Words.
//
//go:norace
func (m *Machine) EachLock(thread int, f func(obj int32, shared bool)) {
	if p := m.procs[thread]; p.life == live {
		p.rec.EachLock(func(obj *core.Object, _ core.Class, mode token.Mode) {
			if n := m.names.lock(obj); n != None {
				f(n, mode == token.Shared)
			}
		})
	}
}

// fail notes how the run went wrong, the first time.
//
//go:norace
func (m *Machine) fail(o Outcome, err error) {
	if m.outcome == Done && m.phase != dying {
		m.outcome, m.err = o, err
	}
}

// Run runs the program under the chooser. It may be called once.
func (m *Machine) Run(c Chooser) Result {
	if m.s == nil {
		return m.runAlone(c)
	}
	if m.words() {
		defer oneByOne()()
	}
	m.ready(c)
	m.loop()
	return m.finish()
}

// ready is the part of Run before the first thread runs.
func (m *Machine) ready(c Chooser) {
	if m.phase != setup {
		panic("sim: Machine.Run called twice")
	}
	m.s.begin(m)
	m.chooser = c
	m.recorder, _ = c.(Recorder)
	if s := m.o.States; s != nil {
		s.m = m
		s.memory.begin(m)
	}
	raceBegin(m)
	m.start()
}

// finish is the part of Run after the last thread has run.
func (m *Machine) finish() Result {
	if s := m.o.States; s != nil {
		s.memory.finish()
	}
	m.unwind()
	raceEnd(m)
	m.phase = over
	if m.outcome == Done && len(m.finally) > 0 {
		m.callFinally()
	}
	if m.err != nil {
		m.rename()
	}
	m.s.beats()
	return Result{Outcome: m.outcome, Err: m.err, Steps: m.steps}
}

// runAlone is Run in a Session of its own.
func (m *Machine) runAlone(c Chooser) Result {
	var r Result
	m.o.Trace = true
	err := DoWithin(m.o.Stall, func(s *Session) {
		m.s = s
		r = m.Run(c)
	})
	if err != nil { // r is not to be touched: its goroutine is still there
		return Result{Outcome: RealBlock, Err: err}
	}
	return r
}

func (m *Machine) callFinally() {
	m.s.between = inFinally
	defer func() {
		m.s.between = inThreads
		switch v := recover().(type) {
		case nil:
		case *AssertError:
			m.outcome, m.err = AssertFailed, v
		default:
			m.outcome, m.err = Panic, &PanicError{Thread: "Finally", Value: v, Stack: debug.Stack()}
		}
	}()
	for _, f := range m.finally {
		f()
	}
}
