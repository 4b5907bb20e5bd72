package explore

// The timeline of one run: the steps, and in between who held and waited for what.
// It is what lanes, picture and trace file are drawn from, with the number of the step
// as the time.

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/serializing-tokens/lwkt/sim"
)

// row is one step.
type row struct {
	step, thread int
	kind         sim.EventKind
	op           sim.Op
	text         string // what it did
	site         string // file:line, or empty
}

// span is a stretch of steps [from, to) in which a thread held or waited for an object.
type span struct {
	thread, object int
	from, to       int
	shared         bool
	lock           bool // of package lwkt: told by the machine, and not inferred
	depth          int  // acquisitions besides the first
}

type timeline struct {
	threads []string
	objects []string
	rows    []row
	holds   []span
	waits   []span
	idle    []span   // waits for something that is no object, such as a condition
	last    []string // thread -> how it ended up
	outcome string
	failed  bool
	fair    int // if left > 0: the step from which on it was round robin
	left    int // steps that are not among the rows
}

// goOn is called for a run that did not end: it is fair from a step on, and the last steps
// are left out.
func (t *timeline) goOn(fair, left int, l *Liveness) {
	t.fair, t.left = fair, left
	for _, i := range l.Busy {
		if i < len(t.last) {
			t.last[i] = "goes on"
		}
	}
	for _, i := range l.Starved {
		if i < len(t.last) && t.last[i] == "" {
			t.last[i] = "starves"
		}
	}
}

// seenStep is a step as it was recorded.
type seenStep struct {
	event     sim.Event
	waiting   []sim.Event // before it
	footprint []sim.Access
	locks     []span // that threads have after it: thread, object, shared
}

// historian records a run; it stands where the strategy does.
type historian struct {
	*deviate
	host  *host
	steps []seenStep
}

// Choose records the point and the choice.
func (h *historian) Choose(p *sim.Point) int {
	i := h.deviate.Choose(p)
	h.add(p, i)
	return i
}

func (h *historian) add(p *sim.Point, i int) {
	h.steps = append(h.steps, seenStep{event: p.Enabled[i], waiting: slices.Clone(p.Waiting)})
}

// Executed records the footprint, and who has which locks now.
func (h *historian) Executed(e sim.Event, footprint []sim.Access) {
	if len(h.steps) == 0 {
		return
	}
	s := &h.steps[len(h.steps)-1]
	s.footprint = slices.Clone(footprint)
	m := h.host.machine
	for i := range m.Threads() {
		m.EachLock(i, func(obj int32, shared bool) {
			for k := range s.locks {
				if l := &s.locks[k]; l.thread == i && l.object == int(obj) {
					l.shared = l.shared && shared
					return
				}
			}
			s.locks = append(s.locks, span{thread: i, object: int(obj), shared: shared, lock: true})
		})
	}
}

// names are how a machine calls its threads and objects.
type names interface {
	ThreadName(i int) string
	ObjectName(n int32) string
}

// newTimeline makes the timeline of what was recorded.
func newTimeline(steps []seenStep, waiting []sim.Event, who names) *timeline {
	t := &timeline{}
	b := &builder{timeline: t, who: who, waits: map[int]int{}}
	for n, s := range steps {
		b.point(n, s.waiting)
		b.step(n, s)
	}
	b.point(len(steps), waiting)
	b.finish(waiting)
	t.waits, t.idle = t.untilNext(t.waits), t.untilNext(t.idle)
	return t
}

// untilNext has waits last until their threads go on: one that could go on before has not done so yet.
func (t *timeline) untilNext(waits []span) (list []span) {
	for _, w := range waits {
		w.to = max(w.to, t.next(w.thread, w.to))
		if !slices.ContainsFunc(list, func(o span) bool { return o.thread == w.thread && o.to > w.from }) { // else a part of that
			list = append(list, w)
		}
	}
	return list
}

// siteOf is the source line of a program counter.
func siteOf(pc uintptr) string {
	if pc == 0 {
		return ""
	}
	f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	if f.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
}
