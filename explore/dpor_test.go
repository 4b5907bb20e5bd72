package explore

import (
	"math/rand/v2"
	"testing"

	"github.com/serializing-tokens/lwkt/sim"
)

// traceSet runs a program to the end of a strategy and returns its traces, with how
// each ended, and the number of complete runs.
func traceSet(t *testing.T, run func(c sim.Chooser) result, s strategy, most int) (set map[uint64]sim.Outcome, complete int, ok bool) {
	t.Helper()
	set = map[uint64]sim.Outcome{}
	g, runs := &guard{cap: 1000, traces: newTraces()}, 0
	c := g.over(s)
	for s.begin() {
		g.begin()
		r := run(c)
		s.end(&r)
		if d := s.drifted(); d != nil {
			t.Fatal(d)
		}
		runs++
		complete = runs - s.blocked()
		if r.Outcome != sim.Abandoned {
			set[g.traces.sum] = r.Outcome
		}
		if complete > most {
			return nil, complete, false
		}
	}
	return set, complete, true
}

// TestReductionIsExact is what the reduction stands on: on random programs it runs
// exactly the traces that plain enumeration finds, and each once.
func TestReductionIsExact(t *testing.T) {
	const programs = 1200
	var checked, naive, traces, blocked, deadlocks int
	r := rand.New(rand.NewPCG(1, 2))
	for n := 0; n < programs; n++ {
		f := randomFake(r, n%2 == 0, n%4 == 3)
		want, runs, ok := traceSet(t, f.run, newDFS(-1), 30000)
		if !ok {
			continue
		}
		s := newDPOR()
		s.tries = true
		got, complete, _ := traceSet(t, f.run, s, 1<<30)
		if s.why != "" {
			t.Fatalf("program %d: not reduced: %s", n, s.why)
		}
		for h, o := range want {
			if o == sim.Deadlock {
				deadlocks++
			}
			if g, ok := got[h]; !ok || g != o {
				t.Errorf("program %d %+v: a trace that ends with %v is missed", n, f.threads, o)
				break
			}
		}
		if len(got) > len(want) {
			t.Errorf("program %d %+v: %d traces are invented", n, f.threads, len(got)-len(want))
		}
		if complete != len(got) {
			t.Errorf("program %d %+v: %d runs for %d traces", n, f.threads, complete, len(got))
		}
		checked++
		naive, traces, blocked = naive+runs, traces+len(want), blocked+s.blocked()
		if t.Failed() {
			return
		}
	}
	t.Logf("%d programs, %d schedules, %d traces (%d of them deadlocks), %d runs abandoned", checked, naive, traces, deadlocks, blocked)
	if checked < 1000 || deadlocks < 60 {
		t.Errorf("only %d programs, %d deadlocks", checked, deadlocks)
	}
}

// TestReductionNeedsItsInputs sees that the judge above would notice: a machine that
// hides something from the reduction makes it miss traces, in some program at least.
func TestReductionNeedsItsInputs(t *testing.T) {
	lies := map[string]func(f *fake) func(c sim.Chooser) result{
		"what waits at the end": func(f *fake) func(c sim.Chooser) result {
			return func(c sim.Chooser) result { r := f.run(c); r.waiting = nil; return r }
		},
		"what a step writes": func(f *fake) func(c sim.Chooser) result {
			return func(c sim.Chooser) result { return f.run(blind{c.(*listening)}) }
		},
	}
	for name, lie := range lies {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 4))
			for range 300 {
				f := randomFake(r, false, false)
				want, _, ok := traceSet(t, f.run, newDFS(-1), 20000)
				if !ok {
					continue
				}
				// Traces are told by runs that do not lie.
				got, s := map[uint64]bool{}, newDPOR()
				honest, x := &guard{cap: 1000, traces: newTraces()}, &exact{}
				g := &guard{cap: 1000}
				c := g.over(s)
				for s.begin() {
					g.begin()
					r := lie(f)(c)
					s.end(&r)
					if r.Outcome == sim.Abandoned {
						continue
					}
					x.choices, x.done = g.choices, false
					hc := honest.over(x)
					x.begin()
					honest.begin()
					f.run(hc)
					got[honest.traces.sum] = true
				}
				if len(got) < len(want) {
					return
				}
			}
			t.Error("no trace was missed")
		})
	}
}

// blind is a listener to whom every access is a read.
type blind struct{ *listening }

func (b blind) Executed(e sim.Event, footprint []sim.Access) {
	var lie []sim.Access
	for _, a := range footprint {
		lie = append(lie, sim.Access{Obj: a.Obj})
	}
	b.listening.Executed(e, lie)
}

// sections is a program of n threads that pass through k critical sections each; lock
// says of which lock the i-th of a thread is.
func sections(n, k int, lock func(thread, i int) int) *fake {
	f := &fake{coarse: true}
	for t := range n {
		var ops []fakeOp
		for i := range k {
			l := int32(lock(t, i))
			ops = append(ops, fakeOp{sim.Lock, l, 0}, fakeOp{sim.Unlock, l, 0})
		}
		f.threads = append(f.threads, ops)
	}
	return f
}

// dining is n philosophers with two forks each, the left one first.
func dining(n int) *fake {
	f := &fake{coarse: true}
	for t := range n {
		l, r := int32(t), int32((t+1)%n)
		f.threads = append(f.threads, []fakeOp{{sim.Lock, l, 0}, {sim.Lock, r, 0}, {sim.Unlock, r, 0}, {sim.Unlock, l, 0}})
	}
	return f
}

// TestReductionCounts holds the reduction to numbers that were counted otherwise.
func TestReductionCounts(t *testing.T) {
	for _, c := range []struct {
		name      string
		f         *fake
		schedules int // 0: too many
		traces    int
		deadlocks int
	}{
		{"3x3, one lock", sections(3, 3, func(t, i int) int { return 0 }), 1680, 1680, 0},
		{"3x3, a lock each", sections(3, 3, func(t, i int) int { return t }), 1680, 1, 0},
		{"3x3, rotating", sections(3, 3, func(t, i int) int { return (t + i) % 3 }), 1680, 64, 0},
		{"4x4, rotating", sections(4, 4, func(t, i int) int { return (t + i) % 4 }), 0, 15575, 0},
		{"AB-BA", dining(2), 4, 3, 1},
		{"3 philosophers", dining(3), 30, 7, 1},
		{"4 philosophers", dining(4), 448, 15, 1},
		{"5 philosophers", dining(5), 12240, 31, 1},
		{"8 philosophers", dining(8), 0, 255, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.schedules > 0 {
				want, runs, _ := traceSet(t, c.f.run, newDFS(-1), 1<<30)
				if runs != c.schedules || len(want) != c.traces {
					t.Errorf("%d schedules and %d traces, want %d and %d", runs, len(want), c.schedules, c.traces)
				}
			}
			s := newDPOR()
			got, runs, _ := traceSet(t, c.f.run, s, 1<<30)
			deadlocks := 0
			for _, o := range got {
				if o == sim.Deadlock {
					deadlocks++
				}
			}
			if runs != c.traces || len(got) != c.traces || deadlocks != c.deadlocks {
				t.Errorf("%d runs, %d traces, %d deadlocks, want %d, %[4]d, %d", runs, len(got), deadlocks, c.traces, c.deadlocks)
			}
			t.Logf("%d traces, %d runs abandoned", len(got), s.blocked())
		})
	}
}

func BenchmarkEngine(b *testing.B) {
	f := sections(3, 3, func(t, i int) int { return 0 })
	for _, s := range []strategy{newDFS(-1), newDPOR()} {
		b.Run(s.label(), func(b *testing.B) {
			b.ReportAllocs()
			for n := 0; n < b.N; {
				s.reset()
				n += drive(each(f.run), s, &guard{cap: 1000}, limit{runs: b.N - n}).runs
			}
		})
	}
}
