// Turnstiles on processors: adaptive spinning, lending along chains, and who is not lent to.
package sim_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// inversion is how long high waits for what low has, while middle computes.
func inversion(t *testing.T, o sim.Options, low, high func(td *lwkt.Thread) (leave func())) (waited time.Duration) {
	t.Helper()
	o.CPUs, o.Timed = 1, true
	m := sim.New(o)
	m.Go("low", func(td *lwkt.Thread) {
		leave := low(td)
		m.Work(td, time.Millisecond)
		leave()
	}, sim.Priority(5))
	m.Go("middle", func(td *lwkt.Thread) {
		td.Pause(200 * us)
		m.Work(td, 10*time.Millisecond)
	}, sim.Priority(10))
	m.Go("high", func(td *lwkt.Thread) {
		td.Pause(300 * us)
		asked := m.Now()
		leave := high(td)
		waited = m.Now() - asked
		leave()
	}, sim.Priority(20))
	done(t, m)
	return waited
}

// taking is how a thread takes a lock, and gives it back.
func taking(lock func(td *lwkt.Thread) bool, unlock func(td *lwkt.Thread)) func(td *lwkt.Thread) func() {
	return func(td *lwkt.Thread) func() {
		lock(td)
		return func() { unlock(td) }
	}
}

func TestRow12MutexLends(t *testing.T) {
	var m lwkt.Mtx
	lock := taking(m.Lock, m.Unlock)
	if w := inversion(t, sim.Options{}, lock, lock); w > 1100*us {
		t.Errorf("high waited %v for a section of a millisecond", w)
	}
	var rw lwkt.RWLock
	write := taking(rw.WLock, rw.WUnlock)
	if w := inversion(t, sim.Options{}, write, write); w > 1100*us {
		t.Errorf("high waited %v for a writer's section of a millisecond", w)
	}
	var sx lwkt.SX
	own := taking(sx.XLock, sx.XUnlock)
	if w := inversion(t, sim.Options{}, own, own); w < 10*time.Millisecond {
		t.Errorf("high waited %v for an sx lock, which lends nothing", w)
	}
}

// A kernel thread lifts the user thread that it waits for above all others of user mode, whatever their priorities.
func TestKernelThreadLendsToUserThread(t *testing.T) {
	var mtx lwkt.Mtx
	lock := taking(mtx.Lock, mtx.Unlock)
	for _, prio := range []struct{ holder, others, kernel, lent int }{
		{16, 16, 16, 16}, {16, 31, 3, 3}, {31, 31, 16, 16}, {31, 31, 31, 31}, {5, 31, 0, 0},
	} {
		m := sim.New(sim.Options{CPUs: 1, Timed: true, Quantum: 1})
		lent, after := -1, -1
		m.Go("holder", func(td *lwkt.Thread) {
			leave := lock(td)
			m.Work(td, time.Millisecond)
			lent = td.LentPriority()
			leave()
			after = td.LentPriority()
		}, sim.UserThread(), sim.Priority(prio.holder))
		for _, name := range []string{"one", "two", "three"} {
			m.Go(name, func(td *lwkt.Thread) {
				td.Pause(50 * us)
				m.Work(td, 10*time.Millisecond)
			}, sim.UserThread(), sim.Priority(prio.others))
		}
		var waited time.Duration
		m.Go("kernel", func(td *lwkt.Thread) {
			td.Pause(20 * us)
			asked := m.Now()
			leave := lock(td)
			waited = m.Now() - asked
			leave()
		}, sim.Priority(prio.kernel))
		done(t, m)
		if waited > 1010*us {
			t.Errorf("priorities %v: the kernel thread waited %v for a section of a millisecond", prio, waited)
		}
		if lent != prio.lent || after != 0 {
			t.Errorf("priorities %v: the holder was lent %d, and %d after the section", prio, lent, after)
		}
	}
}

func TestUserThreadsWaitBehindKernelThreads(t *testing.T) {
	for _, user := range []bool{true, false} {
		var mtx lwkt.Mtx
		var first lwkt.QueuedInfo
		m := sim.New(sim.Options{CPUs: 1, Timed: true})
		m.Go("holder", func(td *lwkt.Thread) {
			mtx.Lock(td)
			m.Work(td, 100*us)
			first = lwkt.Turnstiles()[0].Exclusive[0]
			mtx.Unlock(td)
		}, sim.UserThread(), sim.Priority(0))
		wants := func(td *lwkt.Thread) {
			td.Pause(time.Duration(td.Priority()) * us)
			mtx.Lock(td)
			mtx.Unlock(td)
		}
		opts, want := []sim.ThreadOption{sim.Priority(20)}, 20
		if user {
			opts, want = append(opts, sim.UserThread()), 10
		}
		m.Go("20", wants, opts...)
		m.Go("10", wants, sim.Priority(10))
		done(t, m)
		if first.Priority != want {
			t.Errorf("20 is of user mode: %t; the first of the queue is at %d, want %d", user, first.Priority, want)
		}
	}
}

// What processors know of a thread does not outlive its run where there are none either.
func TestLevelDoesNotOutliveARun(t *testing.T) {
	err := sim.Do(func(s *sim.Session) {
		for run := range 2 {
			m := s.New(sim.Options{})
			m.Go("raises", func(td *lwkt.Thread) {
				m.Assert(m.Spl(td) == sim.SplNone, "run %d begins at level %v", run, m.Spl(td))
				m.Splraise(td, sim.SplHigh)
			})
			done(t, m)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRow27ReadersAreNotLentTo(t *testing.T) {
	var rw lwkt.RWLock
	if w := inversion(t, sim.Options{}, taking(rw.RLock, rw.RUnlock), taking(rw.WLock, rw.WUnlock)); w < 10*time.Millisecond {
		t.Errorf("high waited %v for a reader, who is lent nothing", w)
	}
	m := sim.New(sim.Options{CPUs: 1, Timed: true})
	lent := -1
	m.Go("low", func(td *lwkt.Thread) {
		rw.RLock(td)
		m.Work(td, time.Millisecond)
		lent = td.LentPriority()
		rw.RUnlock(td)
	}, sim.Priority(5))
	m.Go("high", func(td *lwkt.Thread) {
		td.Pause(300 * us)
		rw.WLock(td)
		rw.WUnlock(td)
	}, sim.Priority(20))
	done(t, m)
	if lent != 0 {
		t.Errorf("the reader was lent %d", lent)
	}
}

func TestRow22AdaptiveSpin(t *testing.T) {
	run := func(off bool) (s lwkt.ThreadStats) {
		var mu lwkt.Mtx
		m := sim.New(sim.Options{CPUs: 2, Timed: true})
		m.Go("owner", func(td *lwkt.Thread) {
			mu.Lock(td)
			m.Work(td, 100*us)
			mu.Unlock(td)
		}, sim.OnCPU(0), sim.Priority(5))
		m.Go("other", func(td *lwkt.Thread) {
			if td.Pause(20 * us); off {
				m.Work(td, 200*us) // the owner is not running meanwhile
			}
		}, sim.OnCPU(0), sim.Priority(9))
		m.Go("waiter", func(td *lwkt.Thread) {
			td.Pause(40 * us)
			mu.Lock(td)
			mu.Unlock(td)
			s = td.Stats()
		}, sim.OnCPU(1), sim.Priority(5))
		done(t, m)
		return s
	}
	if s := run(false); s.Spins < 10 || s.Waits != 0 {
		t.Errorf("its owner running, the lock was spun on %d times and waited for %d times", s.Spins, s.Waits)
	}
	if s := run(true); s.Spins != 0 || s.Waits != 1 {
		t.Errorf("its owner not running, the lock was spun on %d times and waited for %d times", s.Spins, s.Waits)
	}
}

// TestSpinnersWithTokens: who holds a token, or spins on one who does, does not spin (C2).
func TestSpinnersWithTokens(t *testing.T) {
	for _, holder := range []int{0, 1} {
		var mu lwkt.Mtx
		var tok lwkt.Token
		m := sim.New(sim.Options{CPUs: 2, Timed: true})
		var s lwkt.ThreadStats
		for i := range 2 {
			m.Go("t", func(td *lwkt.Thread) {
				if i == holder {
					tok.Acquire(td)
					defer tok.Release(td)
				}
				if i == 0 {
					mu.Lock(td)
					m.Work(td, 50*us)
					mu.Unlock(td)
					return
				}
				td.Pause(10 * us)
				mu.Lock(td)
				mu.Unlock(td)
				s = td.Stats()
			}, sim.OnCPU(i))
		}
		done(t, m)
		if s.Spins != 0 || s.Waits == 0 {
			t.Errorf("with a token held by thread %d the lock was spun on %d times and waited for %d times", holder, s.Spins, s.Waits)
		}
	}
}

// TestRow31PriorityPropagation: top waits for c, whose owner waits for b, whose owner waits
// for a: all three owners are raised, and lowered again by their releases.
func TestRow31PriorityPropagation(t *testing.T) {
	var a, b, c lwkt.Mtx
	var lent [3][]int // by owner: at the end of its section, and after it
	m := sim.New(sim.Options{CPUs: 1, Timed: true})
	at := func(d time.Duration, td *lwkt.Thread) {
		if d > 0 {
			td.Pause(d)
		}
	}
	note := func(i int, td *lwkt.Thread) { lent[i] = append(lent[i], td.LentPriority()) }
	m.Go("first", func(td *lwkt.Thread) {
		a.Lock(td)
		m.Work(td, time.Millisecond)
		note(0, td)
		a.Unlock(td)
		note(0, td)
	}, sim.Priority(1))
	m.Go("second", func(td *lwkt.Thread) {
		at(100*us, td)
		b.Lock(td)
		a.Lock(td)
		note(1, td)
		a.Unlock(td)
		note(1, td)
		b.Unlock(td)
		note(1, td)
	}, sim.Priority(2))
	m.Go("third", func(td *lwkt.Thread) {
		at(200*us, td)
		c.Lock(td)
		b.Lock(td)
		note(2, td)
		b.Unlock(td)
		c.Unlock(td)
		note(2, td)
	}, sim.Priority(3))
	m.Go("middle", func(td *lwkt.Thread) {
		at(250*us, td)
		m.Work(td, 10*time.Millisecond)
	}, sim.Priority(10))
	var waited time.Duration
	m.Go("top", func(td *lwkt.Thread) {
		at(300*us, td)
		asked := m.Now()
		c.Lock(td)
		waited = m.Now() - asked
		c.Unlock(td)
	}, sim.Priority(20))
	done(t, m)
	for i, want := range [][]int{{20, 0}, {20, 20, 0}, {20, 0}} {
		if len(lent[i]) != len(want) {
			t.Fatalf("owner %d was lent %v, want %v", i, lent[i], want)
		}
		for j := range want {
			if lent[i][j] != want[j] {
				t.Errorf("owner %d was lent %v, want %v", i, lent[i], want)
			}
		}
	}
	if waited > 1200*us {
		t.Errorf("top waited %v behind a section of a millisecond", waited)
	}
}

// TestLendingIsTakenBack: the waiter gives up, and its priority goes with it, along the chain.
func TestLendingIsTakenBack(t *testing.T) {
	var a, b lwkt.Mtx
	var during, after int
	m := sim.New(sim.Options{CPUs: 1, Timed: true})
	ctx, cancel := context.WithCancel(context.Background())
	m.Go("first", func(td *lwkt.Thread) {
		a.Lock(td)
		m.Work(td, 500*us)
		during = td.LentPriority()
		cancel()
		td.Pause(0)
		m.Work(td, 500*us)
		after = td.LentPriority()
		a.Unlock(td)
	}, sim.Priority(1))
	m.Go("second", func(td *lwkt.Thread) {
		td.Pause(100 * us)
		b.Lock(td)
		a.Lock(td)
		a.Unlock(td)
		b.Unlock(td)
	}, sim.Priority(2))
	m.Go("top", func(td *lwkt.Thread) {
		td.Pause(200 * us)
		if _, err := b.LockContext(ctx, td); err == nil {
			b.Unlock(td)
			t.Error("it was not cancelled")
		}
	}, sim.Priority(20))
	done(t, m)
	if during != 20 || after != 2 {
		t.Errorf("the first owner was lent %d while top waited, and %d after it gave up; want 20 and 2", during, after)
	}
}

// TestLendingThroughTokens: top waits for a mutex whose owner waits for a token; who has that
// is lent top's priority (C13).
func TestLendingThroughTokens(t *testing.T) {
	var mu lwkt.Mtx
	var tok lwkt.Token
	var lent []int
	m := sim.New(sim.Options{CPUs: 1, Timed: true, Slicing: sim.LendHolders})
	m.Go("holder", func(td *lwkt.Thread) {
		tok.Acquire(td)
		m.Work(td, time.Millisecond)
		lent = append(lent, td.LentPriority())
		tok.Release(td)
		m.Work(td, 100*us)
		lent = append(lent, td.LentPriority())
	}, sim.Priority(1))
	m.Go("owner", func(td *lwkt.Thread) {
		td.Pause(100 * us)
		mu.Lock(td)
		tok.Acquire(td)
		tok.Release(td)
		mu.Unlock(td)
	}, sim.Priority(2))
	m.Go("top", func(td *lwkt.Thread) {
		td.Pause(200 * us)
		mu.Lock(td)
		mu.Unlock(td)
	}, sim.Priority(20))
	done(t, m)
	if len(lent) != 2 || lent[0] != 20 || lent[1] != 0 {
		t.Errorf("the holder of the token was lent %v, want [20 0]", lent)
	}
}

func TestRow32SleepingOwner(t *testing.T) {
	t.Run("the owner sleeps first", func(t *testing.T) {
		var mu lwkt.Mtx
		m := sim.New(sim.Options{})
		m.Go("owner", func(td *lwkt.Thread) {
			mu.Init("vnode", 0)
			mu.Lock(td)
			td.Sleep(&mu, 0)
			mu.Unlock(td)
		})
		m.Go("waiter", func(td *lwkt.Thread) { var tok lwkt.Token; tok.Acquire(td); mu.Lock(td) })
		sleeping(t, m.Run(&first{}), "owner", "vnode", "sleeps")
	})
	t.Run("others wait already", func(t *testing.T) {
		var mu lwkt.Mtx
		m := sim.New(sim.Options{Attempts: true})
		m.Go("owner", func(td *lwkt.Thread) {
			mu.Lock(td)
			m.Until(td, "it is waited for", func() bool { return len(lwkt.Turnstiles()) > 0 })
			td.Sleep(&mu, 0)
			mu.Unlock(td)
		})
		m.Go("waiter", func(td *lwkt.Thread) { mu.Lock(td) })
		sleeping(t, m.Run(&first{}), "owner", "would sleep")
	})
}

// sleeping wants a run to have ended with a Misuse that says so.
func sleeping(t *testing.T, r sim.Result, parts ...string) {
	t.Helper()
	var misuse *lwkt.Misuse
	if r.Outcome != sim.Panic || !errors.As(r.Err, &misuse) {
		t.Fatalf("%v: %v", r.Outcome, r.Err)
	}
	for _, p := range parts {
		if !strings.Contains(misuse.Error(), p) {
			t.Errorf("%q does not say %q", misuse.Error(), p)
		}
	}
}

// TestSpinningEnds: every schedule of two threads that spin on each other's locks, on processors
// of their own, is tried, and those that go round are found to be deadlocks.
func TestSpinningEnds(t *testing.T) {
	both := func(a, b *lwkt.Mtx) func(td *lwkt.Thread) {
		return func(td *lwkt.Thread) {
			a.Lock(td)
			b.Lock(td)
			b.Unlock(td)
			a.Unlock(td)
		}
	}
	for _, opposed := range []bool{false, true} {
		outcomes, cycles := map[sim.Outcome]int{}, 0
		e := &everything{}
		for more := true; more; more = e.next() {
			var a, b lwkt.Mtx
			m := sim.New(sim.Options{CPUs: 2})
			m.Go("one", both(&a, &b), sim.OnCPU(0))
			if opposed {
				m.Go("other", both(&b, &a), sim.OnCPU(1))
			} else {
				m.Go("other", both(&a, &b), sim.OnCPU(1))
			}
			r := m.Run(e)
			outcomes[r.Outcome]++
			var d *sim.DeadlockError
			if errors.As(r.Err, &d) && len(d.Cycle) == 2 && strings.Contains(d.Cycle[0].For, "mutex") {
				cycles++
			}
		}
		if outcomes[sim.Done] == 0 || outcomes[sim.Done]+outcomes[sim.Deadlock] != e.runs || (cycles > 0) != opposed || cycles != outcomes[sim.Deadlock] {
			t.Errorf("opposed %v: %v in %d runs, %d cycles", opposed, outcomes, e.runs, cycles)
		}
	}
}

// everything chooses each schedule once.
type everything struct {
	took, had []int
	at, runs  int
}

func (e *everything) Choose(p *sim.Point) int {
	if e.at == len(e.took) {
		e.took, e.had = append(e.took, 0), append(e.had, len(p.Enabled))
	}
	e.at++
	return e.took[e.at-1]
}

func (e *everything) next() bool {
	e.runs++
	e.at = 0
	for n := len(e.took) - 1; n >= 0; n-- {
		if e.took[n]++; e.took[n] < e.had[n] {
			e.took, e.had = e.took[:n+1], e.had[:n+1]
			return true
		}
	}
	return false
}
