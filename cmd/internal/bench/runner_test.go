package bench

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// fake is a runner on a clock that only loops and collections move.
type fake struct {
	runner
	t     time.Time
	trace []string // what happened, in order
	ks    []int
}

func newFake() *fake {
	f := &fake{t: time.Unix(0, 0)}
	f.runner = runner{
		now:   func() time.Time { return f.t },
		gc:    func() { f.trace = append(f.trace, "gc"); f.t = f.t.Add(200 * time.Microsecond) },
		setK:  func(k int) { f.ks = append(f.ks, k) },
		k:     1000,
		show:  func(string) {},
		stuck: time.Minute,
	}
	return f
}

// loop takes perOp for each operation, and start for each run.
func (f *fake) loop(name string, start, perOp time.Duration) loop {
	return func(n int, limit time.Duration) (int, time.Duration, error) {
		if limit > 0 {
			n = min(n, int(limit/perOp)+1)
		}
		took := start + time.Duration(n)*perOp
		f.t = f.t.Add(took)
		f.trace = append(f.trace, name)
		return n, took, nil
	}
}

func (f *fake) runs() []string {
	return slices.DeleteFunc(slices.Clone(f.trace), func(s string) bool { return s == "gc" })
}

var testEffort = effort{rounds: 9, round: 10 * time.Millisecond, floor: time.Millisecond}

func TestRoundsInterleave(t *testing.T) {
	f := newFake()
	r := row{name: "r", effort: testEffort, lwkt: f.loop("l", 0, 20*time.Microsecond), sync: f.loop("s", 0, 10*time.Microsecond)}
	res, err := f.all(groups([]row{r}, 1000, func(string) bool { return true }), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if len(res) != 1 || res[0].rounds != 9 || res[0].ratio != 2 || res[0].lwkt != 20000 || res[0].sync != 10000 || res[0].spread != 0 {
		t.Errorf("got %+v", res)
	}
	runs := f.runs()
	if got, want := strings.Join(runs[len(runs)-18:], ""), "sllssllssllssllssl"; got != want {
		t.Errorf("rounds ran as %s, want %s", got, want)
	}
	for i, s := range f.trace {
		if (s == "gc") != (i%2 == 0) {
			t.Fatalf("not one collection before each run: %v", f.trace)
		}
	}
}

func TestVariantsRunAtTheirBound(t *testing.T) {
	f := newFake()
	r := row{name: "r", effort: testEffort, extraK: []int{0, 64}}
	r.sync = f.loop("s", 0, 10*time.Microsecond)
	r.lwkt = func(n int, limit time.Duration) (int, time.Duration, error) {
		k := f.ks[len(f.ks)-1]
		return f.loop(fmt.Sprint("k", k), 0, time.Duration(10+k)*time.Microsecond)(n, limit)
	}
	res, err := f.all(groups([]row{r}, 1000, func(string) bool { return true }), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		name  string
		ratio float64
	}{{"r", 101}, {"r-k0", 1}, {"r-k64", 7.4}} {
		if res[i].name != want.name || math.Abs(res[i].ratio-want.ratio) > 1e-9 {
			t.Errorf("result %d is %+v, want %+v", i, res[i], want)
		}
	}
	runs := f.runs()
	if got, want := strings.Join(runs[len(runs)-8:], " "), "k64 k0 k1000 s s k1000 k0 k64"; got != want {
		t.Errorf("the last two rounds ran as %s, want %s", got, want)
	}
	if f.ks[len(f.ks)-1] != 1000 {
		t.Errorf("the bound was left at %d", f.ks[len(f.ks)-1])
	}
}

// TestBudget sees that all rows come out however little time there is, with as many rounds as fit, and
// that no run takes longer than the budget where that can be.
func TestBudget(t *testing.T) {
	for _, c := range []struct {
		budget         time.Duration
		rounds, atMost int
	}{
		{10 * time.Second, 9, 9},
		{time.Second, 9, 9},
		{250 * time.Millisecond, 3, 9},
		{60 * time.Millisecond, 1, 3},
		{time.Nanosecond, 1, 1},
	} {
		f := newFake()
		var table []row
		for i := range 8 {
			cost := time.Duration(1+i*i) * time.Microsecond
			e := testEffort
			e.timed = i%2 == 1
			table = append(table, row{name: fmt.Sprint("row-", i), effort: e,
				lwkt: f.loop("l", 50*time.Microsecond, cost), sync: f.loop("s", 50*time.Microsecond, 3*cost)})
		}
		start := f.t
		res, err := f.all(groups(table, 1000, func(string) bool { return true }), c.budget)
		if err != nil {
			t.Fatal(err)
		}
		if len(res) != len(table) {
			t.Errorf("budget %v: %d rows, want %d", c.budget, len(res), len(table))
		}
		for _, r := range res {
			if r.rounds < c.rounds || r.rounds > c.atMost {
				t.Errorf("budget %v: %s had %d rounds, want %d to %d", c.budget, r.name, r.rounds, c.rounds, c.atMost)
			}
		}
		// Below what one short round of everything costs, that cost is what it takes.
		if took, limit := f.t.Sub(start), max(c.budget+c.budget/10, 100*time.Millisecond); took > limit {
			t.Errorf("budget %v: took %v", c.budget, took)
		}
	}
}

func TestCalibrate(t *testing.T) {
	for _, perOp := range []time.Duration{time.Nanosecond, time.Microsecond, time.Second} {
		f := newFake()
		c := &contestant{run: f.loop("x", 0, perOp), k: noK}
		if err := f.calibrate(&row{effort: testEffort}, c, 10*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if want := max(1, int(10*time.Millisecond/perOp)); c.ops != want {
			t.Errorf("%v an operation: %d operations in 10 ms, want %d", perOp, c.ops, want)
		}
	}
	f := newFake()
	c := &contestant{run: f.loop("x", 0, time.Millisecond), k: noK}
	timed := testEffort
	timed.timed = true
	if err := f.calibrate(&row{effort: timed}, c, 10*time.Millisecond); err != nil || c.limit != 10*time.Millisecond || len(f.runs()) != 1 {
		t.Errorf("a timed row: limit %v after %d runs, %v", c.limit, len(f.runs()), err)
	}

	f = newFake() // a loop that the compiler threw away
	c = &contestant{run: func(n int, _ time.Duration) (int, time.Duration, error) { return n, 0, nil }, k: noK}
	if err := f.calibrate(&row{effort: testEffort}, c, 10*time.Millisecond); err != nil || c.ops != maxOps {
		t.Errorf("operations that take no time: %d of them, %v", c.ops, err)
	}
}

func TestAFailingRunEndsTheRow(t *testing.T) {
	f := newFake()
	broken := errors.New("no exclusion")
	r := row{name: "r", effort: testEffort, sync: f.loop("s", 0, time.Microsecond),
		lwkt: func(n int, _ time.Duration) (int, time.Duration, error) { return n, 1, broken }}
	_, err := f.all(groups([]row{r}, 1000, func(string) bool { return true }), time.Second)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "row r") {
		t.Errorf("got %v", err)
	}

	f.stuck = time.Millisecond
	over := make(chan struct{})
	defer close(over)
	r.lwkt = func(n int, _ time.Duration) (int, time.Duration, error) { <-over; return n, 1, nil }
	_, err = f.all(groups([]row{r}, 1000, func(string) bool { return true }), time.Second)
	if err == nil || !strings.Contains(err.Error(), "stuck") {
		t.Errorf("got %v", err)
	}
	if f.ks[len(f.ks)-1] != 1000 {
		t.Errorf("the bound was left at %d", f.ks[len(f.ks)-1])
	}
}

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		samples []float64
		q, want float64
	}{
		{[]float64{7}, 0.5, 7},
		{[]float64{9, 1, 5}, 0.5, 5},
		{[]float64{4, 1, 3, 2}, 0.5, 2.5},
		{[]float64{5, 4, 3, 2, 1}, 0.25, 2},
		{[]float64{5, 4, 3, 2, 1}, 1, 5},
	} {
		before := slices.Clone(c.samples)
		if got := quantile(c.samples, c.q); got != c.want {
			t.Errorf("quantile(%v, %v) = %v, want %v", c.samples, c.q, got, c.want)
		}
		if !slices.Equal(before, c.samples) {
			t.Error("quantile changed its argument: pairs of rounds would be torn apart")
		}
	}
}

// TestIdleRunsGetMoreTime: a run in which nobody came to run says nothing, unless it goes on like that.
func TestIdleRunsGetMoreTime(t *testing.T) {
	for _, c := range []struct {
		enough time.Duration // of a limit
		want   error
	}{{16 * time.Millisecond, nil}, {time.Hour, errIdle}} {
		f := newFake()
		l := func(n int, limit time.Duration) (int, time.Duration, error) {
			f.t = f.t.Add(limit)
			if limit < c.enough {
				return 0, limit, errIdle
			}
			return 100, limit, nil
		}
		e := testEffort
		e.timed = true
		r := row{name: "r", effort: e, lwkt: l, sync: l}
		res, err := f.all(groups([]row{r}, 1000, func(string) bool { return true }), 100*time.Second)
		if !errors.Is(err, c.want) || err == nil && res[0].ratio != 1 {
			t.Errorf("%v: %v, %v", c.enough, res, err)
		}
	}
}
