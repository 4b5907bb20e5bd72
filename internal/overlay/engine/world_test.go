// What the engine's tests stand on: threads and locks that do not exist.
package engine_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
)

const (
	ex = engine.Exclusive
	sh = engine.Shared
)

// world is an engine with virtual locks and threads. A script says who does what, in words:
//
//	1 lock a      a lock that was free (Want, then Got)
//	1 rlock a     the same, shared
//	1 try a       a try that succeeded; also rtry
//	1 want a      a lock that is not free: Want and Block; also rwant
//	1 got a       it got it: Unblock and Got; also rgot
//	1 unlock a    also runlock
//	1 go 2        thread 1 starts thread 2
//	1 done w      also owe, wait (until it is joined), joined
//	1 end         the thread ends
//
// A lock is of the class that its name has without digits and what follows them: a1 and a2 are of class a.
type world struct {
	t       testing.TB
	e       *engine.Engine
	threads map[string]*engine.Thread
	origins map[string]engine.Origin
	locks   map[string]*engine.Tag
	spec    func(class string) engine.ClassSpec
	site    uintptr
	sites   map[uintptr]string
	stack   []uintptr
	told    []*engine.Report
	deaf    bool // told is not kept
}

// goSpec are locks as sync's: those whose names begin with r are RWMutexes, o Once, w WaitGroup.
func goSpec(class string) engine.ClassSpec {
	s := engine.ClassSpec{Name: class, Kind: engine.Sleepable}
	switch class[0] {
	case 'o':
		s.Kind = engine.Once
	case 'w':
		s.Kind = engine.Group
	}
	return s
}

func newWorld(t testing.TB, o engine.Options) *world {
	w := &world{t: t, threads: map[string]*engine.Thread{}, origins: map[string]engine.Origin{}, locks: map[string]*engine.Tag{}, spec: goSpec, site: 1000, sites: map[uintptr]string{}}
	w.e = engine.New(engine.Env{
		Stack: func(skip int, pcs []uintptr) int {
			return copy(pcs, append([]uintptr{w.site}, w.stack...))
		},
		Func:   func(pc uintptr) string { return w.sites[pc] },
		Report: func(r *engine.Report) { w.told = append(w.told, r) },
		Withdraw: func(r *engine.Report) {
			w.told = slices.DeleteFunc(w.told, func(o *engine.Report) bool { return o == r })
		},
	}, o)
	return w
}

func (w *world) lock(name string) *engine.Tag {
	g := w.locks[name]
	if g == nil {
		g = new(engine.Tag)
		w.locks[name] = g
	}
	if !g.Known() {
		class := name
		if i := strings.IndexAny(name, "0123456789"); i > 0 {
			class = name[:i]
		}
		w.e.Enroll(g, w.e.Class(0, w.spec(class)))
	}
	return g
}

func (w *world) thread(name string) *engine.Thread {
	t := w.threads[name]
	if t == nil {
		t = w.e.Thread(w.origins[name], "T"+name)
		w.threads[name] = t
	}
	return t
}

// do runs a script: operations separated by semicolons or lines. A thread stays the same until
// another one is named.
func (w *world) do(script string) *world {
	w.t.Helper()
	who := "1"
	for _, line := range strings.FieldsFunc(script, func(r rune) bool { return r == ';' || r == '\n' }) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if _, err := strconv.Atoi(f[0]); err == nil {
			who, f = f[0], f[1:]
		}
		if len(f) == 0 {
			continue
		}
		th := w.thread(who)
		op := f[0]
		args := f[1:]
		if len(args) == 0 {
			args = []string{""}
		}
		for _, arg := range args {
			w.site++
			w.sites[w.site] = "f" + strconv.Itoa(int(w.site))
			w.op(th, who, op, arg)
		}
	}
	return w
}

func (w *world) op(th *engine.Thread, who, op, arg string) {
	m := ex
	if op != "release" && op[0] == 'r' {
		m, op = sh, op[1:]
	}
	switch op {
	case "go":
		w.origins[arg] = th.Fork()
		return
	case "end":
		th.Exit()
		delete(w.threads, who)
		return
	case "sleep":
		th.Sleep("a disk", nil, w.site)
		return
	case "chan":
		th.Chan("a channel", w.site)
		return
	}
	g := w.lock(arg)
	switch op {
	case "lock":
		th.Want(g, m, w.site)
		th.Got(g, m, w.site)
	case "locked":
		th.Locked(g, m, w.site)
	case "try":
		th.Tried(g, m, w.site)
	case "want":
		th.Want(g, m, w.site)
		th.Block(g, m, w.site)
	case "got":
		th.Unblock()
		th.Got(g, m, w.site)
	case "wait":
		th.Block(g, ex, w.site)
	case "woken":
		th.Unblock()
	case "unlock":
		th.Unlocked(g, m, w.site)
	case "misuse":
		th.Misuse(g, m, w.site)
	case "up":
		th.Upgraded(g, w.site)
	case "down":
		th.Downgraded(g, w.site)
	case "done":
		th.Done(g)
	case "owe":
		th.Owe(g)
	case "joined":
		th.Joined(g)
	default:
		w.t.Fatalf("what is %q?", op)
	}
}

// found gives the reports in short: kind, severity and names.
func (w *world) found() string {
	var list []string
	for _, r := range w.e.Reports() {
		s := r.Severity.String() + " " + r.Kind.String() + " "
		for i, l := range r.Locks {
			if i > 0 {
				s += ","
			}
			if s += l.Name; l.ID == 0 {
				s += "*"
			}
		}
		list = append(list, s)
	}
	return strings.Join(list, "; ")
}

func (w *world) expect(want string) {
	w.t.Helper()
	told := map[int]bool{}
	for _, r := range w.told {
		told[r.Seq] = true
	}
	if n := len(w.e.Reports()); n != len(told) && !w.deaf {
		w.t.Errorf("%d reports, and told of %d", n, len(told))
	}
	if got := w.found(); got != want {
		w.t.Errorf("found %q, want %q", got, want)
		for _, r := range w.e.Reports() {
			w.t.Logf("%s", r.AppendText(nil, w.frames))
		}
	}
}

func (w *world) frames(pcs []uintptr) (list []engine.Frame) {
	for _, pc := range pcs {
		list = append(list, engine.Frame{Func: w.sites[pc], File: "x.go", Line: int(pc)})
	}
	return list
}
