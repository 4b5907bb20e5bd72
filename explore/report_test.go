package explore

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// TestReportText is what a report says in one line.
func TestReportText(t *testing.T) {
	one := func(m *sim.Machine) { m.Go("t", func(td *lwkt.Thread) { new(lwkt.Token).Acquire(td) }) }
	alone := func(m *sim.Machine) { m.Go("t", func(td *lwkt.Thread) {}) }
	abbaReplay := Run(abba).Failure.Replay
	for _, c := range []struct {
		program func(m *sim.Machine)
		opts    []Option
		want    string
	}{
		{alone, nil, "the only trace (orders of operations that matter), exhaustive (reduced by dpor; 1 run)"},
		{alone, []Option{Exhaustive()}, "the only trace (orders of operations that matter), exhaustive (plain enumeration; 1 run)"},
		{passing3x3, []Option{Exhaustive()}, "all 1680 traces (orders of operations that matter), exhaustive (plain enumeration; 1680 runs)"},
		{unconcerned, []Option{Exhaustive(), Runs(1000000)}, " schedules, exhaustive (plain enumeration; "},
		{unconcerned, []Option{Random(), Runs(1)}, "not exhaustive: 1 run, 1 trace (orders of operations that matter; random(seed 1))"},
		{unconcerned, []Option{PCT(2), Runs(5000)}, "with a chance of more than 99%"},
		{unconcerned, []Option{PCT(2), Runs(1)}, "with a chance of at least "},
		{abba, []Option{Replay(abbaReplay)}, "deadlock in a replay, in a schedule with 1 switch\n"},
		{abba, nil, "deadlock in run "},
		{one, nil, "locks held at exit in run 1 of dpor, in a schedule with 0 switches\n"},
	} {
		if r := Run(c.program, c.opts...); !strings.Contains(r.String(), c.want) {
			t.Errorf("%q is not in: %s", c.want, r.String())
		}
	}
	// A run that is left behind has neither a number nor a schedule.
	r := Report{Failure: &Failure{Outcome: sim.RealBlock, Err: errors.New("it hangs")}}
	if got := r.String(); got != "blocked outside the simulation\n\nit hangs\n" {
		t.Errorf("%q", got)
	}
}

func TestMustFinish(t *testing.T) {
	for _, c := range []struct {
		opts  []Option
		fails bool
	}{
		{nil, false},
		{[]Option{Exhaustive(), Runs(1000000)}, false},
		{[]Option{Random(), Runs(10)}, true},
		{[]Option{DPOR(), Runs(2)}, true},
		{[]Option{Preempt(1)}, true},
		{[]Option{Replay("x1:00000000:")}, false},
	} {
		r := Run(unconcerned, append(c.opts, MustFinish())...)
		if u := new(Unfinished); errors.As(r.Err, &u) != c.fails || r.OK() == c.fails {
			t.Errorf("%s", r.String())
		}
		if r := Run(unconcerned, c.opts...); !r.OK() {
			t.Errorf("without it: %s", r.String())
		}
		d := (&double{dir: t.TempDir()}).run(func(tb testing.TB) { Test(tb, unconcerned, append(c.opts, MustFinish(), Keep(""))...) })
		if d.failed != c.fails || c.fails && !strings.Contains(d.fatal, "MustFinish, but ") || strings.Count(d.fatal, "a bug of depth") > 1 {
			t.Errorf("%s", d.fatal)
		}
	}
	d := (&double{dir: t.TempDir()}).run(func(tb testing.TB) { Test(tb, unconcerned, PCT(2), Runs(10), MustFinish(), Keep("")) })
	if strings.Count(d.fatal, "a bug of depth") != 1 || !strings.HasSuffix(strings.TrimSpace(d.fatal), ". pct(2, seed 1) never tries all, however long: take Auto, DPOR or Exhaustive, or leave out MustFinish.") {
		t.Errorf("what is promised is told %d times: %s", strings.Count(d.fatal, "a bug of depth"), d.fatal)
	}
}

// TestOptionsAreChecked: what makes no sense is an error that says where it stands.
func TestOptionsAreChecked(t *testing.T) {
	for _, c := range []struct {
		o    Option
		want string
	}{
		{Runs(-1), "Runs(-1): "}, {CPUs(-1), "CPUs(-1): "}, {Steps(-1), "Steps(-1): "}, {Budget(-time.Second), "Budget(-1s): "},
		{On(sim.Options{CPUs: -2}), "CPUs(-2): "},
		{Preempt(-1), "Preempt(-1): the number is at least 0"}, {PCT(0), "PCT(0): the number is at least 1"},
	} {
		if r := Run(unconcerned, c.o); r.Err == nil || !strings.HasPrefix(r.Err.Error(), "explore: "+c.want) {
			t.Errorf("%s: %s", c.want, r.String())
		}
		if _, err := Picture(unconcerned, "", c.o); err == nil || !strings.HasPrefix(err.Error(), "explore: "+c.want) {
			t.Errorf("%s, drawn: %v", c.want, err)
		}
	}
	if !sim.HasWords {
		if r := Run(unconcerned, On(sim.Options{Words: true})); r.Err == nil || !strings.Contains(r.Err.Error(), "needs a build with") {
			t.Errorf("%s", r.String())
		}
	}
	if r := Run(unconcerned, Runs(0), CPUs(0), Steps(0), Budget(0)); !r.OK() {
		t.Errorf("%s", r.String())
	}
}

func TestNoProgram(t *testing.T) {
	if r := Run(nil); r.OK() || !strings.Contains(r.String(), "no program") {
		t.Errorf("%s", r.String())
	}
}

// TestReplayLine hands names of tests over to a shell, and what it makes of them to go test -run.
func TestReplayLine(t *testing.T) {
	for name, want := range map[string]string{
		"TestX":                `'^TestX$'`,
		"TestX/it's_a+b":       `'^TestX$/^it'\''s_a\+b$'`,
		"TestX/$HOME/`ls`.(x)": "'^TestX$/^\\$HOME$/^`ls`\\.\\(x\\)$'",
	} {
		if got := quoted(pattern(name)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		for i, part := range strings.Split(pattern(name), "/") {
			if !regexp.MustCompile(part).MatchString(strings.Split(name, "/")[i]) {
				t.Errorf("%s does not match %s", part, name)
			}
		}
	}
}

func TestPackageOf(t *testing.T) {
	for function, want := range map[string]string{
		"example.com/you/sub.TestX":             "example.com/you/sub",
		"example.com/you/sub_test.TestX.func1":  "example.com/you/sub",
		"example.com/you/v2%2e1.(*suite).TestX": "example.com/you/v2.1",
		"bank.TestX":                            "bank",
		"command-line-arguments.TestX":          "",
	} {
		if got := packageOf(function); got != want {
			t.Errorf("%s: %q", function, got)
		}
	}
	if got := caller(); got != "" { // of the caller of this test
		t.Errorf("%q", got)
	}
	if got := func() string { return caller() }(); got != "github.com/serializing-tokens/lwkt/explore" {
		t.Errorf("%q", got)
	}
}
