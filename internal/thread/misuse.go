package thread

// How a wrong use of the package is answered: by a panic that names operation,
// token or lock, thread and place; and the bracket around every slow path, where most
// wrong uses are found.

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// Misuse is the value of the panic that answers a wrong use of the package.
type Misuse struct {
	Op     string // what was called
	Lock   string // the token or lock concerned, or ""
	Thread string // the thread concerned
	Why    string // what is wrong with it
	Where  string // the caller's file:line and function
}

func (m *Misuse) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "lwkt: %s", m.Op)
	if m.Lock != "" {
		fmt.Fprintf(&b, " of %s", m.Lock)
	}
	fmt.Fprintf(&b, " by %s at %s: %s", m.Thread, m.Where, m.Why)
	return b.String()
}

// String names the thread for a message. It does without fmt, whose pool the race detector takes for synchronization: the
// witness asks for it too.
func (h *Handle) String() string {
	switch {
	case h == nil:
		return "nil thread"
	case h.num == 0:
		return "a Thread that was not made by NewThread, Run or Go"
	}
	num := "#" + strconv.FormatUint(uint64(h.num), 10)
	if h.name == "" {
		return "thread " + num
	}
	return "thread " + strconv.Quote(h.name) + " (" + num + ")"
}

func fail(h *Handle, op string, t *token.Token, why string) {
	m := &Misuse{Op: op, Thread: h.String(), Why: why, Where: caller()}
	if t != nil {
		m.Lock = t.String()
	}
	panic(m)
}

// culprit ends a slow path in a misuse, with the tokens in hand that it had when it began, if it has given them up. While a simulated run is given up there is none: deferred functions of a
// thread that is ended in the middle release what they do not find.
func (r *Record) culprit() *Handle {
	h := r.user() // the thread lives, so nobody writes it
	if r.base != r.entered {
		r.Resume(Suspended{r.entered, r.seq})
	}
	r.Settle()
	r.leave()
	if r.host != nil {
		r.host.Dying()
	}
	return h
}

// misuse panics on behalf of a slow path of this thread.
func (r *Record) misuse(op string, t *token.Token, why string) {
	h := r.culprit()
	fail(h, op, t, why)
}

// MisuseOf panics on behalf of a slow path of this thread with a Misuse of something that
// is called so.
func (r *Record) MisuseOf(op, what, why string) {
	h := r.culprit()
	panic(&Misuse{Op: op, Lock: what, Thread: h.String(), Why: why, Where: caller()})
}

// Misuse panics on behalf of a slow path of this thread.
func (r *Record) Misuse(op, why string) { r.misuse(op, nil, why) }

// enter begins a slow path: it finds the record of a handle that may be wrong.
func enter(h *Handle, op string, t *token.Token) *Record {
	r, wrong := begin(h)
	if wrong != "" {
		fail(h, op, t, wrong)
	}
	if invariants.Enabled && t != nil && t.Copied() {
		r.misuse(op, t, "the token is a copy of one that was in use; a Token must not be copied")
	}
	if invariants.Enabled && r.foreign() {
		r.misuse(op, t, r.whyForeign())
	}
	return r
}

// EnterLock is Enter for an operation on a lock, which a misuse names.
func EnterLock(h *Handle, op string, obj *Object, c Class) *Record {
	r, wrong := begin(h)
	if wrong != "" {
		panic(&Misuse{Op: op, Lock: obj.Title(c), Thread: h.String(), Why: wrong, Where: caller()})
	}
	if invariants.Enabled && r.foreign() {
		r.MisuseLock(op, obj, c, r.whyForeign())
	}
	return r
}

// EnterOf is Enter for an operation on something else that a misuse names.
func EnterOf(h *Handle, op string, what fmt.Stringer) *Record {
	r, wrong := begin(h)
	if wrong != "" {
		panic(&Misuse{Op: op, Lock: what.String(), Thread: h.String(), Why: wrong, Where: caller()})
	}
	if invariants.Enabled && r.foreign() {
		r.MisuseOf(op, what.String(), r.whyForeign())
	}
	return r
}

// begin is what all of them begin with: it says what is wrong with the handle, or "".
func begin(h *Handle) (r *Record, wrong string) {
	switch {
	case h == nil:
		return nil, "the thread is nil; pass the one that Go, Run or NewThread gave (FromContext returns nil if the context carries none)"
	case h.rec == nil:
		return nil, "the zero Thread cannot be used; NewThread, Run and Go make one that can"
	case h.rec == &ended:
		return nil, "the thread has ended; a Thread is of no use after its End, Run or Go"
	}
	r = h.rec
	if r.probe.Or(busy)&busy != 0 {
		if r.host != nil {
			r.host.Dying()
		}
		return nil, "another goroutine is using this thread at the same time; a Thread belongs to one goroutine"
	}
	r.entered = r.base
	return r, ""
}

// whyForeign explains a use by a goroutine that the thread does not belong to.
func (r *Record) whyForeign() string {
	return fmt.Sprintf("goroutine %d is using the thread of goroutine %d; a Thread belongs to one goroutine", goid(), r.goid)
}

// leave ends a slow path.
func (r *Record) leave() *Record {
	r.probe.And(^busy)
	return r
}

const pkgPath = "github.com/serializing-tokens/lwkt"

// ours says whether a function belongs to this module's own lock code.
func ours(function string) bool {
	rest, ok := strings.CutPrefix(function, pkgPath)
	if !ok {
		return strings.HasPrefix(function, "runtime.") // a panic or Goexit on the way to a deferred call
	}
	return (strings.HasPrefix(rest, ".") && !strings.HasPrefix(rest, ".Test") && !strings.HasPrefix(rest, ".Example") ||
		strings.HasPrefix(rest, "/internal/thread.") && !strings.HasPrefix(rest, "/internal/thread.Test") ||
		strings.HasPrefix(rest, "/internal/token.") || strings.HasPrefix(rest, "/internal/sleepq.") ||
		strings.HasPrefix(rest, "/internal/turnstile.") || strings.HasPrefix(rest, "/internal/lock.") ||
		strings.HasPrefix(rest, "/lockmgr.") || strings.HasPrefix(rest, "/condvar.") || strings.HasPrefix(rest, "/sema.") ||
		strings.HasPrefix(rest, "/rmlock.") || strings.HasPrefix(rest, "/mtxpool.") ||
		strings.HasPrefix(rest, "/giant.") || strings.HasPrefix(rest, "/serializer."))
}

// caller describes the first frame outside this package's lock code.
func caller() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if !ours(f.Function) || !more {
			return fmt.Sprintf("%s:%d (%s)", f.File, f.Line, f.Function)
		}
	}
}

// known remembers which program counters are ours, since finding out costs most of
// what recording costs: the counter, and in the lowest bit the answer. A counter has a row of places, which
// a cache line holds, and a newcomer takes the first and moves the others on: the last eight of a row are kept. That a
// thread finds here what another one left orders nothing, and is hidden from the race detector, which would miss races
// of whoever records.
var known [1 << 9][8]atomic.Uint64

// knownRow is where a program counter would be remembered. The multiplier spreads counters that are near each other.
func knownRow(pc uintptr) *[8]atomic.Uint64 {
	return &known[uint64(pc)*0x9e3779b97f4a7c15>>(64-9)]
}

// site is the program counter that caller would describe.
func site() uintptr {
	var pcs [16]uintptr
	n := runtime.Callers(2, pcs[:])
	for _, pc := range pcs[:n] {
		if !oursPC(pc) {
			return pc
		}
	}
	return 0
}

// oursPC says whether a program counter is in this module's own lock code.
func oursPC(pc uintptr) bool {
	row := knownRow(pc)
	engine.Hide()
	for i := range row {
		if word := row[i].Load(); word>>1 == uint64(pc) {
			engine.Show()
			return word&1 != 0
		}
	}
	engine.Show()
	f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	word, is := uint64(pc)<<1, ours(f.Function)
	if is {
		word |= 1
	}
	engine.Hide()
	for i := range row {
		word = row[i].Swap(word)
	}
	engine.Show()
	return is
}

// Site describes a program counter that site returned.
func Site(pc uintptr) string {
	if pc == 0 {
		return "an unknown place"
	}
	f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	return f.File + ":" + strconv.Itoa(f.Line) + " (" + f.Function + ")"
}

// Warn tells the people who run the program of something that is no error yet.
var Warn = func(text string) { fmt.Fprintln(os.Stderr, "lwkt: "+text) }

// Fail panics with a Misuse of the thread h.
func Fail(h *Handle, op, why string) { fail(h, op, nil, why) }

// FailAt is Fail at a place that is not the caller, unless that is "".
func FailAt(h *Handle, op, why, where string) {
	if where == "" {
		where = caller()
	}
	panic(&Misuse{Op: op, Thread: h.String(), Why: why, Where: where})
}

// PlaceOf describes where a function begins.
func PlaceOf(f any) string {
	fn := runtime.FuncForPC(reflect.ValueOf(f).Pointer())
	file, line := fn.FileLine(fn.Entry())
	return fmt.Sprintf("%s:%d (%s)", file, line, fn.Name())
}

// FailToken panics with a Misuse of t by the thread h.
func FailToken(h *Handle, op string, t *token.Token, why string) { fail(h, op, t, why) }

// Caller describes the place in the user's code that called this package.
func Caller() string { return caller() }

// whyNotHeld explains a release of t that the thread does not hold.
func (r *Record) whyNotHeld(t *token.Token) string {
	for i := range r.holds[:r.base] {
		if r.holds[i].tok == t {
			return "it was given up by Block when the function given to it began, and comes back when that returns"
		}
	}
	switch w := t.Word(); {
	case w.Owner() == r.ID():
		return "it is a copy of a token that the thread holds; a Token must not be copied (go vet finds that)"
	case w.Owner() != 0:
		return "this thread does not hold it; " + NameOf(w.Owner()) + " does, exclusively" + r.heldSite(t)
	case w.Shares() > 0:
		return fmt.Sprintf("this thread does not hold it; %d others share it%s", w.Shares(), r.heldSite(t))
	}
	return "nobody holds it: it was never acquired, or released once too often or by the wrong goroutine (-tags lwkt_invariants tells)"
}

// heldSite tells where t was acquired, or how to learn that.
func (r *Record) heldSite(t *token.Token) string {
	if r.probe.Load()&record == 0 {
		return "; where it was acquired is recorded after lwkt.SetRecording(true)"
	}
	var b strings.Builder
	_, holders := t.Describe().Stats.Read()
	for _, h := range holders {
		fmt.Fprintf(&b, "; acquired at %s", Site(h.Site))
	}
	return b.String()
}

// describeHolds lists what the thread holds, for a message.
func (r *Record) describeHolds() string {
	var b strings.Builder
	unknown := false
	for i := r.base; i < r.n; i++ {
		p := &r.holds[i]
		if i > r.base {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%v (%v)", p.tok, p.mode())
		if p.since&noted != 0 {
			fmt.Fprintf(&b, " acquired at %s", Site(r.sites[i]))
		} else {
			unknown = true
		}
	}
	if unknown {
		b.WriteString(howToSites)
	}
	return b.String()
}
