package explore

// The guard stands between the machine and a strategy. It records the choices of
// each run, so that any failure can be repeated whatever strategy found it, counts
// distinct traces if asked to, and takes over from the strategy at the step cap.
//
// From there it goes on in round robin, which is fair: a thread that can run for
// ever does. If all threads end so, the schedule was to blame. If not, the program
// is, and the suffix says of what: threads that never took a step in it although
// others did are starved, and if all that are left have run, it is a livelock.

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/serializing-tokens/lwkt/sim"
)

// Liveness is the error of a run that did not end under a fair schedule either.
type Liveness struct {
	Steps   int   // fair steps that did not bring it to an end
	Starved []int // threads that could not take a single step meanwhile
	Busy    []int // threads that went on all the time
	Ended   []int // threads that came to their end

	names []string // of all threads, once the run has been drawn
}

// Error names the threads.
func (l *Liveness) Error() string {
	var s string
	switch {
	case len(l.Starved) > 0 && len(l.Busy) > 0:
		s = fmt.Sprintf("starvation: in %d fair steps %s could not go on once, while %s ran", l.Steps, l.threads(l.Starved), l.threads(l.Busy))
	case len(l.Starved) > 0:
		s = fmt.Sprintf("starvation: in %d fair steps %s could not go on once", l.Steps, l.threads(l.Starved))
	case len(l.Busy) == 1:
		s = fmt.Sprintf("livelock: %d fair steps did not bring %s to its end", l.Steps, l.threads(l.Busy))
	default:
		s = fmt.Sprintf("livelock: %d fair steps of %s brought none of them to its end", l.Steps, l.threads(l.Busy))
	}
	if len(l.Ended) > 0 {
		s += "; " + l.threads(l.Ended) + " ended"
	}
	return s
}

func (l *Liveness) threads(list []int) string {
	var b strings.Builder
	b.WriteString("thread")
	if len(list) != 1 {
		b.WriteString("s")
	}
	for i, n := range list {
		if i > 0 {
			b.WriteString(",")
		}
		if n < len(l.names) {
			fmt.Fprintf(&b, " %q", l.names[n])
		} else {
			fmt.Fprintf(&b, " %d", n)
		}
	}
	return b.String()
}

// guard is one per exploration.
type guard struct {
	s       strategy
	rec     sim.Recorder // s, if it is one
	cap     int          // from this step on it is round robin
	choices []int32
	traces  *traces
	ran     map[int]bool // threads that took a step in the fair suffix
	waiting []int        // threads that waited at its last point
	capped  bool         // some run has reached the cap
}

// over returns the chooser that asks s. It is a Recorder only if somebody listens:
// footprints cost the machine something.
func (g *guard) over(s strategy) sim.Chooser {
	g.s = s
	g.rec, _ = s.(sim.Recorder)
	if g.rec != nil || g.traces != nil {
		return &listening{g}
	}
	return g
}

func (g *guard) begin() {
	g.choices = g.choices[:0]
	if g.ran != nil {
		clear(g.ran)
	}
	if g.traces != nil {
		g.traces.begin()
	}
}

func (g *guard) reset() {
	if g.traces != nil {
		g.traces.forget()
	}
}

// Choose asks the strategy, or from the cap on takes turns.
func (g *guard) Choose(p *sim.Point) int {
	var i int
	if p.Step < g.cap {
		i = g.s.Choose(p)
	} else {
		i = g.fair(p)
	}
	g.choices = append(g.choices, int32(i))
	return i
}

// fairShown is how many fair steps a drawing shows.
const fairShown = 20

// fair lets the next thread after the last one step, and sees who had a turn.
func (g *guard) fair(p *sim.Point) int {
	g.capped = true
	i := turn(p)
	if h, ok := g.s.(*historian); ok && p.Step < g.cap+fairShown {
		h.add(p, i)
	}
	if g.ran == nil {
		g.ran = map[int]bool{}
	}
	if p.Enabled[i].Kind == sim.Step {
		g.ran[p.Enabled[i].Thread] = true
	}
	g.waiting = g.waiting[:0]
	for _, e := range p.Waiting {
		g.waiting = append(g.waiting, e.Thread)
	}
	return i
}

// turn is the first step of a thread after the one that ran last, in a circle.
// What is no step of a thread, such as a tick, comes when no thread can step.
func turn(p *sim.Point) int {
	first, next := -1, -1
	better := func(i, than int) bool { return than < 0 || p.Enabled[i].Thread < p.Enabled[than].Thread }
	for i := range p.Enabled { // in no order: with CPUs, in theirs
		if e := &p.Enabled[i]; e.Kind == sim.Step {
			if better(i, first) {
				first = i
			}
			if e.Thread > p.Last && better(i, next) {
				next = i
			}
		}
	}
	switch {
	case next >= 0:
		return next
	case first >= 0:
		return first
	}
	return 0
}

// end judges a run that did not end: r is not Done and the cap was passed.
func (g *guard) end(r *result) error {
	if g.traces != nil && r.Outcome != sim.Abandoned {
		g.traces.end()
	}
	if r.Outcome != sim.StepLimit || len(g.ran) == 0 {
		return nil
	}
	l := &Liveness{Steps: r.Steps - g.cap}
	l.Ended = slices.Clone(r.ended)
	for _, t := range slices.Sorted(maps.Keys(g.ran)) {
		if !slices.Contains(l.Ended, t) {
			l.Busy = append(l.Busy, t)
		}
	}
	for _, t := range g.waiting {
		if !g.ran[t] {
			l.Starved = append(l.Starved, t)
		}
	}
	return l
}

// listening is a guard that wants footprints.
type listening struct{ *guard }

// Executed passes an event on to whoever listens.
func (l *listening) Executed(e sim.Event, footprint []sim.Access) {
	if l.traces != nil {
		l.traces.executed(e, footprint)
	}
	most := l.cap
	if _, ok := l.rec.(*historian); ok {
		most += fairShown
	}
	if l.rec != nil && len(l.choices) <= most {
		l.rec.Executed(e, footprint)
	}
}
