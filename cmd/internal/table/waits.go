// waits.go: the two experiments on blocking and waiting: an invariant across a voluntary block, and a deadlock.
//
// Blocking: the verdict is what another thread sees, in any schedule, of data that the holder has half changed when it blocks. It
// has a worse priority and the same processor, so that it runs only while the holder blocks and nothing else can be to blame. If
// the lock lets it in, it is also counted how often the holder was told, by changed, that somebody was there: that is how the
// holder of a token knows what to read again, and spl has nothing of the kind.
//
// Deadlock: two threads take two locks in opposite order, each order of events is tried, and the machine says whether one was
// reached in which nobody can go on. One is enough, so the search ends there.

package table

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/sim"
)

// blocking: a holder blocks in the middle of a change.
func blocking(l lock) finding {
	var runs, saw, told atomic.Int64
	f := everywhere(l, sim.Options{CPUs: 1}, func(m *sim.Machine) {
		g := l.fresh(m)
		var half sim.Var[bool]
		var seen, changed atomic.Bool
		m.Go("holder", func(td *lwkt.Thread) {
			leave := g.enter(td, 0)
			half.Store(td, true)
			changed.Store(g.block(td, 100*time.Microsecond))
			half.Store(td, false)
			leave()
		}, sim.Priority(20))
		m.Go("other", func(td *lwkt.Thread) {
			leave := g.enter(td, 0)
			seen.Store(half.Load(td))
			leave()
		}, sim.Priority(10))
		m.Finally(func() {
			runs.Add(1)
			if seen.Load() {
				saw.Add(1)
				if changed.Load() {
					told.Add(1)
				}
			}
		})
	})
	if f.err != nil || f.failure != nil {
		return f
	}
	f.works = saw.Load() == 0
	f.figure = fmt.Sprintf("seen half done %d of %s", saw.Load(), grouped(runs.Load()))
	f.evidence = fmt.Sprintf("another thread sees the half-done change in %s of %s", grouped(saw.Load()), counted(runs.Load(), "schedule"))
	switch {
	case f.works:
	case told.Load() == saw.Load():
		f.evidence += "; changed tells the holder each time"
	default:
		f.evidence += fmt.Sprintf("; the holder is told in %s", grouped(told.Load()))
	}
	return f
}

// deadlock: one takes X and Y, the other Y and X.
func deadlock(l lock) finding {
	rep := explore.Run(func(m *sim.Machine) {
		g := l.fresh(m)
		both := func(first, second int) func(td *lwkt.Thread) {
			return func(td *lwkt.Thread) {
				outer := g.enter(td, first)
				inner := g.enter(td, second)
				inner()
				outer()
			}
		}
		m.Go("A", both(0, 1))
		m.Go("B", both(1, 0))
	}, explore.Exhaustive(), explore.Budget(budget))
	f := judged(rep)
	if f.err != nil {
		return f
	}
	f.works = rep.OK()
	if f.works {
		f.figure = fmt.Sprintf("none in %s", counted(int64(f.schedules), "schedule"))
		f.evidence = fmt.Sprintf("no deadlock in %s", counted(int64(f.schedules), "schedule"))
		return f
	}
	f.figure = fmt.Sprintf("deadlock in %s", counted(int64(rep.Failure.Switches), "switch"))
	f.evidence = fmt.Sprintf("%s, after %s", cycle(rep.Failure.Err), counted(int64(rep.Failure.Switches), "switch"))
	return f
}

// cycle tells who waits for whom.
func cycle(err error) string {
	var d *sim.DeadlockError
	if !errors.As(err, &d) || len(d.Cycle) == 0 {
		return firstLine(err)
	}
	var b strings.Builder
	for i, w := range d.Cycle {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s waits for %s, which %s has", w.Thread, w.For, w.Owner)
	}
	return b.String()
}
