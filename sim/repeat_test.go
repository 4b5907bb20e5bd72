package sim

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
)

// tours is a chooser of many runs: in run n of three threads it begins with n threads in turn.
type tours struct{ n int }

func (c *tours) Choose(p *Point) int { return (p.Step + c.n) % len(p.Enabled) }

// program is three threads, of which the one that is named kind does that in the run with the number at.
func program(m *Machine, kind string, at bool) {
	for _, name := range []string{"a", "b", "c"} {
		m.Go(name, func(td *lwkt.Thread) {
			m.Yield(td)
			if !at || name != "b" {
				m.Yield(td)
				return
			}
			switch kind {
			case "panics":
				panic("planted")
			case "exits":
				runtime.Goexit()
			case "waits":
				m.Until(td, "the end of days", func() bool { return false })
			case "fails":
				m.Assert(false, "planted")
			}
		})
	}
	if kind == "fails in Finally" && at {
		m.Finally(func() { m.Assert(false, "planted") })
	}
}

// Repeat makes the runs that New and Run make, whatever becomes of some of them.
func TestRepeatIsNewAndRun(t *testing.T) {
	for _, o := range []Options{{}, {CPUs: 2}} {
		for _, kind := range []string{"returns", "panics", "exits", "waits", "fails", "fails in Finally"} {
			type end struct {
				outcome Outcome
				steps   int
				run     int
			}
			var got, want []end
			if err := Do(func(s *Session) {
				for i := range 100 {
					m := s.New(o)
					program(m, kind, i%3 == 1)
					r := m.Run(&tours{i})
					want = append(want, end{r.Outcome, r.Steps, i})
				}
				i := 0
				s.Repeat(o, func(m *Machine) Chooser {
					if i == 100 {
						return nil
					}
					program(m, kind, i%3 == 1)
					return &tours{i}
				}, func(m *Machine, r Result) bool {
					got = append(got, end{r.Outcome, r.Steps, i})
					i++
					return true
				})
			}); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s with %d CPUs:\n%v, want\n%v", kind, o.CPUs, got, want)
			}
		}
	}
}

// What next and done panic with is a panic of Repeat, and a goroutine that they end is ended, also if
// that was in the midst of a row of runs; the session goes on, and nothing is left behind.
func TestRepeatBreaks(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, in := range []string{"next", "late in next", "done", "Finally"} {
		for _, exits := range []bool{false, true} {
			for at := range 4 {
				if in == "Finally" && !exits {
					continue // which is a failure of the run
				}
				runs, returned := 0, false
				breaks := func(here string) {
					if here == in && runs == at {
						if exits {
							runtime.Goexit()
						}
						panic("planted")
					}
				}
				row := func(s *Session) {
					s.Repeat(Options{}, func(m *Machine) Chooser {
						breaks("next")
						program(m, "returns", false)
						m.Finally(func() { breaks("Finally") })
						breaks("late in next")
						return &tours{runs}
					}, func(m *Machine, r Result) bool {
						breaks("done")
						runs++
						return true
					})
					returned = true
				}
				ended := make(chan any)
				go func() {
					defer func() { ended <- recover() }()
					t.Error(Do(func(s *Session) {
						defer func() { // after a panic the session is as good as new
							if v := recover(); v != nil {
								m := s.New(Options{})
								program(m, "returns", false)
								if r := m.Run(&tours{}); r.Outcome != Done {
									t.Errorf("%s %d: afterwards %v", in, at, r)
								}
								panic(v)
							}
						}()
						row(s)
					}))
				}()
				v := <-ended
				if returned || runs != at || exits && v != nil || !exits && v != "planted" {
					t.Errorf("%s, run %d, exits %v: %d runs, %v", in, at, exits, runs, v)
				}
			}
		}
	}
	leaks(t, before)
}

// A row of runs ends where done says so, and with the machine of the last one at hand.
func TestRepeatEnds(t *testing.T) {
	before := runtime.NumGoroutine()
	for last := range 4 {
		if err := Do(func(s *Session) {
			runs := 0
			s.Repeat(Options{}, func(m *Machine) Chooser {
				program(m, "returns", false)
				return &tours{runs}
			}, func(m *Machine, r Result) bool {
				if r.Outcome != Done || m.Threads() != 3 || m.ThreadName(1) != "b" {
					t.Errorf("%v with %d threads", r, m.Threads())
				}
				runs++
				return runs <= last
			})
			if runs != last+1 {
				t.Errorf("%d runs", runs)
			}
		}); err != nil {
			t.Error(err)
		}
	}
	leaks(t, before)
}

// leaks wants no more goroutines than before.
func leaks(t *testing.T, before int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); runtime.Gosched() {
		if runtime.NumGoroutine() <= before {
			return // those that were on their way out have gone
		}
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// What blocks outside the simulation between the threads of two runs is noticed and named, on the machine's
// goroutine (run 0) as on that of the last thread of the run before.
func TestBlockInSetupAndFinallyIsNamed(t *testing.T) {
	for _, at := range []int{0, 3} {
		for _, where := range []string{"the setup", "Finally"} {
			release := make(chan struct{})
			blocks := func() { <-release }
			left := make(chan struct{})
			err := DoWithin(100*time.Millisecond, func(s *Session) {
				defer close(left)
				i := 0
				s.Repeat(Options{}, func(m *Machine) Chooser {
					if i > at {
						return nil
					}
					run := i
					if where == "the setup" && run == at {
						blocks()
					}
					program(m, "", false)
					m.Finally(func() {
						if where == "Finally" && run == at {
							blocks()
						}
					})
					return &tours{i}
				}, func(*Machine, Result) bool {
					i++
					return true
				})
			})
			close(release)
			<-left
			var real *RealBlockError
			if !errors.As(err, &real) {
				t.Fatalf("%s of run %d: %v", where, at, err)
			}
			text := real.Error()
			if real.Thread != "" || !strings.HasPrefix(text, "sim: "+where+" is not back after ") || !strings.Contains(real.Stack, "TestBlockInSetupAndFinallyIsNamed.func1") {
				t.Errorf("%s of run %d: thread %q: %s", where, at, real.Thread, text)
			}
		}
	}
}
