// mutants_test.go: the locks of broken_test.go, each a real one with something taken away or added, or one made by hand.

package table

import (
	"sync"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// owners knows who is in which section; it is what the broken locks are made with.
type owners struct {
	mu  sync.Mutex // never contended: one thread runs at a time
	who [2]*lwkt.Thread
	at  [2]int // their priorities: a Thread is for its own goroutine to ask
}

func (o *owners) of(i int) *lwkt.Thread {
	h, _ := o.both(i)
	return h
}

func (o *owners) both(i int) (td *lwkt.Thread, priority int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.who[i], o.at[i]
}

func (o *owners) set(i int, td *lwkt.Thread) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.who[i] = td; td != nil {
		o.at[i] = td.Priority()
	}
}

// watched tells o who is in the sections of a guard.
func watched(g guard, o *owners) guard {
	enter := g.enter
	g.enter = func(td *lwkt.Thread, i int) func() {
		leave := enter(td, i)
		o.set(i, td)
		return func() { o.set(i, nil); leave() }
	}
	return g
}

// leaky lets a thread into a section that another one is in, if let says so of the two.
func leaky(l lock, let func(m *sim.Machine, td, holder *lwkt.Thread, at int) bool) lock {
	fresh := l.fresh
	l.fresh = func(m *sim.Machine) guard {
		var o owners
		g := watched(fresh(m), &o)
		enter := g.enter
		g.enter = func(td *lwkt.Thread, i int) func() {
			if h, at := o.both(i); h != nil && h != td && let(m, td, h, at) {
				return func() {}
			}
			return enter(td, i)
		}
		return g
	}
	return l
}

// To forget a holder whose slice ended, one on another processor, one that an interrupt came over.
func sliced(m *sim.Machine, td, h *lwkt.Thread, at int) bool {
	return sameCPU(m, td, h) && td.Priority() == at
}
func elsewhere(m *sim.Machine, td, h *lwkt.Thread, _ int) bool   { return m.CPU(td) != m.CPU(h) }
func interrupted(_ *sim.Machine, td, _ *lwkt.Thread, _ int) bool { return td.Name() == "device" }

// busy computes where it should block.
func busy(l lock) lock {
	fresh := l.fresh
	l.fresh = func(m *sim.Machine) guard {
		g := fresh(m)
		g.block = func(td *lwkt.Thread, d time.Duration) bool { m.Work(td, d); return false }
		return g
	}
	return l
}

// handmade is a lock of which the scheduler knows nothing: a mark that says who is in, dropped while its owner blocks, and while
// it waits for the other one. against says whom an owner keeps out; level, if not 0, is raised to meanwhile.
func handmade(l lock, level sim.Level, against func(m *sim.Machine, td, owner *lwkt.Thread) bool) lock {
	l.fresh = func(m *sim.Machine) guard {
		var o owners
		take := func(td *lwkt.Thread, want [2]bool) {
			m.Until(td, "marks", func() bool {
				for i := range want {
					if h := o.of(i); want[i] && h != nil && h != td && against(m, td, h) {
						return false
					}
				}
				return true
			})
			for i := range want {
				if want[i] {
					o.set(i, td)
				}
			}
		}
		mine := func(td *lwkt.Thread) (set [2]bool) {
			for i := range set {
				if set[i] = o.of(i) == td; set[i] {
					o.set(i, nil)
				}
			}
			return set
		}
		return guard{
			enter: func(td *lwkt.Thread, i int) func() {
				var old sim.Level
				if level > 0 {
					old = m.Splraise(td, level)
				}
				set := mine(td)
				set[i] = true
				take(td, set)
				return func() {
					if o.of(i) == td {
						o.set(i, nil)
					}
					if level > 0 {
						m.Splx(td, old)
					}
				}
			},
			block: func(td *lwkt.Thread, d time.Duration) bool {
				set := mine(td)
				td.Pause(d)
				take(td, set)
				return true
			},
		}
	}
	return l
}

func anybody(*sim.Machine, *lwkt.Thread, *lwkt.Thread) bool { return true }
func sameCPU(m *sim.Machine, td, h *lwkt.Thread) bool {
	return m.CPU(td) >= 0 && m.CPU(td) == m.CPU(h)
}

// holdAndWait keeps what a thread has while it waits for the second one, if another is in there.
func holdAndWait(l lock, second func(fresh guard) func(td *lwkt.Thread, i int) func()) lock {
	fresh := l.fresh
	l.fresh = func(m *sim.Machine) guard {
		var o owners
		base := fresh(m)
		g := watched(base, &o)
		enter := g.enter
		g.enter = func(td *lwkt.Thread, i int) func() {
			if o.of(1-i) == td {
				m.Until(td, names[i], func() bool { return o.of(i) == nil })
				if second != nil {
					return second(base)(td, i)
				}
			}
			return enter(td, i)
		}
		return g
	}
	return l
}

// nothing is no lock at all.
func nothing(guard) func(td *lwkt.Thread, i int) func() {
	return func(*lwkt.Thread, int) func() { return func() {} }
}

// loose is a guard whose locks can be let go, and taken back, in the middle of a section.
type loose struct {
	owners
	base  guard
	leave [2]func() // by the owner
}

// loosen makes guards of a lock loose ones, used by use.
func loosen(l lock, use func(o *loose) guard) lock {
	fresh := l.fresh
	l.fresh = func(m *sim.Machine) guard {
		o := &loose{base: fresh(m)}
		g := use(o)
		g.share = o.base.share
		return g
	}
	return l
}

func (o *loose) take(td *lwkt.Thread, i int) {
	leave := o.base.enter(td, i)
	o.leave[i] = leave
	o.set(i, td)
}

// let gives lock i up if td has it, and says whether it had.
func (o *loose) let(td *lwkt.Thread, i int) bool {
	if o.of(i) != td {
		return false
	}
	leave := o.leave[i]
	o.set(i, nil)
	leave()
	return true
}

// sorted locks: a second one that comes first in the order is taken first, with the other let go meanwhile.
func sorted(l lock) lock {
	return loosen(l, func(o *loose) guard {
		return guard{block: o.base.block, enter: func(td *lwkt.Thread, i int) func() {
			again := i == 0 && o.let(td, 1)
			o.take(td, i)
			if again {
				o.take(td, 1)
			}
			return func() { // in the reverse order, as a spin mutex must be
				again := i == 0 && o.let(td, 1)
				o.let(td, i)
				if again {
					o.take(td, 1)
				}
			}
		}}
	})
}

// dropped locks are given up while their holder blocks.
func dropped(l lock) lock {
	return loosen(l, func(o *loose) guard {
		return guard{
			enter: func(td *lwkt.Thread, i int) func() {
				o.take(td, i)
				return func() { o.let(td, i) }
			},
			block: func(td *lwkt.Thread, d time.Duration) bool {
				held := [2]bool{o.let(td, 0), o.let(td, 1)}
				o.base.block(td, d)
				for i := range held {
					if held[i] {
						o.take(td, i)
					}
				}
				return true
			},
		}
	})
}

// listless waiters wait with the worst priority, so they have none to lend.
func listless(l lock) lock {
	fresh := l.fresh
	l.fresh = func(m *sim.Machine) guard {
		g := fresh(m)
		enter := g.enter
		g.enter = func(td *lwkt.Thread, i int) func() {
			own := td.Priority()
			td.SetPriority(0)
			leave := enter(td, i)
			td.SetPriority(own)
			return leave
		}
		return g
	}
	return l
}

// lowLevels let the clock in, which ends slices, and keep the device out by other means.
func lowLevels(m *sim.Machine) guard {
	return raising(m, sim.SplVM, func(td, h *lwkt.Thread) bool { return td.Name() == "device" || td.Name() == "better" })
}

// openLevels let the device in, which is above them, and the clock not.
func openLevels(m *sim.Machine) guard {
	return raising(m, sim.SplSched, func(td, h *lwkt.Thread) bool { return false })
}

// wideLevels keep threads on other processors out, too.
func wideLevels(m *sim.Machine) guard {
	return raising(m, sim.SplHigh, func(td, h *lwkt.Thread) bool { return m.CPU(td) != m.CPU(h) })
}

// A spin mutex with a level instead of its critical section: one at which slices end, and one at which the device comes in.
func slicedSpin(m *sim.Machine) guard {
	return raising(m, sim.SplVM, func(td, h *lwkt.Thread) bool {
		return td.Name() == "device" || td.Name() == "better" || !sameCPU(m, td, h)
	})
}

func openSpin(m *sim.Machine) guard {
	return raising(m, sim.SplSched, func(td, h *lwkt.Thread) bool { return td.Name() != "device" && !sameCPU(m, td, h) })
}

// raising is spl with a level of its own, at which whoever is held up waits.
func raising(m *sim.Machine, level sim.Level, heldUp func(td, h *lwkt.Thread) bool) guard {
	var o owners
	return guard{block: pause, enter: func(td *lwkt.Thread, i int) func() {
		old := m.Splraise(td, level)
		m.Until(td, "level", func() bool { h := o.of(i); return h == nil || h == td || !heldUp(td, h) })
		o.set(i, td)
		return func() {
			if o.of(i) == td {
				o.set(i, nil)
			}
			m.Splx(td, old)
		}
	}}
}

func with(l lock, fresh func(m *sim.Machine) guard) lock { l.fresh = fresh; return l }
