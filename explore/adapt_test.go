package explore

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// update is a program that loses one, in one of the shapes that its author may give it.
type update struct {
	before, between int  // operations on another variable
	first           bool // a thread more, made first
	name            string
	locked          bool
}

func (u update) program(m *sim.Machine) { Tested(u, m) }

// Tested has a name by which its calls are taken for those of a program under test.
func Tested(u update, m *sim.Machine) {
	var x, n sim.Var[int]
	var mu sim.Mutex
	add := func(td *lwkt.Thread) {
		for range u.before {
			n.Store(td, 1)
		}
		if u.locked {
			mu.Lock(td)
			defer mu.Unlock(td)
		}
		v := x.Load(td)
		for range u.between {
			n.Load(td)
		}
		x.Store(td, v+1)
	}
	if u.first {
		m.Go("zero", func(td *lwkt.Thread) { n.Load(td) })
	}
	m.Go("one", add)
	m.Go("two"+u.name, add)
	m.Finally(func() { m.Assert(x.Value() == 2, "lost update") })
}

// TestReplaySurvivesChange replays what was found in one shape of a program on another.
func TestReplaySurvivesChange(t *testing.T) {
	for _, c := range []struct {
		name      string
		then, now update
		fails     bool
		says      string // where they part
	}{
		{"the same", update{}, update{}, true, ""},
		{"a thread with another name", update{}, update{name: "nd"}, true, ""},
		{"one operation more before", update{}, update{before: 1}, true, "at step 0 thread one is about to store *sim.Var[int] #0 (adapt_test.go:31); it was about to load something not used before"},
		{"five operations more before", update{}, update{before: 5}, true, "at step 0 thread one is about to store *sim.Var[int] #0 (adapt_test.go:31)"},
		{"one operation fewer before", update{before: 2}, update{before: 1}, true, "thread one is about to load *sim.Var[int] #1 (adapt_test.go:37); it was about to store *sim.Var[int] #0"},
		{"none before", update{before: 1}, update{}, true, "at step 0 thread one is about to load *sim.Var[int] #0 (adapt_test.go:37)"},
		{"an operation between", update{}, update{between: 1}, true, "is about to load *sim.Var[int] #1 (adapt_test.go:39); it was about to store *sim.Var[int] #0"},
		{"three operations between and two before", update{before: 1}, update{before: 2, between: 3}, true, "is about to store *sim.Var[int] #0 (adapt_test.go:31)"},
		{"a thread more first", update{}, update{first: true}, true, "thread zero is about to load *sim.Var[int] #0 (adapt_test.go:44); it was thread one, which was about to load something not used before"},
		{"a thread more first, and more before", update{}, update{first: true, before: 2}, true, "thread zero is about to load *sim.Var[int] #0 (adapt_test.go:44)"},
		{"a thread fewer", update{first: true}, update{}, true, "at step 0 thread one is about to load *sim.Var[int] #0 (adapt_test.go:37); it was thread zero, which was about to load something not used before"},
		{"repaired", update{}, update{locked: true}, false, "at step 0 thread one is about to lock mutex #"},
	} {
		found := Run(c.then.program).Failure
		w, err := parseReplay(found.Replay)
		if err != nil || w.String() != found.Replay {
			t.Fatalf("%s: %v, %s", found.Replay, err, w)
		}
		r := Run(c.now.program, Replay(found.Replay))
		text := r.String()
		if (r.Failure != nil) != c.fails || r.Err != nil || (c.says == "") != (r.Diverged == "") || !strings.Contains(r.Diverged, c.says) {
			t.Errorf("%s: %s: %s", c.name, found.Replay, text)
			continue
		}
		switch {
		case !c.fails:
			if r.Adapted || r.Near == 0 || !strings.Contains(text, fmt.Sprintf("; of %d schedules near it none fails", r.Near)) {
				t.Errorf("%s: %s", c.name, text)
			}
			continue
		case c.says == "":
			if r.Failure.Replay != found.Replay || r.Near != 0 {
				t.Errorf("%s: %s instead of %s", c.name, r.Failure.Replay, found.Replay)
			}
		case r.Adapted != strings.Contains(text, "after the schedule was adapted (") || !strings.Contains(text, "the replay diverged: "+r.Diverged):
			t.Errorf("%s: %s", c.name, text)
		}
		t.Logf("%s: %s -> %s (%d tried)", c.name, found.Replay, r.Failure.Replay, r.Near)
		// What it is told as repeats it without more ado.
		if again := Run(c.now.program, Replay(r.Failure.Replay)); again.Failure == nil || again.Diverged != "" || again.Near != 0 {
			t.Errorf("%s: %s", c.name, again.String())
		}
		// As it was written before.
		w = schedules(t, c.then.program, found.Replay)
		if r := Run(c.now.program, Replay(w.String())); r.Failure == nil != !c.fails || r.Err != nil {
			t.Errorf("%s: %s: %s", c.name, w, r.String())
		}
	}
}

// schedules is the schedule of a replay string by the numbers of steps.
func schedules(t *testing.T, program func(m *sim.Machine), line string) *schedule {
	t.Helper()
	w, err := parseReplay(line)
	if err != nil {
		t.Fatal(err)
	}
	s := w.chooser()
	if err := sim.Do(func(session *sim.Session) {
		x := &exploration{config: newConfig(nil), cap: defaultSteps, host: &host{session: session, options: sim.Options{Steps: 2 * defaultSteps}, program: program}}
		x.once(s)
	}); err != nil {
		t.Fatal(err)
	}
	return &schedule{byStep: true, hash: s.hash, list: s.deviations}
}

// TestReplaySurvivesRenaming has other names for locks and threads, which it does not depend on.
func TestReplaySurvivesRenaming(t *testing.T) {
	program := func(thread, lock string) func(m *sim.Machine) {
		return func(m *sim.Machine) {
			var a, b sim.Mutex
			a.Name, b.Name = lock+"1", lock+"2"
			both := func(x, y *sim.Mutex) func(td *lwkt.Thread) {
				return func(td *lwkt.Thread) {
					x.Lock(td)
					y.Lock(td)
					y.Unlock(td)
					x.Unlock(td)
				}
			}
			m.Go(thread+"1", both(&a, &b))
			m.Go(thread+"2", both(&b, &a))
		}
	}
	line := Run(program("t", "lock")).Failure.Replay
	for _, c := range [][2]string{{"t", "mutex"}, {"thread", "lock"}, {"it's: a, ", "'"}} {
		r := Run(program(c[0], c[1]), Replay(line))
		if r.Failure == nil || r.Diverged != "" {
			t.Errorf("%q: %s", c, r.String())
		}
		line := Run(program(c[0], c[1])).Failure.Replay
		if strings.ContainsAny(line, "' ") || Run(program(c[0], c[1]), Replay(line)).Failure == nil {
			t.Error(line)
		}
	}
}

// TestReplayFailsOtherwise has a change of how it fails, and of where a long run parts.
func TestReplayFailsOtherwise(t *testing.T) {
	long := func(steps int, how func(m *sim.Machine)) func(m *sim.Machine) {
		return func(m *sim.Machine) {
			var n, x sim.Var[int]
			m.Go("one", func(td *lwkt.Thread) {
				for range steps {
					n.Load(td)
				}
				x.Store(td, 1)
			})
			m.Go("two", func(td *lwkt.Thread) {
				if x.Load(td) == 1 {
					how(m)
				}
			})
		}
	}
	assert := func(m *sim.Machine) { m.Assert(false, "planted") }
	line := Run(long(2, assert)).Failure.Replay
	r := Run(long(3, func(*sim.Machine) { panic("planted") }), Replay(line))
	if r.Failure == nil || r.Failure.Outcome != sim.Panic || !strings.Contains(r.Diverged, "; when the schedule was found, it was assertion failed") {
		t.Errorf("%s", r.String())
	}
	line = Run(long(100, assert)).Failure.Replay
	r = Run(long(101, func(*sim.Machine) {}), Replay(line))
	if !r.OK() || r.Diverged != "the first 64 steps are what they were, but later the operations are not what they were" || len(line) > 200 {
		t.Errorf("%s: %s", line, r.String())
	}
	line = Run(long(0, assert)).Failure.Replay
	for n, want := range map[int]string{
		1: "thread one is about to load *sim.Var[int] #", 0: "", // which is the same
	} {
		if r = Run(long(n, assert), Replay(line)); r.Failure == nil || !strings.Contains(r.Diverged, want) || (want == "") != (r.Diverged == "") {
			t.Errorf("%d: %s", n, r.String())
		}
	}
	// Strings by step, of other programs.
	for _, c := range [][2]string{
		{"x1:00000000:2>7,900>1", "at step 2 the schedule wants 7 to go on, which cannot; thread t"},
		{"x1:00000000:900>1", "before the deviation at step 900"},
		{"x1:00000000:", "the operations are not what they were"},
		{"x2:1:00000000:t0:0.1>9,7.7>1:.AAA", "at step 0 thread t0 is about to acquire a; it was about to start"},
		{"x2:1:00000000:t0:0.1>9:.B1_", "it was thread t1, which was about to do something"},
	} {
		if r := Run(unconcerned, Replay(c[0])); !r.OK() || !strings.Contains(r.Diverged, c[1]) || r.Near == 0 && c[0] != "x1:00000000:" {
			t.Errorf("%s: %s", c[0], r.String())
		}
	}
}

// TestReplayOfManyTurns has three threads that fail only if they go on in one order of
// turns, and puts operations in front of and between them, not as many in each.
func TestReplayOfManyTurns(t *testing.T) {
	chain := func(more int, weights [3]int) func(m *sim.Machine) {
		return func(m *sim.Machine) {
			var turn, n sim.Var[int]
			step := func(td *lwkt.Thread, want int) bool {
				if turn.Load(td) != want {
					return false
				}
				turn.Store(td, want+1)
				return true
			}
			for i := range 3 {
				m.Go(fmt.Sprint("t", i), func(td *lwkt.Thread) {
					for range more * weights[i] {
						n.Load(td)
					}
					if !step(td, i) {
						return
					}
					for range more {
						n.Store(td, 1)
					}
					if step(td, 5-i) && i < 2 && step(td, 6+i) {
						m.Assert(i == 0, "planted")
					}
				})
			}
		}
	}
	line := Run(chain(0, [3]int{}), Portfolio(), Runs(100000)).Failure.Replay
	for more := 1; more <= 5; more++ {
		for _, weights := range [][3]int{{1, 1, 1}, {0, 1, 2}, {2, 0, 1}} {
			r := Run(chain(more, weights), Replay(line))
			if r.Failure == nil || !r.Adapted || r.Near > 10 {
				t.Errorf("%d, %v: %s: %d tried: %s", more, weights, line, r.Near, r.String())
			}
		}
	}
}

// TestKeptSurvivesChange has a test find a failure, change, and be repaired.
func TestKeptSurvivesChange(t *testing.T) {
	kept := t.TempDir()
	folder := filepath.Join(kept, "TestDouble", "sub_test")
	files := func() int {
		list, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	// test is one of a single run that does not find it.
	test := func(u update, opts ...Option) (d *double, said string) {
		opts = append([]Option{Keep(kept)}, opts...)
		d = (&double{dir: t.TempDir()}).run(func(tb testing.TB) { Test(tb, u.program, opts...) })
		return d, d.log.String() + d.fatal
	}
	blind := Tape(nil)
	if d, said := test(update{}, Auto()); !d.failed || files() != 1 {
		t.Fatal(said)
	}
	if d, said := test(update{before: 1}, blind); !d.failed || files() != 2 || !strings.Contains(said, "was adapted to the program, and fails") || !strings.Contains(said, "\nkept: "+folder) {
		t.Errorf("%d files: %s", files(), said)
	}
	if d, said := test(update{before: 1}, blind); !d.failed || files() != 2 {
		t.Errorf("%d files: %s", files(), said)
	}
	if d, said := test(update{}, blind); !d.failed || files() != 2 || strings.Contains(said, "adapted") && strings.Contains(said, "diverged: \n") {
		t.Errorf("%d files: %s", files(), said)
	}
	d, said := test(update{locked: true}, blind)
	if d.failed || strings.Count(said, "is not followed any more: at step 0 thread one is about to lock mutex #") != 2 || strings.Count(said, "may still be there; explore for longer") != 2 || strings.Contains(said, "repaired") {
		t.Error(said)
	}
	d, said = test(update{locked: true}, Auto())
	if d.failed || strings.Count(said, "of 2 schedules near it") > 2 || strings.Count(said, "is repaired; delete it when it has served") != 2 || strings.Contains(said, "may still") {
		t.Error(said)
	}
	// A program that is followed step by step, and asserts nothing any more.
	line := Run(update{}.program).Failure.Replay
	t.Setenv("EXPLORE_REPLAY", line)
	d, said = test(update{locked: true})
	if !d.failed || !strings.Contains(said, "at step 0 thread one is about to lock mutex #") || !strings.Contains(said, "schedules near it none fails.\n") {
		t.Error(said)
	}
	if d, said = test(update{before: 2}); !d.failed || !strings.Contains(said, "after the schedule was adapted") || files() != 2 {
		t.Error(said)
	}
}

func TestReplayStrings(t *testing.T) {
	list := []deviation{{3, key{sim.Step, 1}, -1, 1}, {17, key{sim.Step, 0}, 2, 4}, {18, key{sim.Choice, 2}, 0, 9}, {20, key{sim.Timer, 1}, 1, 3}, {21, key{sim.Interrupt, 3}, 1, 4}, {22, key{sim.Tick, 0}, 1, 5}}
	w := &schedule{outcome: sim.Panic, hash: 0xbadcafe, names: []string{"a b", "", "c:,'>"}, list: list, marks: []mark{{0, 1, 2}, {0, 56, 0}, {63, 0, 63}}}
	const x2 = "x2:2:0badcafe:a+b,,c%3A%2C%27%3E:-.1>1,2.4>0,0.9>c2,1.3>t1,1.4>i3,1.5>k0:.ABC4A._A_"
	if s := w.String(); s != x2 {
		t.Error(s)
	}
	w.byStep = true
	const x1 = "x1:0badcafe:3>1,17>0,18>c2,20>t1,21>i3,22>k0"
	if s := w.String(); s != x1 {
		t.Error(s)
	}
	for _, line := range []string{x1, x2, "x1:00000000:", "x2:1:00000001:::"} {
		if w, err := parseReplay(line + "\n"); err != nil || w.String() != line {
			t.Errorf("%v, %v", w, err)
		}
	}
	for _, bad := range []string{
		"", "x1", "x2:0:", "x3:0:", "x1:g:", "x1:0:1", "x1:0:1>", "x1:0:a>1", "x1:0:1>x", "x1:0:-1>1", "x1:0:1>t-1", "x1:0:1>t", "x1:0:>1", "x1:0:+1>1",
		"x2:0:0:a:0.1>1", "x2:x:0:::", "x2:99:0:::", "x2:0:g:::", "x2:0:0:%:x:", "x2:0:0::0>1:", "x2:0:0::0.>1:", "x2:0:0::.1>1:", "x2:0:0::--.1>1:", "x2:0:0::0.1:", "x2:0:0::0.1>:", "x2:0:0:::A", "x2:0:0:::AB", "x2:0:0:::.A.", "x2:0:0:::.AB", "x2:0:0:::.A!!",
	} {
		if _, err := parseReplay(bad); err == nil || !strings.Contains(err.Error(), "is no replay string (") {
			t.Errorf("%q is accepted: %v", bad, err)
		}
	}
}

// FuzzReplayStrings reads what may be none, and writes and reads again what is one.
func FuzzReplayStrings(f *testing.F) {
	for _, line := range []string{"x1:0badcafe:3>1,17>c0", "x2:1:0badcafe:one,two:0.1>1,-.3>t1:.ASB.BSBTB.ATB", "x2:2:1:%3A,+:1.1>k0:.__-"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		w, err := parseReplay(line)
		if err != nil {
			return
		}
		again, err := parseReplay(w.String())
		if err != nil || again.String() != w.String() || !reflect.DeepEqual(again.list, w.list) || !reflect.DeepEqual(again.marks, w.marks) {
			t.Errorf("%q: %q: %v", line, w, err)
		}
		if len(w.list) < 20 {
			Run(abba, Replay(line), Steps(100))
		}
	})
}

func TestCommon(t *testing.T) {
	for _, c := range []struct{ a, b, want []int }{
		{nil, []int{1}, []int{}},
		{[]int{1, 2}, []int{2, 1, 2}, []int{1, 2}},
		{[]int{1, 2, 3}, []int{1, 3}, []int{0, -1, 1}},
		{[]int{1, 1}, []int{1, 2, 1, 1}, []int{2, 3}},
		{[]int{4}, nil, []int{-1}},
	} {
		got := common(c.a, c.b)
		n := 0
		for i, j := range got {
			if j >= 0 && c.a[i] != c.b[j] {
				t.Errorf("%v, %v: %v", c.a, c.b, got)
			}
			if j >= 0 {
				n++
			}
		}
		want := 0
		for _, j := range c.want {
			if j >= 0 {
				want++
			}
		}
		if len(got) != len(c.want) || n != want {
			t.Errorf("%v, %v: %v", c.a, c.b, got)
		}
	}
}
