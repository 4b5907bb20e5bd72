// sections.go: the three experiments on exclusion: timeslicing, concurrent execution, preemption.
//
// In each, several threads add one to a counter in two steps, to read it and to write it, inside the section that the lock makes.
// All schedules of the machine are tried. If two are ever inside at a time, there is a schedule in which an update is lost, and the
// sum says so: the verdict is that sum, not what the lock believes. How often a thread came to a section that another was in is
// counted as well: it shows that the experiment put the question at all, or, at nought, that the scheduler leaves nobody to ask it.

package table

import (
	"fmt"
	"sync/atomic"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// exclusion is what was seen over all schedules.
type exclusion struct {
	runs atomic.Int64
	lost atomic.Int64 // runs in which the sum was wrong
	met  atomic.Int64 // runs in which a thread ran while another was in the section
}

// An adder is the counter of one run, and the section around it.
type adder struct {
	g      guard
	count  sim.Var[int]
	added  atomic.Int32
	inside atomic.Int32
	met    atomic.Bool
}

// add is the section. The counter is looked at before, without the lock: that is where a thread meets another one inside.
func (a *adder) add(td *lwkt.Thread) {
	a.count.Load(td)
	if a.inside.Load() > 0 {
		a.met.Store(true)
	}
	leave := a.g.enter(td, 0)
	a.inside.Add(1)
	a.count.Store(td, a.count.Load(td)+1)
	a.inside.Add(-1)
	a.added.Add(1)
	leave()
}

// adding is a program: start gives the threads, which call add.
func (e *exclusion) adding(l lock, start func(m *sim.Machine, add func(td *lwkt.Thread))) func(m *sim.Machine) {
	return func(m *sim.Machine) {
		a := &adder{g: l.fresh(m)}
		start(m, a.add)
		m.Finally(func() {
			e.runs.Add(1)
			if a.count.Value() != int(a.added.Load()) {
				e.lost.Add(1)
			}
			if a.met.Load() {
				e.met.Add(1)
			}
		})
	}
}

// exclude makes the experiment on a machine.
func exclude(l lock, o sim.Options, start func(m *sim.Machine, add func(td *lwkt.Thread))) finding {
	var e exclusion
	f := everywhere(l, o, e.adding(l, start))
	if f.err != nil || f.failure != nil {
		return f
	}
	lost, runs, met := e.lost.Load(), e.runs.Load(), e.met.Load()
	f.works = lost == 0
	f.figure = fmt.Sprintf("sum wrong %s of %s", grouped(lost), grouped(runs))
	f.evidence = fmt.Sprintf("the sum is wrong in %s of %s; ", grouped(lost), counted(runs, "schedule"))
	if met > 0 {
		f.evidence += fmt.Sprintf("in %s a thread ran while another was inside", grouped(met))
	} else {
		f.evidence += "no thread ever ran while another was inside"
	}
	return f
}

// timeslicing: two threads of the same priority on one processor, whose clock may end a time slice at any moment.
func timeslicing(l lock) finding {
	return exclude(l, sim.Options{CPUs: 1, Quantum: 1}, func(m *sim.Machine, add func(td *lwkt.Thread)) {
		m.Go("one", add)
		m.Go("other", add)
	})
}

// concurrent: two threads, each on a processor of its own.
func concurrent(l lock) finding {
	return exclude(l, sim.Options{CPUs: 2}, func(m *sim.Machine, add func(td *lwkt.Thread)) {
		m.Go("one", add, sim.OnCPU(0))
		m.Go("other", add, sim.OnCPU(1))
	})
}

// preemption: a thread; an interrupt that comes up to twice, at any moment, and wants the same; and a better thread that wants it too
// and waits for the interrupt, or if none comes for the end of the other one. One processor, since an interrupt of another one is
// concurrent execution.
func preemption(l lock) finding {
	return exclude(l, sim.Options{CPUs: 1}, func(m *sim.Machine, add func(td *lwkt.Thread)) {
		var woken atomic.Bool
		m.Go("thread", func(td *lwkt.Thread) {
			add(td)
			woken.Store(true)
		}, sim.Priority(10))
		m.Go("better", func(td *lwkt.Thread) {
			m.Until(td, "the device", woken.Load)
			add(td)
		}, sim.Priority(20))
		m.Interrupt("device", 0, sim.SplHigh, func(td *lwkt.Thread) {
			woken.Store(true)
			add(td)
		}, sim.AnyTime(2))
	})
}
