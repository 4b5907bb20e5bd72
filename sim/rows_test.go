// The acceptance rows that need processors, priorities, interrupts or a schedule to
// be exact, each under its number.
package sim_test

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

const us = time.Microsecond

// journal is what happened, in order.
type journal struct {
	mu    sync.Mutex // never contended: one thread runs at a time
	lines []string   // (mu)
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) want(t *testing.T, lines ...string) {
	t.Helper()
	if !reflect.DeepEqual(j.lines, lines) {
		t.Errorf("it went\n\t%s\nwant\n\t%s", strings.Join(j.lines, "\n\t"), strings.Join(lines, "\n\t"))
	}
}

// done wants a run under the first choices to end well.
func done(t *testing.T, m *sim.Machine) {
	t.Helper()
	if r := m.Run(&first{}); r.Outcome != sim.Done {
		t.Fatalf("%v: %v", r.Outcome, r.Err)
	}
}

// script goes on with the thread that each entry names, then with the first.
type script struct{ order []int }

func (s *script) Choose(p *sim.Point) int {
	for len(s.order) > 0 {
		next := s.order[0]
		s.order = s.order[1:]
		for i, e := range p.Enabled {
			if e.Thread == next {
				return i
			}
		}
	}
	return 0
}

// A walks along a list under T1 and needs T2 in the middle, which B has; B changes
// the list under both.
func article(m *sim.Machine, j *journal, reread bool) {
	t1, t2 := lwkt.NewToken("T1"), lwkt.NewToken("T2")
	type node struct {
		next  *node
		freed bool
	}
	last := new(node)
	list := &node{next: last}
	m.Go("A", func(td *lwkt.Thread) {
		t1.Acquire(td)
		j.add("1 A has T1 and walks along the list")
		at := list.next
		j.add("2 A asks for T2 and gives up T1 while it waits")
		changed := t2.Acquire(td)
		j.add("5 A has T1 and T2 again, changed %v", changed)
		if changed && reread {
			at = list.next
		}
		m.Assert(at == nil || !at.freed, "A goes on with a node that was freed")
		lwkt.ReleaseAll(td, t2, t1)
	})
	m.Go("B", func(td *lwkt.Thread) {
		t2.Acquire(td)
		t1.Acquire(td)
		j.add("3 B has both and takes the node out")
		list.next, last.freed = nil, true
		lwkt.ReleaseAll(td, t1, t2)
		j.add("4 B has released both")
	})
}

func TestRow04ArticleExample(t *testing.T) {
	t.Run("script", func(t *testing.T) {
		var j journal
		m := sim.New(sim.Options{})
		article(m, &j, true)
		// A: T1. B: T2. A: T2, which is busy. B: T1, and both releases. A goes on.
		if r := m.Run(&script{[]int{0, 1, 0, 1, 1, 1, 0}}); r.Outcome != sim.Done {
			t.Fatal(r.Outcome, r.Err)
		}
		j.want(t,
			"1 A has T1 and walks along the list",
			"2 A asks for T2 and gives up T1 while it waits",
			"3 B has both and takes the node out",
			"4 B has released both",
			"5 A has T1 and T2 again, changed true")
	})
	t.Run("stale", func(t *testing.T) {
		got := exhaust(t, sim.Options{}, func(m *sim.Machine) { article(m, new(journal), false) })
		if got[sim.AssertFailed] == 0 || got[sim.Done] == 0 || len(got) != 2 {
			t.Errorf("outcomes %v", got)
		}
	})
	t.Run("re-read", func(t *testing.T) {
		got := exhaust(t, sim.Options{}, func(m *sim.Machine) { article(m, new(journal), true) })
		if got[sim.Done] == 0 || len(got) != 1 {
			t.Errorf("outcomes %v", got)
		}
	})
}

func TestRow10Preemption(t *testing.T) {
	t.Run("timed", func(t *testing.T) {
		var j journal
		tok := lwkt.NewToken("T")
		m := sim.New(sim.Options{CPUs: 1, Timed: true})
		m.Go("holder", func(td *lwkt.Thread) {
			tok.Acquire(td)
			j.add("holder has T")
			m.Work(td, 100*us)
			j.add("holder releases T")
			tok.Release(td)
			m.Work(td, 10*us)
			j.add("holder is done")
		})
		m.Go("other", func(td *lwkt.Thread) { j.add("other runs") }, sim.Priority(20))
		m.Interrupt("net", 0, sim.SplSoftNet, func(td *lwkt.Thread) {
			j.add("interrupt preempts")
			changed := tok.Acquire(td)
			j.add("interrupt has T, changed %v", changed)
			tok.Release(td)
		}, sim.At(50*us))
		done(t, m)
		j.want(t, "other runs", "holder has T", "interrupt preempts", "holder releases T", "interrupt has T, changed false", "holder is done")
	})
	for _, slicing := range []sim.Slicing{sim.KeepHolders, sim.LendHolders} {
		t.Run(fmt.Sprint("every moment, policy ", slicing), func(t *testing.T) {
			got := exhaust(t, sim.Options{CPUs: 1, Slicing: slicing}, func(m *sim.Machine) {
				tok := lwkt.NewToken("T")
				inside, victim := 0, ""
				section := func(td *lwkt.Thread) {
					tok.Acquire(td)
					m.Assert(inside == 0, "two hold T")
					inside++
					m.Yield(td)
					inside--
					tok.Release(td)
				}
				running := func(name string) {
					m.Assert(victim == "" || victim == name, "%s runs, and %s was preempted", name, victim)
				}
				m.Go("holder", func(td *lwkt.Thread) {
					section(td)
					running("holder")
				})
				m.Interrupt("net", 0, sim.SplSoftNet, section, sim.AnyTime(2))
			})
			if len(got) != 1 || got[sim.Done] < 5 {
				t.Errorf("outcomes %v", got)
			}
		})
	}
}

func TestRow12PriorityInversion(t *testing.T) {
	// low has the lock when high wants it, and middle wants the processor.
	wait := func(o sim.Options, lock, unlock func(td *lwkt.Thread)) (waited time.Duration) {
		o.CPUs, o.Timed = 1, true
		m := sim.New(o)
		m.Go("low", func(td *lwkt.Thread) {
			lock(td)
			m.Work(td, time.Millisecond)
			unlock(td)
		}, sim.Priority(5))
		m.Go("middle", func(td *lwkt.Thread) {
			td.Pause(200 * us)
			m.Work(td, 10*time.Millisecond)
		}, sim.Priority(10))
		m.Go("high", func(td *lwkt.Thread) {
			td.Pause(300 * us)
			asked := m.Now()
			lock(td)
			waited = m.Now() - asked
			unlock(td)
		}, sim.Priority(20))
		done(t, m)
		return waited
	}
	token := func(s sim.Slicing) time.Duration {
		var tok lwkt.Token
		return wait(sim.Options{Slicing: s}, func(td *lwkt.Thread) { tok.Acquire(td) }, tok.Release)
	}
	mutex := func(lend bool) time.Duration {
		mu := &sim.Mutex{Lend: lend}
		return wait(sim.Options{}, mu.Lock, mu.Unlock)
	}
	for _, c := range []struct {
		name     string
		wait     time.Duration
		bounded  bool
		describe string
	}{
		{"token, holders kept", token(sim.KeepHolders), true, ""},
		{"token, holders lent to", token(sim.LendHolders), true, ""},
		{"mutex without lending", mutex(false), false, ""},
		{"mutex with lending", mutex(true), true, ""},
	} {
		t.Logf("%-24s high waited %v", c.name, c.wait)
		if c.bounded != (c.wait <= 1100*us) || !c.bounded && c.wait < 10*time.Millisecond {
			t.Errorf("%s: high waited %v for a section of a millisecond", c.name, c.wait)
		}
	}
}

func TestRow13SPL(t *testing.T) {
	// A counter that a thread and the net interrupt of CPU 0 add to, in two steps.
	run := func(t *testing.T, cpu int, guard func(m *sim.Machine, td *lwkt.Thread, add func()), inHandler func(m *sim.Machine, td *lwkt.Thread, add func())) map[sim.Outcome]int {
		return exhaust(t, sim.Options{CPUs: 2}, func(m *sim.Machine) {
			var count sim.Var[int]
			add := func(td *lwkt.Thread) func() {
				return func() { count.Store(td, count.Load(td)+1) }
			}
			m.Go("thread", func(td *lwkt.Thread) { guard(m, td, add(td)) }, sim.OnCPU(cpu))
			handled := 0
			m.Interrupt("net", 0, sim.SplSoftNet, func(td *lwkt.Thread) {
				inHandler(m, td, add(td))
				handled++
			}, sim.AnyTime(1))
			m.Finally(func() { m.Assert(count.Value() == 1+handled, "count is %d of %d", count.Value(), 1+handled) })
		})
	}
	plain := func(m *sim.Machine, td *lwkt.Thread, add func()) { add() }
	spl := func(m *sim.Machine, td *lwkt.Thread, add func()) {
		s := m.Splraise(td, sim.SplSoftNet)
		add()
		m.Splx(td, s)
	}
	want := func(t *testing.T, got map[sim.Outcome]int, corrupt bool) {
		t.Helper()
		if got[sim.Done] == 0 || (got[sim.AssertFailed] > 0) != corrupt || got[sim.Done]+got[sim.AssertFailed] != total(got) {
			t.Errorf("outcomes %v, want corruption: %v", got, corrupt)
		}
	}
	t.Run("nothing", func(t *testing.T) { want(t, run(t, 0, plain, plain), true) })
	t.Run("spl, own CPU", func(t *testing.T) { want(t, run(t, 0, spl, plain), false) })
	t.Run("spl, other CPU", func(t *testing.T) { want(t, run(t, 1, spl, plain), true) })
	t.Run("spl too low", func(t *testing.T) {
		want(t, run(t, 0, func(m *sim.Machine, td *lwkt.Thread, add func()) {
			s := m.Splraise(td, sim.SplSoftBio)
			add()
			m.Splx(td, s)
		}, plain), true)
	})
	for cpu := range 2 {
		t.Run(fmt.Sprint("token, CPU ", cpu), func(t *testing.T) {
			var tok *lwkt.Token
			token := func(m *sim.Machine, td *lwkt.Thread, add func()) {
				tok.Acquire(td)
				add()
				tok.Release(td)
			}
			tok = new(lwkt.Token) // free again after every run
			want(t, run(t, cpu, token, token), false)
		})
	}
	t.Run("pending fires at splx", func(t *testing.T) {
		var j journal
		m := sim.New(sim.Options{CPUs: 1, Timed: true})
		m.Go("thread", func(td *lwkt.Thread) {
			s := m.Splraise(td, sim.SplVM)
			m.Work(td, 100*us)
			j.add("lowering to %v", s)
			m.Splx(td, s)
			j.add("lowered")
		})
		m.Interrupt("net", 0, sim.SplSoftNet, func(td *lwkt.Thread) { j.add("net at %v", m.Spl(td)) }, sim.At(20*us))
		m.Interrupt("clock", 0, sim.SplSched, func(td *lwkt.Thread) { j.add("clock at %v", m.Spl(td)) }, sim.At(30*us), sim.Fast())
		done(t, m)
		j.want(t, "clock at sched", "lowering to none", "net at softnet", "lowered")
	})
}

func total(counts map[sim.Outcome]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

func TestRow15LWKT(t *testing.T) {
	t.Run("priorities are fixed, equals take turns", func(t *testing.T) {
		var j journal
		m := sim.New(sim.Options{CPUs: 1, Timed: true, Quantum: 2})
		for _, name := range []string{"a", "b"} {
			m.Go(name, func(td *lwkt.Thread) {
				for range 2 {
					j.add("%s", name)
					m.Work(td, 200*us) // a slice
				}
			}, sim.Priority(10))
		}
		m.Go("better", func(td *lwkt.Thread) {
			m.Work(td, time.Millisecond)
			j.add("better is done")
		}, sim.Priority(11))
		done(t, m)
		j.want(t, "better is done", "a", "b", "a", "b")
	})
	t.Run("a queue per CPU", func(t *testing.T) {
		var j journal
		m := sim.New(sim.Options{CPUs: 2, Timed: true})
		for n := range 4 {
			m.Go(fmt.Sprint(n), func(td *lwkt.Thread) {
				for range 3 {
					m.Assert(m.CPU(td) == n%2, "thread %d is on CPU %d", n, m.CPU(td))
					m.Work(td, 300*us)
				}
				j.add("%d", n)
			}, sim.OnCPU(n%2), sim.Priority(10+n/2))
		}
		done(t, m)
		if s := strings.Join(j.lines, " "); s != "2 3 0 1" && s != "3 2 0 1" && s != "2 3 1 0" && s != "3 2 1 0" {
			t.Errorf("they ended in the order %s", s)
		}
		if m.Now() > 2*950*us {
			t.Errorf("two CPUs took %v for two times two times 900µs", m.Now())
		}
	})
	t.Run("migration by message", func(t *testing.T) {
		tok := lwkt.NewToken("T")
		m := sim.New(sim.Options{CPUs: 2, Timed: true})
		var j journal
		m.Go("mover", func(td *lwkt.Thread) {
			tok.Acquire(td)
			m.Work(td, 50*us)
			changed := m.Migrate(td, 1)
			j.add("on CPU %d at %v, changed %v, holds it %v", m.CPU(td), m.Now() > 100*us, changed, tok.Held(td))
			tok.Release(td)
		}, sim.OnCPU(0))
		m.Go("critical", func(td *lwkt.Thread) {
			m.CritEnter(td)
			m.Work(td, 100*us) // takes no message meanwhile
			j.add("section ends")
			m.CritExit(td)
			m.Work(td, 100*us)
		}, sim.OnCPU(1), sim.Priority(5))
		m.Go("other", func(td *lwkt.Thread) {
			tok.Acquire(td)
			j.add("other has T")
			tok.Release(td)
		}, sim.OnCPU(0))
		done(t, m)
		j.want(t, "other has T", "section ends", "on CPU 1 at true, changed true, holds it exclusive")
	})
}

func TestRow16UserSchedulerSlices(t *testing.T) {
	var j journal
	m := sim.New(sim.Options{CPUs: 1, Timed: true, Quantum: 1})
	for _, name := range []string{"u1", "u2"} {
		m.Go(name, func(td *lwkt.Thread) {
			for range 3 {
				j.add("%s", name)
				m.Work(td, 99*us)
			}
		}, sim.UserThread(), sim.Priority(31))
	}
	m.Go("kernel", func(td *lwkt.Thread) {
		for range 3 {
			j.add("kernel")
			m.Work(td, 500*us)
		}
	}, sim.Priority(0))
	done(t, m)
	if strings.Join(j.lines[:3], " ") != "kernel kernel kernel" {
		t.Errorf("the kernel thread was sliced: %v", j.lines)
	}
	for i := range j.lines[:len(j.lines)-2] { // a tick may come between two pieces of work, or in one
		if j.lines[i] == j.lines[i+1] && j.lines[i] == j.lines[i+2] && j.lines[i] != "kernel" {
			t.Errorf("the user threads did not take turns: %v", j.lines)
		}
	}
}

func TestRow41CriticalSection(t *testing.T) {
	t.Run("preemption is owed", func(t *testing.T) {
		var j journal
		m := sim.New(sim.Options{CPUs: 1, Timed: true})
		m.Go("critical", func(td *lwkt.Thread) {
			m.CritEnter(td)
			m.CritEnter(td)
			m.Work(td, 100*us)
			j.add("inner ends")
			m.CritExit(td)
			m.Work(td, 10*us)
			j.add("outer ends")
			m.CritExit(td)
			j.add("after")
		}, sim.Priority(1))
		m.Go("better", func(td *lwkt.Thread) {
			td.Pause(20 * us)
			j.add("better")
		}, sim.Priority(30))
		m.Interrupt("net", 0, sim.SplHigh, func(td *lwkt.Thread) { j.add("interrupt") }, sim.At(30*us))
		done(t, m)
		j.want(t, "inner ends", "outer ends", "interrupt", "better", "after")
	})
	t.Run("nobody else on the CPU, in any schedule", func(t *testing.T) {
		count := exhaust(t, sim.Options{CPUs: 1}, func(m *sim.Machine) {
			var in atomic.Bool // the detector does not know that one CPU is one thread at a time
			m.Go("critical", func(td *lwkt.Thread) {
				m.CritEnter(td)
				in.Store(true)
				m.Yield(td)
				in.Store(false)
				m.CritExit(td)
			})
			seen := func(td *lwkt.Thread) { m.Assert(!in.Load(), "a thread in a critical section was preempted") }
			m.Go("equal", seen)
			m.Interrupt("net", 0, sim.SplHigh, seen, sim.AnyTime(1))
		})
		if len(count) != 1 || count[sim.Done] < 4 {
			t.Errorf("outcomes %v", count)
		}
	})
	t.Run("no migration", func(t *testing.T) {
		m := sim.New(sim.Options{CPUs: 2})
		m.Go("critical", func(td *lwkt.Thread) {
			m.CritEnter(td)
			m.Migrate(td, 1-m.CPU(td))
		})
		if r := m.Run(&first{}); r.Outcome != sim.Panic || !strings.Contains(r.Err.Error(), "critical section") {
			t.Errorf("%v: %v", r.Outcome, r.Err)
		}
	})
	t.Run("a filter does not wait", func(t *testing.T) {
		m := sim.New(sim.Options{CPUs: 1, Timed: true})
		var tok lwkt.Token
		m.Go("holder", func(td *lwkt.Thread) {
			tok.Acquire(td)
			m.Work(td, 100*us)
			tok.Release(td)
		})
		m.Interrupt("fast", 0, sim.SplHigh, func(td *lwkt.Thread) { tok.Acquire(td) }, sim.Fast(), sim.At(50*us))
		if r := m.Run(&first{}); r.Outcome != sim.Panic || !strings.Contains(r.Err.Error(), "would have to wait") {
			t.Errorf("%v: %v", r.Outcome, r.Err)
		}
	})
	t.Run("lapses while blocked", func(t *testing.T) {
		var j journal
		m := sim.New(sim.Options{CPUs: 1, Timed: true})
		m.Go("critical", func(td *lwkt.Thread) {
			m.CritEnter(td)
			td.Pause(50 * us)
			m.Work(td, 50*us)
			j.add("section ends")
			m.CritExit(td)
		})
		m.Interrupt("net", 0, sim.SplHigh, func(td *lwkt.Thread) { j.add("interrupt at %v", m.Now() < 60*us) }, sim.At(20*us), sim.At(80*us))
		done(t, m)
		j.want(t, "interrupt at true", "section ends", "interrupt at false")
	})
}
