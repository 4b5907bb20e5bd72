// What the tests of this package have in common: the hosts that a body runs on,
// waiting for a condition within bounds, and a look at misuse panics.
package lwkt_test

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/invariants"
)

// host is what a body runs its threads on. A body that waits for anything but
// this package does so with Until, so that it runs on any host.
type host interface {
	// Go starts a thread.
	Go(name string, f func(td *lwkt.Thread))
	// Wait waits for all threads to end; one that panicked fails the test.
	Wait()
	// Until lets others run until cond holds; the caller keeps its tokens. If it
	// takes for ever the test fails and the thread ends.
	Until(what string, cond func() bool)
	// Yield lets others run once.
	Yield()
	// Mutex returns a plain mutex, to compare with.
	Mutex() mutex
}

// onHosts runs a body as a subtest on every host.
func onHosts(t *testing.T, body func(t *testing.T, h host)) {
	t.Run("goroutines", func(t *testing.T) {
		h := &goroutines{t: t}
		body(t, h)
		h.Wait()
	})
	onSimulated(t, body)
}

// goroutines is the host of production.
type goroutines struct {
	t     *testing.T
	tasks []*lwkt.Task
}

func (h *goroutines) Go(name string, f func(td *lwkt.Thread)) {
	h.tasks = append(h.tasks, lwkt.Go(name, f))
}

func (h *goroutines) Wait() {
	h.t.Helper()
	for _, k := range h.tasks {
		join(h.t, k)
	}
	h.tasks = nil
}

func (h *goroutines) Until(what string, cond func() bool) { until(h.t, what, cond) }
func (h *goroutines) Yield()                              { runtime.Gosched() }
func (h *goroutines) Mutex() mutex                        { return new(realMutex) }

// join waits for a task and makes a panic of it an error of the test.
func join(t *testing.T, k *lwkt.Task) {
	t.Helper()
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("%v", v)
		}
	}()
	k.Wait()
}

// until polls a condition that must come true soon. It may be called on any
// goroutine, which ends if the condition does not.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !cond(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Errorf("waited in vain until %s", what)
			runtime.Goexit()
		}
	}
}

// queued waits until n threads wait for the token.
func queued(t *testing.T, tok *lwkt.Token, n int) {
	t.Helper()
	until(t, "the waiters are queued", func() bool { return lwkt.WaitersOf(tok) == n })
}

// yields lets others run often enough that a goroutine that could run has done so,
// as a rule; for what must not happen.
func yields() {
	for range 20 {
		runtime.Gosched()
	}
}

// scale shortens a stress where everything is slower.
func scale(n int) int {
	if simulating {
		n /= 8
	}
	if raceEnabled || invariants.Enabled || testing.Short() {
		return n / 8
	}
	return n
}

// processors sets GOMAXPROCS for a test.
func processors(t *testing.T, n int) {
	old := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(old) })
}

// bypass sets the budget K for a test.
func bypass(t *testing.T, k int) {
	old := lwkt.SetBypass(k)
	t.Cleanup(func() { lwkt.SetBypass(old) })
}

// newThread is a Thread for a test's own goroutine, to be ended by it.
func newThread(t *testing.T) *lwkt.Thread { return lwkt.NewThread(t.Name()) }

// panics returns what f panics with, or nil.
func panics(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

// misuse wants f to panic with a *Misuse of the operation, or any if that is "",
// which says where in the caller's file that was, and returns it.
func misuse(t *testing.T, op string, f func()) *lwkt.Misuse {
	t.Helper()
	v := panics(f)
	m, ok := v.(*lwkt.Misuse)
	if !ok {
		t.Errorf("panicked with %v, want a *Misuse", v)
		return &lwkt.Misuse{}
	}
	if op != "" && m.Op != op {
		t.Errorf("misuse is of %q, want %q: %v", m.Op, op, m)
	}
	_, file, _, _ := runtime.Caller(1)
	if !strings.Contains(m.Where, filepath.Base(file)+":") {
		t.Errorf("misuse is at %s, want %s: %v", m.Where, filepath.Base(file), m)
	}
	for _, part := range []string{m.Op, m.Lock, m.Thread, m.Where, m.Why} {
		if !strings.Contains(m.Error(), part) {
			t.Errorf("%q is not in the text %q", part, m.Error())
		}
	}
	return m
}

// says wants all parts in a text.
func says(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q does not say %q", text, p)
		}
	}
}

// free wants the tokens to be held by nobody and to be reserved for nobody.
func free(t *testing.T, tokens ...*lwkt.Token) {
	t.Helper()
	lwkt.Run("free", func(td *lwkt.Thread) {
		for i, tok := range tokens {
			if !tok.TryAcquire(td) {
				t.Errorf("token %d of %d is not free", i, len(tokens))
			} else {
				tok.Release(td)
			}
		}
	})
}
