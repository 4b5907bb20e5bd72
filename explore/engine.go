package explore

// The engine runs a program again and again, each time from scratch under the next
// schedule of a strategy, until the strategy has nothing left, the budget is spent,
// or a run failed. From scratch, because the state of a Go program cannot be copied:
// a run costs a microsecond or two, and to keep it repeatable is all that is asked
// of the program. That is checked. Where a strategy executes a prefix again, it
// compares what could go on at each step, and the operations announced, with what
// it saw before, and a difference ends the exploration with the step named (Drift).
//
// Liveness is judged on fair schedules only. An unfair one can keep a program from
// ending and prove nothing, so from step cap on every run goes on in round robin; if
// even that brings no end, it was the program's doing (fair.go).

import (
	"fmt"
	"strings"
	"time"

	"github.com/serializing-tokens/lwkt/sim"
)

// A result is what a run left behind.
type result struct {
	sim.Result
	waiting []sim.Event // the operations of the threads that wait for ever
	ended   []int       // at the limit of steps: threads that came to their end
	refined bool        // operations turned out to be points that were none before
}

// A runner makes one run of the program after the other: next returns who chooses in it, or
// nil if there is to be no more; done is told how it ended, and says whether to go on.
type runner func(next func() sim.Chooser, done func(r *result) bool)

// A strategy chooses the schedules of many runs, one after another.
type strategy interface {
	sim.Chooser
	begin() bool         // prepares the next run; false: nothing is left to try
	end(r *result)       // after each run
	reset()              // what was learned is void, except numbers of a seed
	label() string       // its name, with parameters
	drifted() *Drift     // set if the last run contradicted an earlier one
	exhausted() bool     // begin said false because everything has been tried
	blocked() (runs int) // runs that were abandoned because they repeated others
}

// plain is what most strategies have to say.
type plain struct{}

func (plain) begin() bool     { return true }
func (plain) end(*result)     {}
func (plain) reset()          {}
func (plain) drifted() *Drift { return nil }
func (plain) exhausted() bool { return false }
func (plain) blocked() int    { return 0 }

// Drift is the error of a program that did not do the same when it was run again
// under the same schedule. Something in it is not under control: the order of a map,
// the time, random numbers, a goroutine of its own, or state that outlives a run.
type Drift struct {
	Step   int    // where it differed
	Before string // what could go on there in an earlier run
	Now    string // and what this time

	then, now []sim.Event
}

// Error tells the step and both sets of operations.
func (d *Drift) Error() string {
	return fmt.Sprintf("explore: the program does not repeat itself: the same choices led to another state at step %d.\n"+
		"\tbefore: %s\n\tnow:    %s\n"+
		"Make all its state in the function that is explored, and leave out clocks, random numbers, map order and goroutines of its own.",
		d.Step, d.Before, d.Now)
}

// describe lists events for people, by the names that who has for threads and objects, if it is not nil.
func describe(events []sim.Event, who names) string {
	if len(events) == 0 {
		return "the run had ended"
	}
	var b strings.Builder
	for i, e := range events {
		if i > 0 {
			b.WriteString(", ")
		}
		byThread := e.Kind != sim.Interrupt && e.Kind != sim.Tick
		switch {
		case byThread && who != nil:
			fmt.Fprintf(&b, "thread %q", who.ThreadName(e.Thread))
		case byThread:
			fmt.Fprintf(&b, "thread %d", e.Thread)
		default:
			fmt.Fprintf(&b, "%s %d", e.Kind, e.Thread)
			continue
		}
		fmt.Fprintf(&b, " %s", e.Op)
		if e.Kind != sim.Step {
			fmt.Fprintf(&b, " (%s)", e.Kind)
		}
		switch {
		case e.Op.Obj == sim.None:
		case who != nil && e.Kind != sim.Choice:
			b.WriteString(" " + who.ObjectName(e.Op.Obj))
		default:
			fmt.Fprintf(&b, " #%d", e.Op.Obj)
		}
	}
	return b.String()
}

// limit is how far a strategy may go.
type limit struct {
	runs     int       // 0: no limit
	deadline time.Time // zero: none
}

// tally is what came of it.
type tally struct {
	runs    int
	failed  bool
	result  result  // of the run that failed
	choices []int32 // made in it
	first   []int32 // made in the first run
	began   ending  // how that ended
	drift   *Drift
	liveErr error // the failure is one of liveness
}

// drive runs the program under s. It stops at the first failure.
func drive(runs runner, s strategy, g *guard, lim limit) (t tally) {
	c := g.over(s)
	runs(func() sim.Chooser {
		if lim.runs > 0 && t.runs >= lim.runs {
			return nil
		}
		// The clock is read every few runs: it costs as much as a short run.
		if t.runs&15 == 0 && !lim.deadline.IsZero() && t.runs > 0 && time.Now().After(lim.deadline) {
			return nil
		}
		if !s.begin() {
			return nil
		}
		g.begin()
		return c
	}, func(r *result) bool {
		t.runs++
		if r.refined {
			// More operations have turned out to be points than the tree was built on.
			s.reset()
			g.reset()
			return true
		}
		s.end(r)
		if t.drift = s.drifted(); t.drift != nil {
			return false
		}
		live := g.end(r)
		if t.runs == 1 {
			t.first, t.began = append([]int32(nil), g.choices...), endingOf(r, live)
		}
		if r.Outcome.Failed() || live != nil {
			t.failed, t.result, t.liveErr = true, *r, live
			t.choices = append([]int32(nil), g.choices...)
			return false
		}
		return true
	})
	return t
}
