package explore

import (
	"errors"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// countsFrom is two threads that count, from n on.
func countsFrom(n *int, want string) func(m *sim.Machine) {
	return func(m *sim.Machine) {
		tok := new(lwkt.Token)
		add := func(td *lwkt.Thread) {
			tok.Acquire(td)
			*n++
			tok.Release(td)
		}
		m.Go("one", add)
		m.Go("two", add)
		m.Finally(func() {
			if want == "" {
				m.Assert(*n == 2, "lost")
			} else {
				m.Assert(*n == 1, want, *n)
			}
		})
	}
}

// TestStateOutlivesRun plants state that is made outside of the function.
func TestStateOutlivesRun(t *testing.T) {
	for name, want := range map[string]string{"fails in the second run": "", "fails in the first run too": "n is %d"} {
		for plan, o := range map[string]Option{"auto": Auto(), "random": Random(), "exhaustive": Exhaustive()} {
			n := 0
			r := Run(countsFrom(&n, want), o, Runs(100))
			if u := new(Uncontrolled); !errors.As(r.Err, &u) || u.Before == u.Now || r.Failure != nil {
				t.Errorf("%s, %s: %s", name, plan, r.String())
			}
			n = 0
			d := (&double{dir: t.TempDir()}).run(func(tb testing.TB) { Test(tb, countsFrom(&n, want), o, Keep(""), Runs(100)) })
			if !d.failed || !strings.Contains(d.fatal, "state outlives a run?") || strings.Contains(d.fatal, "EXPLORE_REPLAY") {
				t.Errorf("%s, %s: %s", name, plan, d.fatal)
			}
		}
	}
	// It is not said of a program that fails by itself.
	inside := func(m *sim.Machine) { n := 0; countsFrom(&n, "n is %d")(m) }
	if r := Run(inside); r.Failure == nil || r.Failure.Err.Error() != "sim: assertion failed: n is 2" {
		t.Errorf("%s", r.String())
	}
	right := func(m *sim.Machine) { n := 0; countsFrom(&n, "")(m) }
	if d := (&double{}).run(func(tb testing.TB) { Test(tb, right, Keep("")) }); d.failed {
		t.Errorf("%s", d.fatal)
	}
}

// TestReplayOfUncontrolled has a replay fail otherwise when it is drawn.
func TestReplayOfUncontrolled(t *testing.T) {
	n := 0
	r := Run(countsFrom(&n, "n is %d"), Replay("x1:00000000:"))
	if u := new(Uncontrolled); !errors.As(r.Err, &u) {
		t.Errorf("%s", r.String())
	}
}
