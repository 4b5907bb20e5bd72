package explore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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

// TestDrawsOfTheProgram has a program throw a coin of its own, where it makes its threads and
// in one of them. What the coin says makes no difference that an assertion could see.
func TestDrawsOfTheProgram(t *testing.T) {
	for plan, o := range map[string]Option{
		"auto": Auto(), "dpor": DPOR(), "exhaustive": Exhaustive(), "preempt": Preempt(1), "random": Random(), "urw": URW(), "pos": POS(), "pct": PCT(2), "portfolio": Portfolio(),
	} {
		missed := 0
		for seed := range uint64(40) {
			coin, within := rand.New(rand.NewPCG(seed, 1)), seed%2 == 0
			heads := func() bool { return coin.IntN(2) == 0 }
			r := Run(func(m *sim.Machine) {
				var v sim.Var[int]
				first := heads()
				m.Go("a", func(td *lwkt.Thread) {
					if within && heads() || !within && first {
						v.Store(td, 1)
					} else {
						v.Load(td)
					}
				})
				m.Go("b", func(td *lwkt.Thread) { v.Load(td) })
			}, o, Runs(2000))
			switch d, u := new(Drift), new(Uncontrolled); {
			case errors.As(r.Err, &d) && d.Before != d.Now && d.Step < 2, errors.As(r.Err, &u):
			default:
				missed++
			}
		}
		if missed > 2 { // the coin may come down on one side only
			t.Errorf("%s: missed %d of 40 times", plan, missed)
		}
	}
}

// TestRepeatsAreFew counts the runs that are made but not counted, and has them differ late.
func TestRepeatsAreFew(t *testing.T) {
	for plan, o := range map[string]Option{"random": Random(), "exhaustive": Exhaustive(), "dpor": DPOR()} {
		made := 0
		r := Run(func(m *sim.Machine) { made++; passing3x3(m) }, o, Runs(1600))
		if more := made - r.Runs; !r.OK() || more < 10 || 100*more > 4*1600 {
			t.Errorf("%s: %d runs more than %d: %s", plan, more, r.Runs, r.String())
		}
		made = 0
		if r = Run(func(m *sim.Machine) { made++; passing3x3(m) }, o, Once(), Runs(100)); made != r.Runs {
			t.Errorf("%s, once: %d runs: %s", plan, made, r.String())
		}
		made = 0
		r = Run(func(m *sim.Machine) {
			passing3x3(m)
			if made++; made > 1000 {
				m.Go("late", func(td *lwkt.Thread) {
					for range made % 7 {
						m.Yield(td)
					}
				})
			}
		}, o, Runs(1600))
		if d := new(Drift); made <= 1000 && r.Runs >= 1600 || made > 1000 && !errors.As(r.Err, &d) {
			t.Errorf("%s: %s", plan, r.String())
		}
	}
}

// TestRepeatOfMachines has machines of all kinds repeat themselves.
func TestRepeatOfMachines(t *testing.T) {
	for _, o := range []sim.Options{{}, {CPUs: 2}, {AnyTimeout: true}} {
		r := Run(func(m *sim.Machine) {
			tok := lwkt.NewToken("t")
			for i := range 2 {
				m.Go(fmt.Sprint(i), func(td *lwkt.Thread) {
					if m.Choose(td, 2) == 0 {
						m.Yield(td)
					}
					tok.Acquire(td)
					tok.Release(td)
				})
			}
		}, On(o), Runs(3000))
		if !r.OK() {
			t.Errorf("%+v: %s", o, r.String())
		}
	}
}

// TestRepeatOfFootprints repeats a run in which footprints meet objects before operations do.
func TestRepeatOfFootprints(t *testing.T) {
	for _, o := range []Option{DPOR(), Exhaustive(), Random()} {
		r := Run(func(m *sim.Machine) {
			ctx, cancel := m.WithCancel(context.Background())
			tok, done := new(lwkt.Token), new(sim.Var[bool])
			m.Go("a", func(td *lwkt.Thread) {
				if _, err := tok.AcquireContext(ctx, td); err == nil {
					tok.Release(td)
				}
				done.Store(td, true)
			})
			m.Go("b", func(td *lwkt.Thread) {
				tok.Acquire(td)
				cancel(td)
				tok.Release(td)
				done.Load(td)
			})
		}, o, Runs(1000))
		if !r.OK() {
			t.Errorf("%s", r.String())
		}
	}
}
