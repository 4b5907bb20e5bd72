package explore

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// double is a test that a test can fail.
type double struct {
	testing.TB
	dir    string
	log    strings.Builder
	fatal  string
	failed bool
}

func (d *double) Helper()             {}
func (d *double) Name() string        { return "TestDouble/sub:test" }
func (d *double) ArtifactDir() string { return d.dir }
func (d *double) Log(args ...any)     { fmt.Fprintln(&d.log, args...) }
func (d *double) Logf(format string, args ...any) {
	fmt.Fprintf(&d.log, format+"\n", args...)
}
func (d *double) Fatal(args ...any) { d.Fatalf("%s", fmt.Sprint(args...)) }
func (d *double) Fatalf(format string, args ...any) {
	d.fatal, d.failed = fmt.Sprintf(format, args...), true
	runtime.Goexit()
}

// run calls f as a test on a goroutine of its own.
func (d *double) run(f func(t testing.TB)) *double {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(d)
	}()
	<-done
	return d
}

// The programs with a planted bug each, and the outcome that tells it.

func abba(m *sim.Machine) {
	var a, b sim.Mutex
	a.Name, b.Name = "a", "b"
	both := func(x, y *sim.Mutex) func(td *lwkt.Thread) {
		return func(td *lwkt.Thread) {
			x.Lock(td)
			y.Lock(td)
			y.Unlock(td)
			x.Unlock(td)
		}
	}
	m.Go("t1", both(&a, &b))
	m.Go("t2", both(&b, &a))
}

func checkThenAct(m *sim.Machine) {
	var left sim.Var[int]
	left.Set(1)
	buy := func(td *lwkt.Thread) {
		if n := left.Load(td); n > 0 {
			n = left.Load(td)
			m.Assert(n > 0, "sold what was gone")
			left.Store(td, n-1)
		}
	}
	m.Go("ann", buy)
	m.Go("bob", buy)
}

func lostWakeup(m *sim.Machine) {
	var ready sim.Var[bool]
	m.Go("sleeper", func(td *lwkt.Thread) {
		if !ready.Load(td) {
			td.Sleep(&ready, 0)
		}
	})
	m.Go("waker", func(td *lwkt.Thread) {
		ready.Store(td, true)
		td.Wakeup(&ready)
	})
}

func panics(m *sim.Machine) {
	var x sim.Var[int]
	m.Go("p", func(td *lwkt.Thread) { x.Store(td, 1) })
	m.Go("q", func(td *lwkt.Thread) {
		if first := x.Load(td); first == 1 && x.Load(td) == first {
			panic("planted")
		}
	})
}

func keepsLock(m *sim.Machine) {
	var a sim.Mutex
	var x sim.Var[int]
	m.Go("p", func(td *lwkt.Thread) { x.Store(td, 1) })
	m.Go("q", func(td *lwkt.Thread) {
		a.Lock(td)
		if x.Load(td) == 0 {
			a.Unlock(td)
		}
	})
}

func livelock(m *sim.Machine) {
	var turn sim.Var[int]
	for i := range 2 {
		m.Go(fmt.Sprintf("t%d", i), func(td *lwkt.Thread) {
			for turn.Load(td) != 2 {
				turn.Store(td, i)
			}
		})
	}
}

func starving(m *sim.Machine) {
	var a sim.Mutex
	var x sim.Var[int]
	m.Go("hog", func(td *lwkt.Thread) {
		a.Lock(td)
		for x.Load(td) == 0 {
		}
		a.Unlock(td)
	})
	m.Go("poor", func(td *lwkt.Thread) {
		a.Lock(td)
		x.Store(td, 1)
		a.Unlock(td)
	})
}

// spins never ends under an unfair schedule, and always under a fair one.
func spins(m *sim.Machine) {
	var x sim.Var[int]
	m.Go("spin", func(td *lwkt.Thread) {
		for x.Load(td) == 0 {
		}
	})
	m.Go("set", func(td *lwkt.Thread) { x.Store(td, 1) })
}

// unconcerned has no bug.
func unconcerned(m *sim.Machine) {
	a, b := lwkt.NewToken("a"), lwkt.NewToken("b")
	n := 0
	for i := range 3 {
		x, y := a, b
		if i == 1 {
			x, y = b, a
		}
		m.Go(fmt.Sprintf("t%d", i), func(td *lwkt.Thread) {
			x.Acquire(td)
			y.Acquire(td)
			n++
			y.Release(td)
			x.Release(td)
		})
	}
	m.Finally(func() { m.Assert(n == 3, "n is %d", n) })
}

func TestFindsWhatIsPlanted(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, c := range []struct {
		name    string
		program func(m *sim.Machine)
		outcome sim.Outcome
		says    string
		most    int // switches
	}{
		{"lock order", abba, sim.Deadlock, `waits for mutex "b"`, 1},
		{"check then act", checkThenAct, sim.AssertFailed, "sold what was gone", 2},
		{"lost wakeup", lostWakeup, sim.Deadlock, "sleeper", 2},
		{"panic", panics, sim.Panic, "planted", 1},
		{"lock held", keepsLock, sim.LocksHeld, "held", 2},
		{"livelock", livelock, sim.StepLimit, `fair steps of threads "t0", "t1" brought none`, 1000},
		{"starvation", starving, sim.StepLimit, `fair steps thread "poor" could not go on once, while thread "hog" ran`, 1000},
	} {
		for name, o := range map[string]Option{
			"auto": Auto(), "exhaustive": Exhaustive(), "preempt": Preempt(2), "dpor": DPOR(), "random": Random(), "urw": URW(), "pos": POS(), "pct": PCT(3), "portfolio": Portfolio(),
		} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				r := Run(c.program, o, Steps(300), Runs(2000))
				f := r.Failure
				if f == nil {
					t.Fatalf("not found: %s", r.String())
				}
				if f.Outcome != c.outcome || !strings.Contains(r.String(), c.says) || f.Switches > c.most {
					t.Errorf("%s", r.String())
				}
				again := Run(c.program, Replay(f.Replay), Steps(300))
				if again.Failure == nil || again.Failure.Outcome != c.outcome || again.Diverged != "" || again.Failure.Lanes != f.Lanes {
					t.Errorf("replayed: %s", again.String())
				}
				checkPictures(t, f)
			})
		}
	}
	for range 100 {
		runtime.Gosched()
	}
	if now := runtime.NumGoroutine(); now > before+2 {
		t.Errorf("%d goroutines, %d before", now, before)
	}
}

// checkPictures parses what was drawn.
func checkPictures(t *testing.T, f *Failure) {
	t.Helper()
	var trace struct{ TraceEvents []map[string]any }
	if err := json.Unmarshal(f.Perfetto, &trace); err != nil || len(trace.TraceEvents) == 0 {
		t.Errorf("%d trace events: %v", len(trace.TraceEvents), err)
	}
	for d := xml.NewDecoder(strings.NewReader(string(f.SVG))); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestSilentWhereNothingIsWrong(t *testing.T) {
	r := Run(unconcerned)
	if !r.OK() || !r.Exhaustive || r.Traces == 0 || !strings.Contains(r.String(), "exhaustive") {
		t.Errorf("%s", r.String())
	}
	plain := Run(unconcerned, Exhaustive(), Runs(1000000))
	if !plain.OK() || !plain.Exhaustive || plain.Traces != r.Traces || plain.Runs <= r.Runs {
		t.Errorf("reduced: %s; plain: %s", r.String(), plain.String())
	}
	// An unfair schedule proves nothing about a program that ends under a fair one.
	r = Run(spins, Steps(50), Runs(300))
	if !r.OK() || r.Exhaustive || !r.Capped {
		t.Errorf("%s", r.String())
	}
}

func TestBoundOnPreemptions(t *testing.T) {
	if r := Run(checkThenAct, Preempt(0)); !r.OK() || r.Exhaustive || !strings.Contains(r.String(), "at most 0 preemptions") {
		t.Errorf("%s", r.String())
	}
	none, one, all := Run(passing3x3, Preempt(0)), Run(passing3x3, Preempt(1)), Run(passing3x3, Exhaustive())
	if none.Runs != 6 || one.Runs <= none.Runs || all.Runs != 1680 || one.Runs >= all.Runs {
		t.Errorf("%d, %d and %d schedules", none.Runs, one.Runs, all.Runs)
	}
}

// TestDrift plants state that outlives a run.
func TestDrift(t *testing.T) {
	for name, o := range map[string]Option{"dfs": Exhaustive(), "dpor": DPOR()} {
		t.Run(name, func(t *testing.T) {
			runs := 0
			r := Run(func(m *sim.Machine) {
				runs++
				var a, b sim.Mutex
				m.Go("t1", func(td *lwkt.Thread) {
					if runs > 3 {
						b.Lock(td)
						b.Unlock(td)
					}
					a.Lock(td)
					a.Unlock(td)
					a.Lock(td)
					a.Unlock(td)
				})
				m.Go("t2", func(td *lwkt.Thread) {
					for range 3 {
						a.Lock(td)
						a.Unlock(td)
					}
				})
			}, o)
			var d *Drift
			if !errors.As(r.Err, &d) || d.Before == d.Now {
				t.Errorf("%s", r.String())
			}
		})
	}
}

func TestTellsAndKeeps(t *testing.T) {
	kept := t.TempDir()
	d := (&double{dir: t.TempDir()}).run(func(tb testing.TB) { Test(tb, abba, Keep(kept)) })
	for _, want := range []string{
		"EXPLORE_REPLAY='x2:1:", "go test -artifacts -run '^TestDouble$/^sub:test$' github.com/serializing-tokens/lwkt/explore\n", "lock a", "waits: b (t2)", "explore_test.go:",
		legend, "pictures: the first line keeps them (-artifacts)", "kept: " + filepath.Join(kept, "TestDouble", "sub_test"), "Check it in with the repair, or delete it",
	} {
		if !strings.Contains(d.fatal, want) {
			t.Errorf("it does not say %q:\n%s", want, d.fatal)
		}
	}
	for _, name := range []string{"trace.json", "schedule.svg"} {
		if fi, err := os.Stat(filepath.Join(d.dir, name)); err != nil || fi.Size() == 0 {
			t.Error(name, err)
		}
	}
	files, _ := filepath.Glob(filepath.Join(kept, "TestDouble", "sub_test", "*"))
	if len(files) != 1 {
		t.Fatalf("kept %q", files)
	}
	if n := strings.Count(d.fatal, "EXPLORE_REPLAY="); n != 1 || strings.Contains(d.fatal, d.dir) {
		t.Errorf("the line that repeats it %d times, and perhaps a folder that will be gone:\n%s", n, d.fatal)
	}
	// It is run first from then on, and is enough to fail without a budget.
	d = (&double{dir: t.TempDir()}).run(func(tb testing.TB) { Test(tb, abba, Keep(kept), Runs(1)) })
	if !d.failed || !strings.Contains(d.log.String(), "the schedule kept in") {
		t.Errorf("%q, %q", d.fatal, d.log.String())
	}
	// A program that is right now passes, and says so.
	d = (&double{dir: t.TempDir()}).run(func(tb testing.TB) { Test(tb, unconcerned, Keep(kept)) })
	if d.failed || !strings.Contains(d.log.String(), "is not followed any more: at step 0 thread t0 is about to acquire a; it was") || !strings.Contains(d.log.String(), "is repaired; delete it when it has served") || !strings.Contains(d.log.String(), "exhaustive") {
		t.Errorf("%q, %q", d.fatal, d.log.String())
	}
}

func TestEnvironmentOverrides(t *testing.T) {
	kept := t.TempDir()
	replay := Run(abba).Failure.Replay
	for _, c := range []struct {
		vars  map[string]string
		fails bool
		says  string
	}{
		{map[string]string{"EXPLORE_STRATEGY": "pct:4", "EXPLORE_SEED": "77", "EXPLORE_BUDGET": "30"}, false, "30 runs, "},
		{map[string]string{"EXPLORE_STRATEGY": "pct:4", "EXPLORE_SEED": "77", "EXPLORE_BUDGET": "30ms"}, false, "pct(4, seed 77)"},
		{map[string]string{"EXPLORE_STRATEGY": "preempt:1"}, false, "at most 1 preemptions"},
		{map[string]string{"EXPLORE_STRATEGY": "magic"}, true, "EXPLORE_STRATEGY=magic is none of"},
		{map[string]string{"EXPLORE_SEED": "x"}, true, "EXPLORE_SEED=x is no number"},
		{map[string]string{"EXPLORE_BUDGET": "long"}, true, "EXPLORE_BUDGET=long is neither"},
		{map[string]string{"EXPLORE_STRATEGY": "preempt:-1"}, true, "EXPLORE_STRATEGY=preempt:-1 wants a number from 0 on behind the colon, such as preempt:2"},
		{map[string]string{"EXPLORE_STRATEGY": "pct:0"}, true, "EXPLORE_STRATEGY=pct:0 wants a number from 1 on"},
		{map[string]string{"EXPLORE_STRATEGY": "pct"}, true, "EXPLORE_STRATEGY=pct wants a number from 1 on"},
		{map[string]string{"EXPLORE_STRATEGY": "pct:1", "EXPLORE_BUDGET": "5"}, false, "pct(1, "},
		{map[string]string{"EXPLORE_STRATEGY": "random:3"}, true, "EXPLORE_STRATEGY=random:3 has a number, which random does not take"},
		{map[string]string{"EXPLORE_BUDGET": "-5s"}, true, "EXPLORE_BUDGET=-5s leaves nothing"},
		{map[string]string{"EXPLORE_BUDGET": "-1"}, true, "EXPLORE_BUDGET=-1 leaves nothing"},
		{map[string]string{"EXPLORE_BUDGET": "0"}, true, "EXPLORE_BUDGET=0 leaves nothing"},
		{map[string]string{"EXPLORE_BUDGET": "0s"}, true, "EXPLORE_BUDGET=0s leaves nothing"},
		{map[string]string{"EXPLORE_SEED": "-1"}, true, "EXPLORE_SEED=-1 is no number from 0 on"},
		{map[string]string{"EXPLORE_REPLAY": "x1:zz"}, true, "is no replay string"},
		{map[string]string{"EXPLORE_REPLAY": replay}, true, "EXPLORE_REPLAY is of another test"},
	} {
		t.Run(fmt.Sprint(c.vars), func(t *testing.T) {
			for k, v := range c.vars {
				t.Setenv(k, v)
			}
			d := (&double{dir: t.TempDir()}).run(func(tb testing.TB) { Test(tb, unconcerned, Keep(kept)) })
			if said := d.fatal + d.log.String(); d.failed != c.fails || !strings.Contains(said, c.says) {
				t.Errorf("failed: %v, said: %s", d.failed, said)
			}
		})
	}
}

// TestKeptIsInnocent: a mistake in the environment, or in the program, is not one of a schedule that was kept; but an
// empty file is.
func TestKeptIsInnocent(t *testing.T) {
	kept := t.TempDir()
	dir := filepath.Join(kept, "TestDouble", "sub_test")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "0123456789abcdef")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	test := func(program func(m *sim.Machine), opts ...Option) string {
		return (&double{dir: t.TempDir()}).run(func(tb testing.TB) { Test(tb, program, append(opts, Keep(kept))...) }).fatal
	}
	write("x1:00000000:\n")
	if got := test(func(m *sim.Machine) { panic("planted") }); !strings.HasPrefix(got, "explore: sim: panic in the setup: planted") {
		t.Errorf("%q", got)
	}
	for _, text := range []string{"", "\n", "x1:00000000:1"} {
		write(text)
		if got := test(unconcerned); !strings.HasPrefix(got, file+" is no schedule that was kept; delete it") {
			t.Errorf("%q: %q", text, got)
		}
	}
	t.Setenv("EXPLORE_STRATEGY", "foo")
	if got := test(unconcerned); !strings.HasPrefix(got, "explore: EXPLORE_STRATEGY=foo is none of") {
		t.Errorf("%q", got)
	}
	t.Setenv("EXPLORE_STRATEGY", "random")
	t.Setenv("EXPLORE_BUDGET", "10")
	if got := (&double{}).run(func(tb testing.TB) { Test(tb, unconcerned, Keep(""), MustFinish()) }).fatal; !strings.Contains(got, ". EXPLORE_STRATEGY=random never tries all") {
		t.Errorf("%q", got)
	}
}

func TestTape(t *testing.T) {
	if r := Run(abba, Tape(nil)); !r.OK() || r.Runs != 1 {
		t.Errorf("%s", r.String())
	}
	if r := Run(abba, Tape([]byte{0, 1})); r.Failure == nil {
		t.Errorf("%s", r.String())
	}
}

func FuzzABBA(f *testing.F) { Fuzz(f, unconcerned) }

// TestShrinks takes a long failure to few switches in few runs: a machine that is not busy makes some ten times as
// many in a second.
func TestShrinks(t *testing.T) {
	row := shrinking("shrink-700", time.Hour)
	if !row.Found || row.Switches > 10 || row.Schedules > 1000 {
		t.Errorf("%+v", row)
	}
	t.Logf("%+v", row)
}

// TestLateThread is the bug to which a random walk is blind.
func TestLateThread(t *testing.T) {
	runs := 20000
	if slow > 1 || testing.Short() {
		runs = 3000
	}
	if r := Run(lateABBA, Random(), Runs(runs)); r.Failure != nil {
		t.Errorf("random walk: %s", r.String())
	}
	for seed := range uint64(3) {
		r := Run(lateABBA, Portfolio(), Seed(seed), Runs(20000))
		if r.Failure == nil {
			t.Errorf("portfolio: %s", r.String())
			continue
		}
		t.Logf("seed %d: run %d, by %s, %d switches", seed, r.Failure.Run, r.Failure.Strategy, r.Failure.Switches)
	}
}

func TestDiningWithTokens(t *testing.T) {
	n := 5
	if slow > 1 {
		n = 4
	}
	r := Run(diningTokens(n), DPOR(), Budget(60*time.Second))
	if !r.OK() || !r.Exhaustive {
		t.Errorf("%s", r.String())
	}
	t.Logf("%s", r.String())
	// As many traces as plain enumeration finds, in far fewer runs.
	all := Run(diningTokens(3), Exhaustive(), Budget(60*time.Second))
	if r := Run(diningTokens(3)); r.Traces != all.Traces || !r.Exhaustive || !all.Exhaustive || r.Runs >= all.Runs {
		t.Errorf("%s; enumeration: %s", r.String(), all.String())
	}
	t.Logf("3 philosophers, enumeration: %s", all.String())
}
