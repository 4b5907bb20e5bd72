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
//	the rest               t.CondWait, t.Sleep, t.Upgraded, t.Downgraded
//
// docs/design/007-witness.md says what is reported and why.
package engine

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// Env is what an engine is told about its surroundings. Every field may be nil.
// None of these functions may take a lock that the engine watches; Stack, Weak and
// Alive are called with the engine's own lock held.
type Env struct {
	// Stack fills pcs with the call stack of the running thread, innermost first,
	// leaving out skip frames besides its own and its caller's, as runtime.Callers
	// does; that is the default. What is left out beyond that is up to whoever
	// embeds: the engine does not know how deep its hooks are.
	Stack func(skip int, pcs []uintptr) int

	// Weak gives a handle for the object that a lock lies in, which does not keep
	// it alive; Alive says whether it still is. With these the engine forgets locks
	// that are gone. Without, locks are kept until Forget. A nil handle is of an
	// object that stays for ever.
	Weak  func(lock unsafe.Pointer) (handle unsafe.Pointer)
	Alive func(handle unsafe.Pointer) bool

	// ClassName names a class that was made without a name, when a report needs it.
	ClassName func(key uintptr) string

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
	gen  atomic.Uint32 // raised when caches of known orders are no longer true
	tick atomic.Uint32 // raised by Tick
	on   atomic.Bool

	env     Env
	options Options
	state
}

// New makes an engine, which is off.
func New(env Env, o Options) *Engine {
	e := &Engine{env: env, options: o}
	if e.env.Stack == nil {
		e.env.Stack = func(skip int, pcs []uintptr) int { return runtime.Callers(skip+2, pcs) }
	}
	e.init()
	return e
}

// Default is the engine of this process for the locks of package lwkt and for
// package witness. Whoever has locks that it is to watch sets Hook.
var Default = New(Env{}, Options{Duplicates: true})
