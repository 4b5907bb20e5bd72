// The order of interrupts, and what the machine says of numbers that are out of range.
package sim_test

import (
	"fmt"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// Of what is pending the highest level is first, whatever was added or raised before; within a level it is what was added first.
func TestPendingInterruptsComeByLevel(t *testing.T) {
	for _, end := range []string{"spl", "critical section"} {
		for _, to := range []sim.Level{sim.SplNone, sim.SplSoftNet} {
			var j journal
			m := sim.New(sim.Options{CPUs: 1, Timed: true})
			add := func(name string, l sim.Level, opts ...sim.SourceOption) *sim.Source {
				return m.Interrupt(name, 0, l, func(td *lwkt.Thread) { j.add("%s at %v", name, m.Spl(td)) }, opts...)
			}
			sources := []*sim.Source{
				add("clock", sim.SplSoftClock), add("net", sim.SplSoftNet), add("bio", sim.SplVM, sim.Fast()), add("tty", sim.SplVM), add("sched", sim.SplSched),
			}
			m.Go("thread", func(td *lwkt.Thread) {
				old := m.Splraise(td, to)
				if end == "spl" {
					m.Splraise(td, sim.SplHigh)
				} else {
					m.CritEnter(td)
				}
				for _, i := range []int{0, 3, 1, 2, 4} {
					sources[i].Raise()
				}
				m.Work(td, us)
				if end == "spl" {
					m.Splx(td, to)
				} else {
					m.CritExit(td)
				}
				m.Work(td, 50*us)
				j.add("lower")
				m.Splx(td, old)
				m.Work(td, 50*us)
			})
			done(t, m)
			if to == sim.SplNone {
				j.want(t, "sched at sched", "bio at vm", "tty at vm", "net at softnet", "clock at softclock", "lower")
			} else {
				j.want(t, "sched at sched", "bio at vm", "tty at vm", "lower", "net at softnet", "clock at softclock")
			}
		}
	}
}

// There is one preemption at a time: a handler that preempted a thread is not preempted, but by a filter.
func TestOnePreemptionAtATime(t *testing.T) {
	for _, fast := range []bool{false, true} {
		var j journal
		m := sim.New(sim.Options{CPUs: 1, Timed: true})
		var opts []sim.SourceOption
		if fast {
			opts = append(opts, sim.Fast())
		}
		m.Interrupt("low", 0, sim.SplSoftClock, func(td *lwkt.Thread) {
			m.Work(td, 100*us)
			j.add("low ends")
		}, sim.At(10*us))
		m.Interrupt("high", 0, sim.SplHigh, func(td *lwkt.Thread) { j.add("high") }, append(opts, sim.At(50*us))...)
		m.Go("thread", func(td *lwkt.Thread) {
			m.Work(td, 300*us)
			j.add("thread ends")
		})
		done(t, m)
		if fast {
			j.want(t, "high", "low ends", "thread ends")
		} else {
			j.want(t, "low ends", "high", "thread ends")
		}
	}
}

func TestOutOfRange(t *testing.T) {
	idle := func(td *lwkt.Thread) {}
	for _, c := range []struct {
		o     sim.Options
		setup func(m *sim.Machine)
		f     func(m *sim.Machine, td *lwkt.Thread)
		says  string
	}{
		{o: sim.Options{CPUs: 2}, setup: func(m *sim.Machine) { m.Go("far", idle, sim.OnCPU(5)) },
			says: `sim: OnCPU(5) of thread "far": the machine has CPUs 0..1 (Options.CPUs)`},
		{o: sim.Options{CPUs: 2}, setup: func(m *sim.Machine) { m.Go("far", idle, sim.OnCPU(-1)) },
			says: `sim: OnCPU(-1) of thread "far": the machine has CPUs 0..1 (Options.CPUs)`},
		{setup: func(m *sim.Machine) { m.Go("far", idle, sim.OnCPU(5)) }},
		{setup: func(m *sim.Machine) { m.Go("best", idle, sim.Priority(99)) },
			says: `sim: Priority(99) of thread "best" is out of range 0..31`},
		{o: sim.Options{CPUs: 1}, setup: func(m *sim.Machine) { m.Interrupt("net", 7, sim.SplHigh, idle) },
			says: `sim: Interrupt "net" on CPU 7: the machine has CPUs 0..0 (Options.CPUs)`},
		{o: sim.Options{CPUs: 1}, setup: func(m *sim.Machine) { m.Interrupt("net", 0, 200, idle) },
			says: `sim: Interrupt "net" at level Level(200): it is to be from SplSoftClock to SplHigh`},
		{o: sim.Options{CPUs: 1}, setup: func(m *sim.Machine) { m.Interrupt("net", 0, sim.SplNone, idle) },
			says: `sim: Interrupt "net" at level none: it is to be from SplSoftClock to SplHigh`},
		{f: func(m *sim.Machine, td *lwkt.Thread) { m.Go("worst", idle, sim.Priority(-1)) },
			says: `sim: Priority(-1) of thread "worst" is out of range 0..31`},
		{f: func(m *sim.Machine, td *lwkt.Thread) { m.Splraise(td, 200) },
			says: "sim: there is no level Level(200): they are from SplNone to SplHigh"},
		{f: func(m *sim.Machine, td *lwkt.Thread) { m.Splx(td, 200) },
			says: "sim: there is no level Level(200): they are from SplNone to SplHigh"},
		{f: func(m *sim.Machine, td *lwkt.Thread) { m.Migrate(td, 7) },
			says: `sim: Migrate of thread "t" to CPU 7: the machine has no CPUs (Options.CPUs)`},
		{o: sim.Options{CPUs: 2}, f: func(m *sim.Machine, td *lwkt.Thread) { m.Migrate(td, -1) },
			says: `sim: Migrate of thread "t" to CPU -1: the machine has CPUs 0..1 (Options.CPUs)`},
	} {
		m := sim.New(c.o)
		said := "<nil>"
		says := func(f func()) {
			defer func() { said = fmt.Sprint(recover()) }()
			f()
		}
		if c.setup != nil {
			says(func() { c.setup(m) })
		} else {
			m.Go("t", func(td *lwkt.Thread) { says(func() { c.f(m, td) }) })
			done(t, m)
		}
		if c.says == "" {
			c.says = "<nil>"
		}
		if said != c.says {
			t.Errorf("says %s\nwant %s", said, c.says)
		}
	}
}
