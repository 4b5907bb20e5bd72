package explore

// Replays of programs that have changed since (docs/design/012-replay.md): where the run
// departs from what it was, and schedules near the one that is kept, of which one may fail
// as that did.

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/serializing-tokens/lwkt/sim"
)

// again makes the run of a replay string, and if that has become another one and passes, some near it.
func (x *exploration) again(line string) {
	r := &x.report
	w, err := parseReplay(line)
	if err != nil {
		r.Err = err
		return
	}
	s, g := w.chooser(), x.guard(nil)
	t := drive(x.host.runs, s, g, limit{runs: 2})
	r.Strategy, r.Runs, r.Capped = s.label(), t.runs, g.capped
	same := s.hash == w.hash
	switch {
	case t.failed && same:
		x.failedAgain(t, s, line)
	case t.failed:
		r.Diverged = x.departs(w)
		x.failedAgain(t, s, s.written(t.result.Outcome, x.host).String())
	case !same:
		r.Diverged = x.departs(w)
		if near, ok := x.adapt(w, s); ok {
			r.Adapted, r.Strategy = true, s.label()
			x.failed(near)
			t = near
		}
	}
	if f := r.Failure; f != nil && !w.byStep && f.Outcome != w.outcome {
		r.Diverged += "; when the schedule was found, it was " + w.outcome.String()
	}
}

// failedAgain tells of a replay that failed.
func (x *exploration) failedAgain(t tally, s *deviate, line string) {
	f := &Failure{Outcome: t.result.Outcome, Err: t.result.Err, Strategy: s.label(), Run: 1, Found: s.switches, Switches: s.switches, Replay: line}
	before := endingOf(&t.result, t.liveErr)
	if x.draw(f, &deviate{list: s.deviations}); x.drawn == before {
		x.report.Failure = f
	} else {
		x.report.Err = &Uncontrolled{before.String(), x.drawn.String()}
	}
}

// departs says at which step a replay is not the run that was written down. It makes the run once more, for the source line.
func (x *exploration) departs(w *schedule) string {
	s := w.chooser()
	x.host.options.Trace = true
	x.once(s)
	x.host.options.Trace = false
	who, i := known(w.names, x.threads()), 0
	for i < len(w.marks) && i < len(s.events) && w.marks[i].in(who) == markOf(&s.events[i]) {
		i++
	}
	switch complete := len(w.marks) < maxMarks; {
	case i == len(s.events) && i < len(w.marks):
		return fmt.Sprintf("the run ended at step %d, where %s was about to %s", i, x.thread(w.marks[i].thread, w.names), x.then(s.events, w.marks[i]))
	case i < len(w.marks):
		m, e := w.marks[i], &s.events[i]
		was := "it"
		if m.in(who).thread != markOf(e).thread {
			was = "it was " + x.thread(m.thread, w.names) + ", which"
		}
		return fmt.Sprintf("at step %d %s; %s was about to %s", i, x.now(e), was, x.then(s.events[:i], m))
	case i < len(s.events) && complete && i > 0:
		return fmt.Sprintf("at step %d %s; the run had ended there", i, x.now(&s.events[i]))
	}
	text := ""
	if i > 0 {
		text = fmt.Sprintf("the first %d steps are what they were, but later ", i)
	}
	last := len(w.list) - 1
	switch d := s.astray; {
	case d == nil && w.byStep && last >= 0 && w.list[last].step >= len(s.events):
		return fmt.Sprintf("%sthe run ended at step %d, before the deviation at step %d", text, len(s.events), w.list[last].step)
	case d != nil && w.byStep && d.step < len(s.events):
		return fmt.Sprintf("%sat step %d the schedule wants %s to go on, which cannot; %s", text, d.step, d.key, x.now(&s.events[d.step]))
	}
	return text + "the operations are not what they were"
}

// known is renumbered with -1 for threads that are gone, so that others have their numbers.
func known(then, now []string) map[int]int {
	to := renumbered(then, now)
	for _, n := range slices.Collect(maps.Values(to)) {
		if _, ok := to[n]; !ok && n < len(then) {
			to[n] = -1
		}
	}
	return to
}

// in is the mark with the number that its thread has now.
func (m mark) in(to map[int]int) mark {
	if n, ok := to[m.thread]; ok && (m.op < eventMark || m.op == eventMark+int(sim.Timer) || m.op == eventMark+int(sim.Choice)) {
		m.thread = n
	}
	return m
}

// thread names one, as far as its name is known.
func (x *exploration) thread(n int, then []string) string {
	switch {
	case n < len(then):
		return "thread " + then[n]
	case n < x.host.machine.Threads():
		return "thread " + x.host.ThreadName(n)
	}
	return fmt.Sprintf("thread %d", n)
}

// now tells what an event of the last run was about to do.
func (x *exploration) now(e *sim.Event) string {
	what, site := x.event(e.Kind, e.Op.Kind, e.Op.Obj, e.Op.Obj != sim.None), siteOf(e.Op.Site)
	if site != "" {
		site = " (" + site + ")"
	}
	if e.Kind == sim.Interrupt || e.Kind == sim.Tick {
		return what + fmt.Sprintf(" %d comes", e.Thread)
	}
	return x.thread(e.Thread, nil) + " is about to " + what + site
}

// then tells what a step that is only a mark was about to do. An object is known that the steps before it met.
func (x *exploration) then(before []sim.Event, m mark) string {
	kind, op := sim.Step, sim.OpKind(m.op)
	if m.op >= eventMark {
		kind, op = sim.EventKind(m.op-eventMark), sim.Other
	}
	if kind > sim.Choice || op > sim.Unpark {
		return "do something"
	}
	known := kind == sim.Choice || m.obj > 0 && m.obj < len(alphabet)-1 && slices.ContainsFunc(before, func(e sim.Event) bool { return e.Kind == sim.Step && int(e.Op.Obj)+1 == m.obj })
	text := x.event(kind, op, int32(m.obj-1), known)
	if kind == sim.Step && m.obj > 0 && !known {
		text += " something not used before"
	}
	return text
}

// event tells one in the infinitive.
func (x *exploration) event(kind sim.EventKind, op sim.OpKind, obj int32, known bool) string {
	switch {
	case kind == sim.Choice:
		return fmt.Sprintf("choose %d", obj)
	case kind == sim.Timer:
		return "wake by its timer"
	case kind != sim.Step:
		return kind.String()
	case !known:
		return op.String()
	}
	return op.String() + " " + x.host.ObjectName(obj)
}

// How far away schedules are looked for.
const (
	nearest = 8           // points by which a deviation is moved
	nearby  = 400         // runs
	patient = time.Second // or so long
)

// adapt looks for a schedule near w that fails, best in the same way. s has the notes of the run that passed.
func (x *exploration) adapt(w *schedule, s *deviate) (found tally, ok bool) {
	until, asked, same := time.Now().Add(patient), 0, false
	met := map[string]bool{fmt.Sprint(w.list): true}
	to, now := renumbered(w.names, x.threads()), s.events
	// try runs a schedule, and says whether to go on.
	try := func(list []deviation) bool {
		if asked++; x.report.Near == nearby || asked == 10*nearby || time.Now().After(until) {
			return false
		}
		id := fmt.Sprint(list)
		if met[id] { // where there are few deviations there are few near them
			return true
		}
		met[id] = true
		s := &deviate{list: list, own: !w.byStep}
		t := drive(x.host.runs, s, x.guard(nil), limit{runs: 1})
		x.report.Near++
		x.report.Runs++
		now = s.events
		if same = t.failed && (w.byStep || t.result.Outcome == w.outcome); same || t.failed && !ok {
			found, ok = t, true
		}
		return !same
	}
	// The better a run follows, the more there is to align the next one with.
	for range w.list {
		if w.byStep || !try(renamed(aligned(w, to, now), to)) {
			break
		}
	}
	if !same {
		near(w, to, now)(try)
	}
	return found, ok
}

// threads are the names of those of the last run.
func (x *exploration) threads() (list []string) {
	for i := range x.host.machine.Threads() {
		list = append(list, x.host.ThreadName(i))
	}
	return list
}

// near yields schedules, those that a small change of the program makes likely first, and without end.
func near(w *schedule, to map[int]int, now []sim.Event) func(yield func([]deviation) bool) {
	bases := [][]deviation{renamed(aligned(w, to, now), to), renamed(w.list, to), w.list}
	if w.byStep { // without names: a thread more or fewer before them
		more, fewer := map[int]int{}, map[int]int{}
		for i := range 64 {
			more[i], fewer[i+1] = i+1, i
		}
		bases = [][]deviation{w.list, renamed(w.list, more), renamed(w.list, fewer)}
	}
	return func(yield func([]deviation) bool) {
		for _, base := range bases {
			if !yield(base) {
				return
			}
		}
		for _, base := range bases {
			for n := 1; n <= nearest; n++ {
				for _, by := range [2]int{n, -n} {
					if !yield(shifted(base, by, func(int) bool { return true })) {
						return
					}
					for i := range base {
						if !yield(shifted(base, by, func(j int) bool { return base[j].last == base[i].last })) || !yield(shifted(base, by, func(j int) bool { return j == i })) {
							return
						}
					}
				}
			}
			for i := range base {
				if !yield(slices.Concat(base[:i], base[i+1:])) {
					return
				}
			}
		}
		dice := rand.New(rand.NewPCG(uint64(w.hash), 12))
		for {
			list := slices.DeleteFunc(slices.Clone(bases[dice.IntN(len(bases))]), func(deviation) bool { return dice.IntN(8) == 0 })
			by := map[int]int{} // all at one thread, or each by itself
			for i := range list {
				at := list[i].last
				if _, ok := by[at]; !ok || dice.IntN(4) == 0 {
					by[at] = dice.IntN(2*nearest+1) - nearest
				}
				list = shifted(list, by[at], func(j int) bool { return j == i })
			}
			if !yield(list) {
				return
			}
		}
	}
}

// shifted moves some deviations by so many points.
func shifted(list []deviation, by int, which func(i int) bool) []deviation {
	list = slices.Clone(list)
	for i := range list {
		if d := &list[i]; which(i) {
			d.step, d.nth = max(0, d.step+by), max(1, d.nth+by)
		}
	}
	return list
}

// renumbered finds threads by their names: where one has another number now, that.
func renumbered(then, now []string) map[int]int {
	to := map[int]int{}
	for i, name := range then {
		if i < len(now) && now[i] == name {
			continue
		}
		if at := slices.Index(now, name); at >= 0 && !slices.Contains(now[at+1:], name) {
			to[i] = at
		}
	}
	return to
}

// renamed is a schedule for threads with other numbers.
func renamed(list []deviation, to map[int]int) []deviation {
	list = slices.Clone(list)
	for i := range list {
		d := &list[i]
		if n, ok := to[d.last]; ok {
			d.last = n
		}
		if n, ok := to[d.key.n]; ok && (d.key.kind == sim.Step || d.key.kind == sim.Timer) {
			d.key.n = n
		}
	}
	return list
}

// aligned moves deviations to where the operations are at which threads were left.
func aligned(w *schedule, to map[int]int, now []sim.Event) []deviation {
	list := slices.Clone(w.list)
	for i := range list {
		d := &list[i]
		var then, since []int
		for _, m := range w.marks {
			if m.thread == d.last && m.op < eventMark {
				then = append(then, m.op)
			}
		}
		who, ok := to[d.last]
		if !ok {
			who = d.last
		}
		for _, e := range now[:min(len(now), 4*maxMarks)] {
			if e.Kind == sim.Step && e.Thread == who {
				since = append(since, int(e.Op.Kind))
			}
		}
		at := common(then, since)
		// It is what comes next, or else what came last, that tells the place.
		if d.nth < len(then) && at[d.nth] >= 0 {
			d.nth = at[d.nth]
			continue
		}
		for j := min(d.nth, len(then)) - 1; j >= 0; j-- {
			if at[j] >= 0 {
				d.nth += at[j] - j
				break
			}
		}
	}
	return list
}

// common is where the elements of a longest common subsequence of a and b are in b, for those of a; -1 for others.
func common(a, b []int) []int {
	length := make([][]int, len(a)+1) // of what a[i:] and b[j:] have in common
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if length[i][j] = max(length[i+1][j], length[i][j+1]); a[i] == b[j] {
				length[i][j] = max(length[i][j], length[i+1][j+1]+1)
			}
		}
	}
	at, j := make([]int, len(a)), 0
	for i := range a {
		for j < len(b) && length[i][j] == length[i][j+1] {
			j++ // nothing is lost without it
		}
		if at[i] = -1; j < len(b) && a[i] == b[j] && length[i][j] == length[i+1][j+1]+1 {
			at[i], j = j, j+1
		}
	}
	return at
}
