package sim

// What a run that went wrong tells: errors, the cycle of a deadlock, stacks.

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	core "github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// PanicError is a panic of a simulated thread, or of the function that sets a program up.
type PanicError struct {
	Thread string // its name, or "Finally", or "" in the setup
	Value  any    // what it panicked with
	Stack  []byte // where

	renamed string // Value as text, with the numbers of objects, or ""
}

// Error tells the thread, the value and the program's part of the stack of the panic.
func (e *PanicError) Error() string {
	text := e.renamed
	if text == "" {
		text = fmt.Sprint(e.Value)
	}
	who := fmt.Sprintf("thread %q panicked", e.Thread)
	if e.Thread == "" {
		who = "panic in the setup"
	}
	return fmt.Sprintf("sim: %s: %s\n\n%s", who, text, theirs(string(e.Stack)))
}

// Unwrap returns the value of the panic if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// AssertError is an assertion that was false.
type AssertError struct {
	Thread string // its name, "" in setup and Finally
	Text   string // what Machine.Assert was told
	Stack  []byte // where
}

// Error tells the text and the thread.
func (e *AssertError) Error() string {
	if e.Thread == "" {
		return "sim: assertion failed: " + e.Text
	}
	return fmt.Sprintf("sim: assertion failed in thread %q: %s", e.Thread, e.Text)
}

// HeldError is the end of a thread that held something.
type HeldError struct {
	Thread string // its name
	Held   string // what it held
}

// Error tells thread and locks.
func (e *HeldError) Error() string {
	return fmt.Sprintf("sim: thread %q ended while it held %s", e.Thread, e.Held)
}

// ExitError is the end of a thread by runtime.Goexit, as T.FailNow ends it.
type ExitError struct {
	Thread string // its name
}

// Error tells the thread.
func (e *ExitError) Error() string {
	return fmt.Sprintf("sim: thread %q called runtime.Goexit, as T.FailNow and T.Fatal do; Machine.Assert tells once, and not in every run of the schedule", e.Thread)
}

// LimitError is a run that was cut off.
type LimitError struct {
	Steps int // the limit
}

// Error tells the limit.
func (e *LimitError) Error() string {
	return fmt.Sprintf("sim: still running after %d events; Options.Steps is the limit", e.Steps)
}

// DeadlockError is a run in which no thread can go on.
type DeadlockError struct {
	Cycle   []Wait // each waits for what the next one has; empty if there is no cycle
	Threads []Wait // all that have not ended
}

// Wait is a thread that waits.
type Wait struct {
	Thread string // its name
	For    string // what it waits for
	Owner  string // the thread that has that, or ""
	Stack  string // where it waits, if Options.Trace is on
}

// Error tells the cycle and all threads, each with the program's part of its stack.
func (e *DeadlockError) Error() string {
	var b strings.Builder
	b.WriteString("sim: deadlock: ")
	for i, w := range e.Cycle {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q waits for %s of %q", w.Thread, w.For, w.Owner)
	}
	if len(e.Cycle) == 0 {
		b.WriteString("nobody is left who could go on")
	}
	for _, w := range e.Threads {
		fmt.Fprintf(&b, "\n\nthread %q waits for %s", w.Thread, w.For)
		if w.Owner != "" {
			fmt.Fprintf(&b, ", which %q has", w.Owner)
		}
		if w.Stack != "" {
			fmt.Fprintf(&b, "\n%s", theirs(w.Stack))
		}
	}
	return b.String()
}

// deadlock describes the threads, none of which can go on.
func (m *Machine) deadlock() error {
	e := new(DeadlockError)
	waits := make([]Wait, len(m.procs))
	owner := make([]*proc, len(m.procs))
	var live []*proc
	for i, p := range m.procs {
		if p.life == ended {
			continue
		}
		live = append(live, p)
		waits[i], owner[i] = m.waitOf(p)
	}
	if m.o.Trace {
		for i, s := range stacks(live) {
			waits[live[i].index].Stack = s
		}
	}
	for _, p := range live {
		e.Threads = append(e.Threads, waits[p.index])
	}
	for _, p := range live { // from each: a way that comes back to where it began
		var way []Wait
		for at := p; at != nil && len(way) <= len(live); at = owner[at.index] {
			if at == p && len(way) > 0 {
				e.Cycle = way
				return e
			}
			way = append(way, waits[at.index])
		}
	}
	return e
}

// rename has the error call objects what ObjectName calls them.
func (m *Machine) rename() {
	switch e := m.err.(type) {
	case *HeldError:
		e.Held = m.names.renamed(e.Held)
	case *PanicError:
		e.renamed = m.names.renamed(fmt.Sprint(e.Value))
	}
}

// waitOf says what p waits for, and who has it.
func (m *Machine) waitOf(p *proc) (w Wait, owner *proc) {
	w.Thread = p.name
	obj := p.ev.Op.Obj
	switch p.wait {
	case onMutex, onLock, onToken, onWants:
		w.For = m.names.describe(obj)
	case onOwner:
		w.For = m.names.describe(m.names.other(p.lock))
	case onPermit:
		if obj >= 0 {
			if w.For = m.names.describe(obj); p.sleeps() {
				w.For = "a wakeup on " + w.For
			}
		}
	case onCond:
		w.For = "until " + p.what
	case onRetake:
		w.For = "its tokens"
	default:
		w.For = "its turn"
	}
	if owner = m.blocker(p); owner != nil {
		w.Owner = owner.name
	}
	return w, owner
}

// blocker is the thread that has what p waits for, or nil.
func (m *Machine) blocker(p *proc) *proc {
	switch p.wait {
	case onMutex:
		return p.mu.owner
	case onOwner:
		return m.ownerOf(m.names.other(p.lock))
	case onLock, onToken, onWants, onPermit:
		return m.ownerOf(p.ev.Op.Obj)
	}
	return nil
}

// stacks returns the stack of each of the threads.
//
//go:norace
func stacks(of []*proc) []string {
	found := make([]string, len(of))
	var buf []byte
	for size := 64 << 10; size <= 64<<20; size *= 4 {
		buf = make([]byte, size)
		if n := runtime.Stack(buf, true); n < size {
			buf = buf[:n]
			break
		}
	}
	for i, p := range of {
		head := fmt.Appendf(nil, "goroutine %d ", p.goid)
		for one := range bytes.SplitSeq(buf, []byte("\n\n")) {
			if bytes.HasPrefix(one, head) {
				found[i] = string(one)
			}
		}
		if p.life == unborn {
			found[i] = "(not started)"
		}
	}
	return found
}

// goid is the number of this goroutine, which Go tells only in stack traces.
func goid() uint64 {
	var buf [64]byte
	s := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	if i := bytes.IndexByte(s, ' '); i > 0 {
		id, _ := strconv.ParseUint(string(s[:i]), 10, 64)
		return id
	}
	return 0
}

// ownerOf is the thread that has the token or lock with this number exclusively, or nil.
func (m *Machine) ownerOf(obj int32) *proc {
	if obj < 0 || int(obj) >= len(m.names.all) {
		return nil
	}
	id := uint32(0)
	switch x := m.names.all[obj].(type) {
	case *token.Token:
		id = x.Root().Word().Owner()
	case core.Lock:
		id = x.Holder()
	}
	for _, p := range m.procs {
		if id != 0 && p.rec.ID() == id {
			return p
		}
	}
	return nil
}

// firstWant is the number of the first token of the claim that p waits with.
func (p *proc) firstWant() int32 {
	obj := int32(None)
	p.rec.EachWant(func(t *token.Token, _ token.Mode) {
		if n := p.m.names.token(t); obj == None {
			obj = n
		}
	})
	return obj
}

// site is the program counter of the user's call; of a deferred one, by way of a panic, where that began.
func site() uintptr {
	var pcs [16]uintptr
	for _, pc := range pcs[:runtime.Callers(3, pcs[:])] {
		f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
		if f.Function == begins {
			break
		}
		if !ours(f.Function) && !carries(f.Function) {
			return pc
		}
	}
	return 0
}

// sleeps says whether p, which is parked, waits for a wakeup, and not for a lock or tokens.
func (p *proc) sleeps() bool {
	_, lock := p.key.(core.Lock)
	return p.key != nil && !lock
}
