// Package engine is the witness: it is told which thread takes which lock, keeps
// the orders in which locks were taken, and says when two of them contradict each
// other, before anything hangs.
//
// It is a leaf that imports next to nothing, because the same files are also
// compiled below the standard library's sync. Whatever it needs to know is a
// parameter: who the thread is, which lock, of which class, in which mode, and from
// where. Whoever embeds it keeps a Tag in each lock and a Thread for each thread,
// and tells:
//
//	before it waits        t.Want, then t.Block when it really parks, t.Unblock
//	after it got a lock    t.Got after Want, t.Locked without, t.Tried after a try
//	when it lets go        t.Unlocked
//	goroutines             t.Fork (or Origin.Fork) at a start, t.Exit at the end
//	WaitGroups             t.Owe, t.Done, t.Joined
//	the rest               t.CondWait, t.CondSignal, t.Sleep, t.Upgraded, t.Downgraded
//
// docs/design/007-witness.md says what is reported and why.
package engine

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// Env is what an engine is told about its surroundings. Every field may be nil.
// None of these functions may take a lock that the engine watches; all but Report and Withdraw are
// called with the engine's own lock held, and hidden from the race detector but for Stack.
type Env struct {
	// Stack fills pcs with the call stack of the running thread, innermost first,
	// leaving out skip frames besides its own and its caller's, as runtime.Callers
	// does; that is the default. What is left out beyond that is up to whoever
	// embeds: the engine does not know how deep its hooks are. It must not show the race detector
	// what it writes to pcs.
	Stack func(skip int, pcs []uintptr) int

	// Weak gives a handle for the object that a lock lies in, which does not keep
	// it alive; Alive says whether it still is. With these the engine forgets locks
	// that are gone. Without, locks are kept until Forget. A nil handle is of an
	// object that stays for ever.
	Weak  func(lock unsafe.Pointer) (handle unsafe.Pointer)
	Alive func(handle unsafe.Pointer) bool

	// Scans says whether the garbage collector looks for pointers where the lock lies. The
	// default is that it does.
	Scans func(lock unsafe.Pointer) bool

	// ClassName names a class that was made without a name, when a report needs it.
	ClassName func(key uintptr) string

	// Func names the function of a return address; the default asks the runtime.
	Func func(pc uintptr) string

	// ThreadName names a thread that has none, when a report needs it.
	ThreadName func(num uint64) string

	// Accept says whether a finding is to be reported; it is asked with the engine's
	// lock held. A finding that it refuses is not remembered, so the next of the
	// same kind, with other stacks, is asked about again.
	Accept func(r *Report) bool

	// Report is called once for each finding, and again when the severity of one
	// rises (Raised is set then). It runs on the thread that found it, without the
	// engine's lock. What that thread does to locks meanwhile is not watched.
	Report func(r *Report)

	// Withdraw is called like Report if a report of a hang was wrong: a thread of it goes on,
	// since another one released a lock for it, as it may. The report is not in
	// Reports any more, and never comes again.
	Withdraw func(r *Report)
}

// Options are what an engine looks for. The zero value is what a Go program with
// sync's locks wants.
type Options struct {
	// Duplicates reports two locks of one class held at once, unless the class
	// says DupOK.
	Duplicates bool
	// ChanHeld reports a wait on a channel with a lock held (Thread.Chan).
	ChanHeld bool
	// LongTicks is the number of ticks after which a lock is suspicious that is
	// still held although the function that took it has returned. 0: never.
	LongTicks uint32
}

// Engine is one witness, with one graph of orders. Make it with New.
type Engine struct {
	epoch atomic.Uint64 // generation<<32 | ticks; what threads know is of one generation
	on    atomic.Bool

	mu      spinLock
	env     Env     // (mu) as is all that follows
	options Options //
	hooks   []func(on bool)
	late    bool // switched on while threads may have held locks

	serial  uint64
	classes []class
	byKey   table[Class]
	byName  table[Class] // the first of the name
	blessed table[bool]

	threads table[*Thread] // by number
	pool    []*Thread
	lastNum uint32

	inst, sort graph            // orders of locks, and of classes
	stacks     table[[]uintptr] // of occurrences: by trace
	effort     int              // of searches for circles so far
	cands      []candidate

	holders     table[*link] // who waits and holds the lock
	searches    uint32
	queries     uint32
	groups      table[*group]
	groupsAt    int
	groupsSwept uint32
	resets      uint32
	canary      handle        // of an object that nobody keeps: gone after a garbage collection
	cycle       uint32        // see collected
	loose       table[int]    // shares that another thread than the sharer released
	orphans     table[orphan] // held by threads that have ended

	reports []*Report
	found   table[*Report]
	handed  table[bool] // findings that were refuted by a lock that changed hands
	out     []*Report   // to be delivered
	refuted []*Report   // to be withdrawn
	seq     int
}

type handle struct{ p unsafe.Pointer }

// New makes an engine, which is off.
//
//go:norace
func New(env Env, o Options) *Engine {
	e := &Engine{env: env, options: o}
	if e.env.Stack == nil {
		e.env.Stack = func(skip int, pcs []uintptr) int { return runtime.Callers(skip+2, pcs) }
	}
	e.classes = append(e.classes, class{})
	e.forget()
	return e
}

// forget begins anew.
//
//go:norace
func (e *Engine) forget() {
	e.inst.reset()
	e.sort.reset()
	e.reports, e.out, e.refuted, e.seq = nil, nil, nil, 0
	e.found.reset()
	e.handed.reset()
	e.effort = 0
}

// Thread makes the record of a thread that was started from o.
//
//go:norace
func (e *Engine) Thread(o Origin, name string) *Thread {
	e.mu.lock()
	defer e.mu.unlock()
	var t *Thread
	if n := len(e.pool); n > 0 {
		t = e.pool[n-1]
		e.pool[n-1] = nil
		e.pool = e.pool[:n-1]
	} else {
		t = &Thread{e: e}
		t.holds, t.known = t.space[:], t.first[:]
	}
	for {
		e.lastNum++
		if e.lastNum != 0 && !e.threads.has(idKey(ID(e.lastNum))) {
			break
		}
	}
	t.num, t.name, t.origin, t.clock = e.lastNum, name, o, 1
	t.epoch = e.epoch.Load()
	t.reseed()
	e.threads.put(idKey(ID(t.num)), t)
	return t
}

// SetEnabled switches the engine on or off, and says whether it was on. Whoever embeds it asks Enabled, or is told
// through Hook, and does not call it while it is off; what is held when it is switched
// on is unknown to it.
//
//go:norace
func (e *Engine) SetEnabled(on bool) (was bool) {
	was = e.on.Swap(on)
	if was == on {
		return was
	}
	e.mu.lock()
	e.late = e.late || on && e.lastNum != 0
	hooks := e.hooks
	e.mu.unlock()
	for _, f := range hooks {
		f(on)
	}
	return was
}

// Enabled says whether the engine is on.
//
//go:norace
func (e *Engine) Enabled() bool { return e.on.Load() }

// Hook has f called whenever the engine is switched, and now if it is on.
//
//go:norace
func (e *Engine) Hook(f func(on bool)) {
	e.mu.lock()
	e.hooks = append(e.hooks[:len(e.hooks):len(e.hooks)], f)
	e.mu.unlock()
	if e.on.Load() {
		f(true)
	}
}

// Options gives the options.
//
//go:norace
func (e *Engine) Options() Options {
	e.mu.lock()
	defer e.mu.unlock()
	return e.options
}

// SetOptions replaces the options.
//
//go:norace
func (e *Engine) SetOptions(o Options) {
	e.mu.lock()
	e.options = o
	e.epoch.Add(1 << 32)
	e.mu.unlock()
}

// SetEnv replaces those parts of the environment that are not nil.
//
//go:norace
func (e *Engine) SetEnv(env Env) {
	e.mu.lock()
	defer e.mu.unlock()
	if env.Stack != nil {
		e.env.Stack = env.Stack
	}
	if env.Weak != nil {
		e.env.Weak = env.Weak
	}
	if env.Alive != nil {
		e.env.Alive = env.Alive
	}
	if env.ClassName != nil {
		e.env.ClassName = env.ClassName
	}
	if env.Func != nil {
		e.env.Func = env.Func
	}
	if env.ThreadName != nil {
		e.env.ThreadName = env.ThreadName
	}
	if env.Accept != nil {
		e.env.Accept = env.Accept
	}
	if env.Report != nil {
		e.env.Report = env.Report
	}
	if env.Withdraw != nil {
		e.env.Withdraw = env.Withdraw
	}
}

// Tick counts a moment of time; embedders that want LongTicks call it about once a
// second.
//
//go:norace
func (e *Engine) Tick() {
	e.mu.lock() // The generation is in the same word, and ticks may wrap.
	epoch := e.epoch.Load()
	e.epoch.Store(epoch&^(1<<32-1) | uint64(uint32(epoch)+1))
	e.mu.unlock()
}

// Order declares that locks of these classes are taken in this order. It says whether
// that agrees with what was seen and declared before; if not, it is reported.
//
//go:norace
func (e *Engine) Order(classes ...Class) bool {
	e.mu.lock()
	agrees := true
	for i := 1; i < len(classes); i++ {
		a, b := classes[i-1], classes[i]
		if a == b || int(a) >= len(e.classes) || int(b) >= len(e.classes) {
			continue
		}
		ed, _ := e.sort.edge(e.classNode(a), e.classNode(b))
		o := &occ{held: []ref{{id: ed.from.id, mode: Exclusive}}, to: ref{id: ed.to.id, mode: Exclusive}}
		e.cands = e.cands[:0]
		if !ed.stated() {
			e.add(ed, o)
		}
		e.judge(&e.sort, ed, o)
		agrees = agrees && len(e.cands) == 0
		e.pick(nil)
	}
	e.epoch.Add(1 << 32)
	e.leave(nil)
	return agrees
}

// Bless says that locks of these two classes may be taken in either order.
//
//go:norace
func (e *Engine) Bless(a, b Class) {
	e.mu.lock()
	defer e.mu.unlock()
	e.blessed.put(key{uint64(a), uint64(b)}, true)
	for _, g := range []*graph{&e.inst, &e.sort} {
		for _, ed := range g.all() {
			x, y := ed.from.id.Class(), ed.to.id.Class()
			if x == a && y == b || x == b && y == a {
				ed.clear() // An edge without occurrences is in no circle.
			}
		}
	}
}

// Reset forgets orders and reports. Identities, classes and what threads hold stay;
// declared orders and blessed pairs go.
//
//go:norace
func (e *Engine) Reset() {
	e.mu.lock()
	defer e.mu.unlock()
	for _, g := range []*graph{&e.inst, &e.sort} {
		for _, ed := range g.all() {
			ed.clear()
		}
	}
	for i := range e.threads.slots {
		if s := &e.threads.slots[i]; s.full {
			s.v.watches = nil
		}
	}
	e.orphans.reset()
	e.blessed.reset()
	e.resets++
	e.forget()
	e.epoch.Add(1 << 32)
}

// Reports gives what was found so far, in the order in which it was found.
//
//go:norace
func (e *Engine) Reports() []*Report {
	e.mu.lock()
	defer e.mu.unlock()
	return copied(nil, e.reports)
}

// Default is the engine of this process for the locks of package lwkt and for
// package witness. Whoever has locks that it is to watch sets Hook.
var Default = New(Env{}, Options{Duplicates: true})
