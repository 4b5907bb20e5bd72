package sim_test

import (
	"errors"
	"iter"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

func wantCounts(t *testing.T, got map[sim.Outcome]int, want map[sim.Outcome]int) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("outcomes %v, want %v", got, want)
	}
}

// sections is 3 threads with 3 sections each.
func sections(m *sim.Machine) {
	mu := new(sim.Mutex)
	body := func(td *lwkt.Thread) {
		for range 3 {
			mu.Lock(td)
			mu.Unlock(td)
		}
	}
	for range 3 {
		m.Go("t", body)
	}
}

func TestCountOfSchedules(t *testing.T) {
	wantCounts(t, exhaust(t, sim.Options{}, sections), map[sim.Outcome]int{sim.Done: 1680})
}

func BenchmarkDFS3x3(b *testing.B) {
	err := sim.Do(func(s *sim.Session) {
		d := new(dfs)
		for b.Loop() {
			m := s.New(sim.Options{})
			sections(m)
			m.Run(d)
			d.more()
		}
	})
	if err != nil {
		b.Error(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
}

// BenchmarkSwitch is the yardstick for the one above, on machines that are busy with
// other things: two switches of a coroutine and nothing else. A run above has ten.
func BenchmarkSwitch(b *testing.B) {
	next, stop := iter.Pull(func(yield func(struct{}) bool) {
		for yield(struct{}{}) {
		}
	})
	defer stop()
	for b.Loop() {
		next()
	}
}

func TestMutexDeadlock(t *testing.T) {
	abba := func(m *sim.Machine) {
		a, b := &sim.Mutex{Name: "a"}, &sim.Mutex{Name: "b"}
		both := func(first, second *sim.Mutex) func(td *lwkt.Thread) {
			return func(td *lwkt.Thread) {
				first.Lock(td)
				second.Lock(td)
				second.Unlock(td)
				first.Unlock(td)
			}
		}
		m.Go("ab", both(a, b))
		m.Go("ba", both(b, a))
	}
	wantCounts(t, exhaust(t, sim.Options{}, abba), map[sim.Outcome]int{sim.Done: 2, sim.Deadlock: 2})

	m := sim.New(sim.Options{})
	abba(m)
	r := m.Run(&turns{})
	var d *sim.DeadlockError
	if r.Outcome != sim.Deadlock || !errors.As(r.Err, &d) || len(d.Cycle) != 2 {
		t.Fatalf("got %v, %v", r.Outcome, r.Err)
	}
	for _, part := range []string{`"ab" waits for mutex "b" of "ba"`, `"ba" waits for mutex "a" of "ab"`, "engine_test.go", "sim_test.TestMutexDeadlock"} {
		if !strings.Contains(r.Err.Error(), part) {
			t.Errorf("%v\ndoes not say %q", r.Err, part)
		}
	}
	if len(m.Waiting()) != 2 {
		t.Errorf("waiting: %v", m.Waiting())
	}
}

// turns takes another thread at each step.
type turns struct{ n int }

func (c *turns) Choose(p *sim.Point) int { c.n++; return c.n % len(p.Enabled) }

func TestTokensDoNotDeadlock(t *testing.T) {
	got := exhaust(t, sim.Options{}, func(m *sim.Machine) {
		a, b := new(lwkt.Token), new(lwkt.Token)
		count := 0
		both := func(first, second *lwkt.Token) func(td *lwkt.Thread) {
			return func(td *lwkt.Thread) {
				first.Acquire(td)
				second.Acquire(td)
				count++
				m.Assert(first.Held(td) == lwkt.Exclusive && second.Held(td) == lwkt.Exclusive, "not both")
				second.Release(td)
				first.Release(td)
			}
		}
		m.Go("ab", both(a, b))
		m.Go("ba", both(b, a))
		m.Finally(func() { m.Assert(count == 2, "count is %d", count) })
	})
	if len(got) != 1 || got[sim.Done] == 0 {
		t.Errorf("outcomes %v", got)
	}
	t.Log(got)
}

func TestTokenExclusionRandom(t *testing.T) {
	for _, o := range []sim.Options{{}, {Attempts: true}, {AnyTimeout: true}} {
		for _, k := range []int{0, 1, lwkt.DefaultBypass} {
			old := lwkt.SetBypass(k)
			err := sim.Do(func(s *sim.Session) {
				for seed := range uint64(300) {
					m := s.New(o)
					crowd(t, m, seed)
					if r := m.Run(newRandom(seed)); r.Outcome != sim.Done {
						t.Errorf("%+v, K %d, seed %d: %v %v", o, k, seed, r.Outcome, r.Err)
						return
					}
				}
			})
			lwkt.SetBypass(old)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// crowd is a program of all token operations, in which any two in one section are seen.
func crowd(t *testing.T, m *sim.Machine, seed uint64) {
	var tok [3]lwkt.Token
	var inside [3]int
	var ch [2]int
	for range 4 {
		m.Go("crowd", func(td *lwkt.Thread) {
			for n := range 6 {
				i := m.Choose(td, 3)
				j := (i + 1) % 3
				check := func(i int) {
					m.Assert(inside[i] == 0, "two in section %d", i)
					inside[i]++
					m.Yield(td)
					inside[i]--
				}
				switch m.Choose(td, 7) {
				case 0:
					tok[i].Acquire(td)
					check(i)
					tok[j].Acquire(td)
					check(i)
					check(j)
					lwkt.ReleaseAll(td, &tok[i], &tok[j])
				case 1:
					lwkt.AcquireAll(td, &tok[i], &tok[j])
					check(j)
					lwkt.ReleaseAll(td, &tok[j], &tok[i])
				case 2:
					tok[i].AcquireShared(td)
					m.Yield(td)
					m.Assert(inside[i] == 0, "a writer among readers")
					tok[i].Acquire(td)
					check(i)
					tok[i].Release(td)
					m.Yield(td)
					m.Assert(inside[i] == 0, "a writer among readers")
					tok[i].Release(td)
				case 3:
					if tok[i].TryAcquire(td) {
						check(i)
						tok[i].Release(td)
					}
				case 4:
					tok[i].Acquire(td)
					td.Block(func() { m.Yield(td) })
					check(i)
					tok[i].Release(td)
				case 5:
					tok[i].Acquire(td)
					td.Sleep(&ch[n%2], time.Millisecond)
					check(i)
					tok[i].Release(td)
				case 6:
					td.Wakeup(&ch[n%2])
				}
			}
		})
	}
}

func TestReplayIsExact(t *testing.T) {
	play := func(seed uint64) (log string) {
		if err := sim.Do(func(s *sim.Session) {
			for n := range 2 { // a fresh session and one that was used
				if n == 1 {
					m := s.New(sim.Options{Trace: true})
					crowd(t, m, seed)
					m.Run(newRandom(seed + 1))
				}
				m := s.New(sim.Options{Attempts: seed%2 == 0})
				crowd(t, m, seed)
				l := &logged{Chooser: newRandom(seed)}
				m.Run(l)
				if log != "" && log != l.b.String() {
					a, b := strings.Split(log, "\n"), strings.Split(l.b.String(), "\n")
					for i := range a {
						if a[i] != b[i] {
							t.Errorf("seed %d: the second run differs in line %d:\n%s\n%s", seed, i, a[i], b[i])
							break
						}
					}
				}
				log = l.b.String()
			}
		}); err != nil {
			t.Fatal(err)
		}
		return log
	}
	for seed := range uint64(20) {
		if once, again := play(seed), play(seed); once != again {
			t.Fatalf("seed %d: another session differs", seed)
		}
	}
}

func TestOutcomes(t *testing.T) {
	tok := func(m *sim.Machine) *lwkt.Token { return new(lwkt.Token) }
	for _, c := range []struct {
		want sim.Outcome
		says string
		prog func(m *sim.Machine)
	}{
		{sim.Done, "", func(m *sim.Machine) {}},
		{sim.Done, "", func(m *sim.Machine) { m.Go("a", func(*lwkt.Thread) {}) }},
		{sim.Panic, "boom", func(m *sim.Machine) { m.Go("a", func(*lwkt.Thread) { panic("boom") }) }},
		{sim.Panic, "Release", func(m *sim.Machine) { m.Go("a", func(td *lwkt.Thread) { tok(m).Release(td) }) }},
		{sim.AssertFailed, "one is 1", func(m *sim.Machine) {
			m.Go("a", func(td *lwkt.Thread) { m.Assert(false, "one is %d", 1) })
			m.Go("b", func(td *lwkt.Thread) { tok(m).Acquire(td) })
		}},
		{sim.AssertFailed, "at last", func(m *sim.Machine) { m.Finally(func() { m.Assert(false, "at last") }) }},
		{sim.Panic, "late", func(m *sim.Machine) { m.Finally(func() { panic("late") }) }},
		{sim.LocksHeld, "token", func(m *sim.Machine) { m.Go("a", func(td *lwkt.Thread) { tok(m).Acquire(td) }) }},
		{sim.LocksHeld, "Mutex", func(m *sim.Machine) { m.Go("a", func(td *lwkt.Thread) { new(sim.Mutex).Lock(td) }) }},
		{sim.Exited, "Goexit", func(m *sim.Machine) { m.Go("a", func(td *lwkt.Thread) { runtime.Goexit() }) }},
		{sim.Deadlock, "wakeup", func(m *sim.Machine) { m.Go("a", func(td *lwkt.Thread) { td.Sleep("nobody wakes it", 0) }) }},
		{sim.Deadlock, "until pigs fly", func(m *sim.Machine) {
			m.Go("a", func(td *lwkt.Thread) { m.Until(td, "pigs fly", func() bool { return false }) })
		}},
		{sim.Done, "", func(m *sim.Machine) {
			m.Go("a", func(td *lwkt.Thread) {
				if _, err := td.Sleep("x", time.Hour); !errors.Is(err, lwkt.ErrTimeout) || m.Now() < time.Hour {
					t.Errorf("slept until %v: %v", m.Now(), err)
				}
			})
		}},
		{sim.StepLimit, "events", func(m *sim.Machine) {
			m.Go("a", func(td *lwkt.Thread) {
				for {
					m.Yield(td)
				}
			})
		}},
		{sim.LocksHeld, "shared", func(m *sim.Machine) {
			m.Go("a", func(td *lwkt.Thread) { m.Go("child", func(td *lwkt.Thread) { tok(m).TryAcquireShared(td) }) })
		}},
	} {
		t.Run(c.want.String(), func(t *testing.T) {
			m := sim.New(sim.Options{Steps: 100})
			p := c.prog
			if strings.Contains(c.says, "token") || c.want == sim.Done {
				p = c.prog
			}
			p(m)
			r := m.Run(&first{})
			if c.says == "token" && r.Err != nil && !strings.Contains(r.Err.Error(), "token") {
				t.Errorf("says %v", r.Err)
			}
			if r.Outcome != c.want || (r.Err == nil) != (c.says == "") {
				t.Fatalf("%v, %v", r.Outcome, r.Err)
			}
			if r.Err != nil && !strings.Contains(r.Err.Error(), c.says) {
				t.Errorf("%v\ndoes not say %q", r.Err, c.says)
			}
		})
	}
}

func TestRealBlockIsNamed(t *testing.T) {
	release := make(chan struct{})
	m := sim.New(sim.Options{Stall: 100 * time.Millisecond})
	m.Go("innocent", func(td *lwkt.Thread) { m.Yield(td) })
	m.Go("culprit", func(td *lwkt.Thread) { <-release })
	r := m.Run(&first{})
	close(release)
	if r.Outcome != sim.RealBlock || !strings.Contains(r.Err.Error(), `"culprit"`) || !strings.Contains(r.Err.Error(), "TestRealBlockIsNamed") {
		t.Errorf("%v, %v", r.Outcome, r.Err)
	}
}

// A thread that ends its goroutine, or panics, ends only that of its own, wherever in the
// chain of those that resumed each other it is; the session goes on.
func TestGoexitAndPanicInTheMiddle(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, o := range []sim.Options{{}, {CPUs: 2}} {
		if err := sim.Do(func(s *sim.Session) {
			for seed := range uint64(300) {
				m := s.New(o)
				var stale *lwkt.Thread
				for i := range 4 {
					m.Go("t", func(td *lwkt.Thread) {
						for n := range 6 {
							m.Yield(td)
							if i == 2 && n == int(seed%6) {
								stale = td
								if seed%2 == 0 {
									runtime.Goexit()
								}
								panic("in the middle")
							}
						}
					})
				}
				r := m.Run(newRandom(seed))
				if want := []sim.Outcome{sim.Exited, sim.Panic}[seed%2]; r.Outcome != want {
					t.Errorf("seed %d: %v %v", seed, r.Outcome, r.Err)
				}
				m = s.New(o)
				m.Go("ok", func(td *lwkt.Thread) {
					m.Yield(td)
					defer func() { m.Assert(recover() != nil, "a thread that has ended was used") }()
					new(lwkt.Token).Acquire(stale)
				})
				if r := m.Run(newRandom(seed)); r.Outcome != sim.Done {
					t.Fatalf("seed %d, afterwards: %v %v", seed, r.Outcome, r.Err)
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	// The last of them are on their way out, however busy the machine is.
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); runtime.Gosched() {
		if runtime.NumGoroutine() <= before {
			return
		}
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}

// pruned abandons the run after some steps.
type pruned struct {
	sim.Chooser
	after int
}

func (c pruned) Choose(p *sim.Point) int {
	if p.Step >= c.after {
		return -1
	}
	return c.Chooser.Choose(p)
}

// A run is given up while a thread sleeps. What its deferred functions then do is no misuse, though it has given up what they
// would release; and if one panics, that ends the goroutine of the thread and no other.
func TestPanicWhileUnwinding(t *testing.T) {
	for _, o := range []sim.Options{{}, {CPUs: 2}} {
		if err := sim.Do(func(s *sim.Session) {
			for after := range 8 {
				m := s.New(o)
				for range 2 {
					m.Go("t", func(td *lwkt.Thread) {
						var tok lwkt.Token
						var mu lwkt.Mtx
						defer func() { panic("planted") }()
						tok.Acquire(td)
						defer tok.Release(td)
						mu.Lock(td)
						td.SleepOn(&tok, &mu, lwkt.SleepOptions{}) // ends before the mutex, and then the token, is taken back
					})
				}
				m.Run(pruned{newRandom(1), after})
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	tokens := [3]*lwkt.Token{new(lwkt.Token), new(lwkt.Token), new(lwkt.Token)}
	deferred := 0
	for seed := range uint64(200) {
		m := sim.New(sim.Options{Attempts: seed%2 == 0})
		for range 3 {
			m.Go("t", func(td *lwkt.Thread) {
				defer func() { deferred++ }()
				for i := range 3 {
					tokens[i].Acquire(td)
					defer tokens[i].Release(td)
					td.Block(func() { m.Yield(td) })
				}
				td.Sleep("never woken", 0)
			})
		}
		crowd(t, m, seed)
		if r := m.Run(pruned{newRandom(seed), int(seed)}); r.Outcome != sim.Abandoned && r.Outcome != sim.Deadlock {
			t.Fatalf("seed %d: %v %v", seed, r.Outcome, r.Err)
		}
	}
	if deferred == 0 {
		t.Error("no deferred function ran")
	}
	lwkt.Run("after", func(td *lwkt.Thread) {
		if !lwkt.TryAcquireAll(td, tokens[:]...) {
			t.Error("a token is still held or reserved")
		} else {
			lwkt.ReleaseAll(td, tokens[:]...)
		}
		if n := td.Wakeup("never woken"); n != 0 {
			t.Errorf("%d threads are still asleep", n)
		}
	})
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); runtime.Gosched() {
		if runtime.NumGoroutine() <= before {
			return
		}
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}
