// The read-mostly lock and the spin mutex where processors and priorities are exact.
package sim_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/sim"
)

func TestRow28RMLock(t *testing.T) {
	t.Run("each reader is lent to", func(t *testing.T) {
		var j journal
		var l rmlock.Lock
		m := sim.New(sim.Options{CPUs: 3, Timed: true})
		for i, prio := range []int{5, 7} {
			m.Go(fmt.Sprint("reader", i), func(td *lwkt.Thread) {
				l.RLock(td)
				m.Work(td, 100*us)
				j.add("reader%d is lent %d", i, td.LentPriority())
				m.Work(td, 100*us)
				l.RUnlock(td)
				j.add("reader%d is lent %d after it", i, td.LentPriority())
			}, sim.OnCPU(i), sim.Priority(prio))
			m.Go(fmt.Sprint("middle", i), func(td *lwkt.Thread) {
				td.Pause(60 * us)
				m.Work(td, 1000*us)
				j.add("middle%d is done", i)
			}, sim.OnCPU(i), sim.Priority(10))
		}
		m.Go("writer", func(td *lwkt.Thread) {
			td.Pause(50 * us)
			l.WLock(td)
			j.add("writer has it, in time: %v", m.Now() < 300*us)
			l.WUnlock(td)
		}, sim.OnCPU(2), sim.Priority(20))
		done(t, m)
		j.want(t,
			"reader0 is lent 20", "reader1 is lent 20",
			"reader0 is lent 0 after it", "reader1 is lent 0 after it",
			"writer has it, in time: true",
			"middle0 is done", "middle1 is done")
	})
	t.Run("lent on, along a chain", func(t *testing.T) {
		var j journal
		var l rmlock.Lock
		var mu lwkt.Mtx
		m := sim.New(sim.Options{CPUs: 2, Timed: true})
		m.Go("owner", func(td *lwkt.Thread) {
			mu.Lock(td)
			m.Work(td, 200*us)
			j.add("owner is lent %d", td.LentPriority())
			mu.Unlock(td)
		}, sim.OnCPU(0), sim.Priority(3))
		m.Go("reader", func(td *lwkt.Thread) {
			td.Pause(20 * us)
			l.RLock(td)
			mu.Lock(td)
			j.add("reader is lent %d", td.LentPriority())
			mu.Unlock(td)
			l.RUnlock(td)
		}, sim.OnCPU(0), sim.Priority(4))
		m.Go("writer", func(td *lwkt.Thread) {
			td.Pause(50 * us)
			l.WLock(td)
			j.add("writer is lent %d", td.LentPriority())
			l.WUnlock(td)
		}, sim.OnCPU(1), sim.Priority(9))
		m.Go("late", func(td *lwkt.Thread) {
			td.Pause(80 * us)
			l.RLock(td) // waits for the writer, and lends to it, which lends on
			j.add("late reads")
			l.RUnlock(td)
		}, sim.OnCPU(1), sim.Priority(12))
		m.Go("hog", func(td *lwkt.Thread) {
			td.Pause(100 * us)
			m.Work(td, 1000*us)
		}, sim.OnCPU(0), sim.Priority(10))
		done(t, m)
		j.want(t, "owner is lent 12", "reader is lent 12", "writer is lent 12", "late reads")
	})
	t.Run("a writer that gives up lends no more", func(t *testing.T) {
		got := exhaust(t, sim.Options{Attempts: true}, func(m *sim.Machine) {
			var l rmlock.Lock
			ctx, cancel := context.WithCancel(context.Background())
			m.Go("reader", func(td *lwkt.Thread) {
				l.RLock(td)
				m.Yield(td)
				l.RUnlock(td)
				m.Assert(td.LentPriority() == 0, "lent %d after the release", td.LentPriority())
			}, sim.Priority(3))
			m.Go("writer", func(td *lwkt.Thread) {
				if _, err := l.WLockContext(ctx, td); err == nil {
					l.WUnlock(td)
				}
			}, sim.Priority(9))
			m.Go("canceller", func(td *lwkt.Thread) {
				m.Yield(td)
				cancel()
			})
		})
		if len(got) != 1 || got[sim.Done] == 0 {
			t.Errorf("outcomes %v", got)
		}
	})
	t.Run("a reader that sleeps", func(t *testing.T) {
		for _, earlier := range []string{"reader", "writer"} {
			var l rmlock.Lock
			l.Init("L", 0)
			m := sim.New(sim.Options{CPUs: 2, Timed: true})
			m.Go("reader", func(td *lwkt.Thread) {
				l.RLock(td)
				m.Work(td, 50*us)
				td.Pause(1000 * us)
				l.RUnlock(td)
			}, sim.OnCPU(0))
			m.Go("writer", func(td *lwkt.Thread) {
				if earlier == "reader" {
					td.Pause(500 * us)
				} else {
					td.Pause(20 * us)
				}
				l.WLock(td)
				l.WUnlock(td)
			}, sim.OnCPU(1))
			r := m.Run(&first{})
			if r.Outcome != sim.Panic || !strings.Contains(r.Err.Error(), `rmlock "L"`) || !strings.Contains(r.Err.Error(), "sleep") {
				t.Errorf("%s first: %v: %v", earlier, r.Outcome, r.Err)
			}
		}
	})
	t.Run("readers of a sleepable one", func(t *testing.T) {
		var l rmlock.Lock
		l.Init("L", rmlock.Sleepable)
		m := sim.New(sim.Options{CPUs: 1, Timed: true})
		m.Go("reader", func(td *lwkt.Thread) {
			l.RLock(td)
			td.Pause(10 * us)
		})
		if r := m.Run(&first{}); r.Outcome != sim.Panic || !strings.Contains(r.Err.Error(), "readers must not") {
			t.Errorf("%v: %v", r.Outcome, r.Err)
		}
	})
	t.Run("the writer of a sleepable one is not lent to", func(t *testing.T) {
		var j journal
		var l rmlock.Lock
		l.Init("L", rmlock.Sleepable)
		m := sim.New(sim.Options{CPUs: 2, Timed: true})
		m.Go("writer", func(td *lwkt.Thread) {
			l.WLock(td)
			td.Pause(100 * us)
			j.add("writer is lent %d", td.LentPriority())
			l.WUnlock(td)
		}, sim.OnCPU(0), sim.Priority(5))
		m.Go("reader", func(td *lwkt.Thread) {
			td.Pause(20 * us)
			l.RLock(td)
			j.add("reader reads")
			l.RUnlock(td)
		}, sim.OnCPU(1), sim.Priority(20))
		done(t, m)
		j.want(t, "writer is lent 0", "reader reads")
	})
}

func TestRow20SpinMtx(t *testing.T) {
	t.Run("critical section", func(t *testing.T) {
		var j journal
		var s lwkt.SpinMtx
		m := sim.New(sim.Options{CPUs: 2, Timed: true})
		m.Go("holder", func(td *lwkt.Thread) {
			s.Lock(td)
			m.Work(td, 100*us)
			j.add("holder leaves")
			s.Unlock(td)
			j.add("holder goes on")
		}, sim.OnCPU(0))
		m.Interrupt("net", 0, sim.SplHigh, func(td *lwkt.Thread) {
			j.add("interrupt")
			s.Lock(td) // on the same CPU: it would never come out if it preempted the holder
			s.Unlock(td)
		}, sim.At(50*us))
		m.Go("better", func(td *lwkt.Thread) {
			td.Pause(20 * us)
			j.add("better runs")
		}, sim.OnCPU(0), sim.Priority(30))
		done(t, m)
		if len(j.lines) != 4 || j.lines[0] != "holder leaves" || j.lines[3] != "holder goes on" {
			t.Errorf("%q", j.lines)
		}
	})
	t.Run("who spins is interrupted, and uses up time", func(t *testing.T) {
		var j journal
		var s lwkt.SpinMtx
		m := sim.New(sim.Options{CPUs: 2, Timed: true})
		m.Go("holder", func(td *lwkt.Thread) {
			s.Lock(td)
			m.Work(td, 100*us)
			j.add("holder leaves")
			s.Unlock(td)
		}, sim.OnCPU(0))
		m.Go("spinner", func(td *lwkt.Thread) {
			td.Pause(20 * us)
			s.Lock(td)
			j.add("spinner has it, after some rounds: %v", td.Stats().Spins > 10)
			s.Unlock(td)
		}, sim.OnCPU(1))
		m.Go("equal", func(td *lwkt.Thread) {
			td.Pause(30 * us)
			j.add("equal runs")
		}, sim.OnCPU(1))
		m.Interrupt("net", 1, sim.SplSoftNet, func(td *lwkt.Thread) { j.add("interrupt") }, sim.At(50*us))
		done(t, m)
		j.want(t, "interrupt", "holder leaves", "spinner has it, after some rounds: true", "equal runs")
	})
	t.Run("a stuck holder is named", func(t *testing.T) {
		var s lwkt.SpinMtx
		s.Init("S", 0)
		m := sim.New(sim.Options{CPUs: 2, Timed: true, Steps: 1 << 20})
		m.Go("stuck", func(td *lwkt.Thread) {
			s.Lock(td)
			m.Work(td, 100_000*us)
		})
		m.Go("spinner", func(td *lwkt.Thread) {
			td.Pause(us)
			s.Lock(td)
		})
		r := m.Run(&first{})
		if r.Outcome != sim.Panic || !strings.Contains(r.Err.Error(), `spin mutex "S"`) || !strings.Contains(r.Err.Error(), `thread "stuck"`) {
			t.Errorf("%v: %v", r.Outcome, r.Err)
		}
	})
	t.Run("a holder that panics ends the run", func(t *testing.T) {
		var s lwkt.SpinMtx
		m := sim.New(sim.Options{CPUs: 1})
		m.Go("holder", func(td *lwkt.Thread) {
			s.Lock(td)
			td.Pause(us) // a thread that has ended owes nobody its processor
		})
		m.Go("other", func(td *lwkt.Thread) { td.Pause(us) })
		if r := m.Run(&first{}); r.Outcome != sim.Panic || !strings.Contains(r.Err.Error(), "holds a spin mutex") {
			t.Errorf("%v: %v", r.Outcome, r.Err)
		}
	})
	t.Run("schedules in which one spins have an end", func(t *testing.T) {
		r := explore.Run(func(m *sim.Machine) {
			var s lwkt.SpinMtx
			for cpu := range 2 {
				m.Go(fmt.Sprint(cpu), func(td *lwkt.Thread) {
					s.Lock(td)
					s.Unlock(td)
				}, sim.OnCPU(cpu))
			}
		}, explore.Exhaustive(), explore.On(sim.Options{CPUs: 2}))
		if !r.OK() || !r.Exhaustive {
			t.Errorf("%d runs, %v, %v", r.Runs, r.Failure, r.Err)
		}
	})
}
