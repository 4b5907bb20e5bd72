package sim

// A simulated thread: a coroutine that is used by one thread after the other, what
// it is about to do, and what it waits for. It is the host of its thread record.
//
// Layout: below.
// Bits: none.
// Invariants:
//
//	P1 of the threads of a machine at most one runs; the others are at a call of pause.
//	P2 a thread at a pause has announced what it does when it goes on (kind, wait).
//	P3 what the thread's own goroutine writes here it writes in functions that the race
//	   detector does not look at (go:norace), so that under the detector nothing
//	   orders two threads but their locks.
//
// Transitions:
//
//	unborn --resume--> live --return of f--> ended;  live --unwind--> ended
//
// Lock order: none; the machine's goroutine and its coroutines take turns.
// Blocking: pause is where a simulated thread waits.
// Departures: a kernel's thread has a stack of its own for ever; these are pooled.

import (
	"runtime"
	"runtime/debug"
	"unsafe"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/hw"
	core "github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// proc is a simulated thread.
type proc struct {
	coro // how it is resumed, and how it pauses

	m     *Machine
	index int
	name  string
	f     func(td *lwkt.Thread)
	td    *lwkt.Thread
	h     *core.Handle
	rec   *core.Record // constant
	prio  int

	life     life
	returned bool // f has returned

	// What it is about to do (P2).
	kind   OpKind
	wait   wait
	mode   token.Mode
	change Change
	asked  bool // the operation is new: its event is not made yet
	tok    *token.Token
	wants  []token.Want
	key    any // wait channel, Var, Go channel
	mu     *Mutex
	lock   core.Lock // of the core
	cond   func() bool
	what   string // of cond
	site   uintptr
	ev     Event
	word   unsafe.Pointer // with Options.Words, as what follows
	spin   *hw.SpinLock
	words  // what it has looked at

	done     <-chan struct{}
	deadline int64 // of a Park, 0: none
	expired  bool  // the deadline has come
	permit   bool  // of hw.Parker
	held     int   // Mutexes
	choices  int   // of a Choose that is under way, 0: none
	choice   int   // what it returns

	talk  // on Go channels
	sched // with CPUs
}

type life uint8

const (
	unborn life = iota
	live
	ended
)

// wait is what keeps a thread from going on.
type wait uint8

const (
	nothing   wait = iota
	onToken        // tok in mode
	onWants        // all of wants
	onRetake       // all that it gave up
	onPermit       // permit, done, deadline
	onMutex        // mu
	onLock         // lock in mode
	onChannel      // one of its cases
	onCond         // cond
	onOwner        // lock in mode, on its CPU, while its owner runs
	onRaise        // its interrupt
	onMove         // another CPU
	onSpin         // spin
	onChange       // what it has looked at
)

// begin makes the proc as new for its next thread.
func (p *proc) begin() {
	p.life, p.returned = unborn, false
	p.kind, p.wait, p.asked, p.site, p.mode = Start, nothing, true, 0, token.None
	p.ev = Event{Thread: p.index, Op: Op{Kind: Start, Obj: None}}
	p.permit, p.expired, p.deadline, p.done, p.held, p.choices = false, false, 0, nil, 0, 0
	p.words = words{}
	p.sched = sched{}
}

func (p *proc) attach() {
	p.td = p.m.newThread()
	p.h = core.HandleAt(unsafe.Pointer(p.td))
	core.Attach(p.h, p.rec, p.name, uint64(p.index+1), core.GradeOf(p.prio, p.user))
}

// detach ends the thread's record.
func (p *proc) detach() {
	if !p.returned {
		p.talk = talk{}
		core.Abandon(p.h)
	} else if held := core.Detach(p.h); held != "" {
		p.m.fail(LocksHeld, &HeldError{Thread: p.name, Held: held})
	} else if p.held > 0 {
		p.m.fail(LocksHeld, &HeldError{Thread: p.name, Held: "a sim.Mutex"})
	}
	p.td, p.f, p.tok, p.wants, p.key, p.mu, p.lock, p.cond = nil, nil, nil, nil, nil, nil, nil, nil
}

// procOf returns the simulated thread that td is.
//
//go:norace
func procOf(td *lwkt.Thread) *proc {
	p, _ := core.Hosted(core.HandleAt(unsafe.Pointer(td))).(*proc)
	if p == nil {
		panic("sim: the thread is not a simulated one")
	}
	return p
}

// lives is one thread after the other, on a goroutine of theirs.
//
//go:norace
func (p *proc) lives() {
	defer p.reborn()
	for !p.m.s.closing {
		p.life = live
		raceStart(p)
		p.inside()
		p.begins()
		p.f(p.td)
		p.returned = true
		p.ends(nil)
		p.rest(false)
	}
}

// reborn is deferred: if a thread ends the goroutine, by a panic or runtime.Goexit, the next
// one lives in here instead.
//
//go:norace
func (p *proc) reborn() {
	v := recover()
	if p.m.s.closing {
		return
	}
	p.exits++
	p.ends(v)
	p.rest(false)
	p.lives()
}

// ends is called when f has returned, or the goroutine panics with v or ends.
//
//go:norace
func (p *proc) ends(v any) {
	p.outside()
	raceStop(p)
	switch {
	case v != nil:
		p.m.fail(Panic, &PanicError{Thread: p.name, Value: v, Stack: debug.Stack()})
	case !p.returned:
		p.m.fail(Exited, &ExitError{Thread: p.name})
	}
	p.life = ended
	if inline {
		p.over()
	}
}

// pause announces what was written down before, and returns when the thread is to
// perform it.
//
//go:norace
func (p *proc) pause() {
	p.outside()
	p.rest(true)
	p.inside()
}

// asks has the machine look at what the thread is about to do.
//
//go:norace
func (p *proc) asks() {
	p.Dying()
	p.asked = true
	p.stands()
	if p.m.o.Trace {
		p.site = site()
	}
}

// plain announces an operation that is always possible.
//
//go:norace
func (p *proc) plain(kind OpKind, key any) {
	p.kind, p.wait, p.key = kind, nothing, key
	p.pause()
}

// Point is that of the core's Host.
//
//go:norace
func (p *proc) Point(op core.Op) {
	p.tok, p.mode, p.wants, p.done = op.Tok, op.Mode, op.Wants, op.Done
	p.lock, p.change = op.Lock, Change(op.Change)
	p.wait = nothing
	if op.Kind >= core.OpLook && p.accesses(op) {
		return
	}
	if p.m.words() {
		p.passes(op)
		return
	}
	attempt := p.m.o.Attempts || len(p.m.cpus) > 0 || p.rec.Holding()
	switch op.Kind {
	case core.OpAcquire:
		p.kind = Acquire
		if op.Mode == token.Shared {
			p.kind = AcquireShared
		}
		if !attempt {
			p.wait = onToken
		}
	case core.OpAcquireAll:
		p.kind = AcquireAll
		if !attempt {
			p.wait = onWants
		}
	case core.OpTry:
		p.kind = Try
	case core.OpRelease:
		p.kind = Release
	case core.OpBlock:
		p.kind = Block
		if !p.rec.Holding() && p.m.phase != dying {
			return // nobody can tell
		}
	case core.OpResume:
		p.kind = Unblock
		if !p.rec.Holding() && p.m.phase != dying {
			return
		}
		if !p.m.o.Attempts && len(p.m.cpus) == 0 {
			p.wait = onRetake
		}
	case core.OpSleep:
		p.kind, p.key = Sleep, op.Key
	case core.OpWakeup:
		p.kind, p.key = Wakeup, op.Key
	case core.OpMerge:
		p.kind = Merge
	case core.OpLock:
		p.kind, p.key = Take, op.Lock
		if !attempt && !op.Attempt && !p.rec.GivesUp() {
			p.wait = onLock
		}
	case core.OpSpin:
		p.kind, p.key = Take, op.Lock
		if len(p.m.cpus) == 0 {
			p.wait = onLock // to spin would be no end of schedules
		}
	case core.OpTryLock:
		p.kind = TryTake
	case core.OpUnlock:
		p.kind = Give
	}
	p.pause()
}

// Park is that of the core's Host.
//
//go:norace
func (p *proc) Park(done <-chan struct{}, deadline int64, sleeping bool) hw.Why {
	if sleeping && p.m.phase == dying {
		return hw.Done
	}
	p.filter()
	p.kind, p.wait, p.done, p.deadline = Resume, onPermit, done, deadline
	if !sleeping {
		p.key = nil
	}
	p.asked, p.site = true, 0
	p.stands()
	p.outside()
	p.rest(false)
	p.inside()
	p.took(p.permit)
	why := hw.Done
	switch {
	case p.m.phase == dying:
		if !sleeping {
			p.Dying()
		}
	case p.permit:
		p.permit = false
		why = hw.Permit
	case p.expired:
		why = hw.Deadline
	}
	p.expired, p.deadline = false, 0
	return why
}

// Unpark is that of the core's Host.
//
//go:norace
func (p *proc) Unpark() {
	if !p.given() {
		p.permit = true
	}
}

// Running is that of the core's Host.
//
//go:norace
func (p *proc) Running() bool { return p.cpu != nil && p.state == onCPU && !p.rec.Holding() }

// TouchedLock is that of the core's Host.
//
//go:norace
func (p *proc) TouchedLock(l core.Lock) {
	if !p.m.words() {
		p.m.foot.touchLock(l)
	}
}

// Accessed is that of the core's Host.
//
//go:norace
func (p *proc) Accessed(key any, write bool) { p.m.foot.touchKey(key, write) }

// CritEnter is that of the core's Host.
//
//go:norace
func (p *proc) CritEnter() { p.crit++ }

// CritExit is that of the core's Host.
//
//go:norace
func (p *proc) CritExit() {
	if p.crit--; p.crit == 0 && len(p.m.cpus) > 0 && p.m.phase != dying && p.life == live {
		key := p.key        // of a sleep that is about to begin
		p.plain(Other, nil) // here happens what is owed
		p.key = key
	}
}

// Yield is that of the core's Host.
//
//go:norace
func (p *proc) Yield() { p.plain(Yield, nil) }

// Spin is that of the core's Host. Where time passes, each round takes some; elsewhere one
// that is in vain is not chosen, or spinning would make schedules without end.
//
//go:norace
func (p *proc) Spin(l core.Lock, mode token.Mode, done <-chan struct{}) {
	p.lock, p.mode, p.done = l, mode, done
	p.kind, p.wait, p.key = Yield, onOwner, nil
	p.pause()
}

// spinsInVain says whether the thread spins and would go on to.
//
//go:norace
func (p *proc) spinsInVain() bool {
	return p.wait == onOwner && !p.m.o.Timed && !hw.Closed(p.done) && p.rec.InVain(p.lock, p.mode)
}

// Now is that of the core's Host.
//
//go:norace
func (p *proc) Now() int64 { return p.m.now }

// Dying is that of the core's Host.
//
//go:norace
func (p *proc) Dying() {
	if p.m.phase == dying {
		p.m.ended.acquire() // what deferred functions do now is one after the other
		runtime.Goexit()
	}
}

// Touched is that of the core's Observer.
//
//go:norace
func (p *proc) Touched(t *token.Token) {
	if p.m != nil && !p.m.words() {
		p.m.foot.touch(t)
	}
}

// ready says whether the thread could go on now.
//
//go:norace
func (p *proc) ready() bool {
	switch p.wait {
	case onMutex:
		return p.mu.owner == nil
	case onLock:
		return !p.lock.WouldWait(p.rec, p.mode) || hw.Closed(p.done)
	case onToken:
		return !p.tok.WouldWait(p.mode) || hw.Closed(p.done)
	case onWants:
		for i := range p.wants {
			if p.wants[i].Tok.WouldWait(p.wants[i].Mode) {
				return hw.Closed(p.done)
			}
		}
	case onRetake:
		return !p.rec.WouldWait()
	case onPermit:
		return p.permit || hw.Closed(p.done)
	case onChannel:
		return p.met || p.m.match(p, false)
	case onRaise:
		return false // its CPU delivers it
	case onSpin:
		return spinFree(p.spin)
	case onChange:
		return p.stirred()
	case onMove:
		return p.state == blocked // it has left its CPU
	case onCond:
		return p.holds()
	}
	return true
}
