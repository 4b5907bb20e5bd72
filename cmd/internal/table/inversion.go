// inversion.go: the experiment on priority inversion, in virtual time: low is in its section when the clock makes middle runnable,
// which only computes, and then high, which wants the lock.
//
// The verdict is about a bound: high may have to wait until low has left its section, which is known to be a millisecond long. It
// must not have to wait for middle. So the experiment is made twice, with middle computing for ten and for twenty milliseconds:
// the lock works if neither wait is longer than the section. The wait begins when the clock interrupt for high is due, not when
// high gets to ask: spl holds the interrupt itself up, and would otherwise seem to cost nothing.

package table

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

const (
	us      = time.Microsecond
	section = 1000 * us   // of low
	slack   = 50 * us     // what the operations themselves may take
	wakes   = 200 * us    // middle
	wants   = 300 * us    // high
	piece   = 20 * us     // computing is drawn in pieces
	long    = 10_000 * us // middle computes
	longer  = 2 * long    // and in the second run
)

// A stretch is a time in which a thread ran.
type stretch struct {
	thread   int // 0 is low, 1 middle, 2 high
	from, to time.Duration
}

// An inversion is one run.
type inversion struct {
	waited    time.Duration
	mu        sync.Mutex // never contended: one thread runs at a time
	stretches []stretch  // (mu)
}

// compute uses the processor for d and notes when.
func (v *inversion) compute(m *sim.Machine, td *lwkt.Thread, thread int, d time.Duration) {
	for ; d > 0; d -= piece {
		m.Work(td, piece)
		v.ran(thread, m.Now())
	}
}

// ran notes a piece that ends now.
func (v *inversion) ran(thread int, to time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if n := len(v.stretches); n > 0 && v.stretches[n-1].thread == thread && to-v.stretches[n-1].to < 2*piece {
		v.stretches[n-1].to = to
	} else {
		v.stretches = append(v.stretches, stretch{thread, to - piece, to})
	}
}

// program is low, middle and high. What it leaves in v is of its last run.
func (v *inversion) program(l lock, computing time.Duration) func(m *sim.Machine) {
	return func(m *sim.Machine) {
		var run inversion
		g := l.fresh(m)
		var ticks atomic.Int32
		m.Interrupt("clock", 0, sim.SplSched, func(*lwkt.Thread) { ticks.Add(1) }, sim.At(wakes), sim.At(wants))
		m.Go("low", func(td *lwkt.Thread) {
			take := g.enter
			if g.share != nil {
				take = g.share
			}
			leave := take(td, 0)
			run.compute(m, td, 0, section)
			leave()
		}, sim.Priority(5))
		m.Go("middle", func(td *lwkt.Thread) {
			m.Until(td, "its time", func() bool { return ticks.Load() >= 1 })
			run.compute(m, td, 1, computing)
		}, sim.Priority(10))
		m.Go("high", func(td *lwkt.Thread) {
			m.Until(td, "its time", func() bool { return ticks.Load() >= 2 })
			leave := g.enter(td, 0)
			run.waited = m.Now() - wants
			run.compute(m, td, 2, 10*piece)
			leave()
		}, sim.Priority(20))
		m.Finally(func() { v.waited, v.stretches = run.waited, run.stretches })
	}
}

// priorities makes the experiment.
func priorities(l lock) finding {
	var all finding
	var waits []string
	all.works, all.exhaustive = true, true
	same := true
	for _, s := range l.policies {
		one := l
		one.policies = []sim.Slicing{s}
		var v, w inversion
		for _, f := range []finding{
			everywhere(one, sim.Options{CPUs: 1, Timed: true}, v.program(l, long)),
			everywhere(one, sim.Options{CPUs: 1, Timed: true}, w.program(l, longer)),
		} {
			if f.err != nil || f.failure != nil {
				return f
			}
			all.schedules += f.schedules
			all.exhaustive = all.exhaustive && f.exhaustive
		}
		same = same && v.waited == w.waited
		all.works = all.works && max(v.waited, w.waited) <= section
		waits = append(waits, waiting(v.waited, w.waited, s, len(l.policies) > 1))
		if all.figure == "" {
			all.figure = "high waits " + micros(v.waited)
			all.timeline = &v
		}
	}
	all.evidence = "high waits " + strings.Join(waits, ", ")
	if same {
		all.evidence += fmt.Sprintf("; the same whether middle computes for %s or %s", micros(long), micros(longer))
	}
	return all
}

// waiting tells the two waits of one policy.
func waiting(first, second time.Duration, s sim.Slicing, several bool) string {
	how := ""
	if several {
		how = map[sim.Slicing]string{sim.KeepHolders: " if holders run on", sim.LendHolders: " if holders are lent to"}[s]
	}
	if first == second {
		return micros(first) + how
	}
	return fmt.Sprintf("%s%s with middle computing for %s, %s for %s", micros(first), how, micros(long), micros(second), micros(longer))
}

// micros is a duration in virtual microseconds.
func micros(d time.Duration) string { return grouped(d.Microseconds()) + " µs" }
