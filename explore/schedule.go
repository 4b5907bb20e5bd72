package explore

// Schedules as people keep them: what the run did apart from the default policy, so that
// it can be repeated, and enough of the rest to see where a changed program departs:
//
//	x2:1:0badcafe:one,two:0.1>1:.ASB.BSBTB.ATB
//
// is the outcome of the run, a hash of all its operations, the names of the threads that the
// deviations are about, the deviations, and its first steps. 0.1>1 is that at the first point
// before which thread 0 was the last to step thread 1 goes on; -.1 is the start of the run. Other
// events have a letter before their number: c for the outcome of a data choice, t for the
// timer of a thread, i for an interrupt source, k for the clock tick of a processor. A step is two
// letters, the operation and the number of its object; .B says that thread 1 goes on.
//
// x1:0badcafe:3>1,17>0 is the form before, with deviations by the number of the step.
//
// A replay is lenient. When the code has changed and what a deviation asks for cannot
// go on, the run goes on under the default policy; what then is done about it is in adapt.go.

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"strconv"
	"strings"

	"github.com/serializing-tokens/lwkt/sim"
)

// key names an event among those that can go on at a point.
type key struct {
	kind sim.EventKind
	n    int
}

const letters = "\x00tikc" // by sim.EventKind

func keyOf(e *sim.Event) key {
	if e.Kind == sim.Choice {
		return key{e.Kind, int(e.Op.Obj)}
	}
	return key{e.Kind, e.Thread}
}

func (k key) String() string {
	if k.kind == sim.Step {
		return strconv.Itoa(k.n)
	}
	return letters[k.kind:k.kind+1] + strconv.Itoa(k.n)
}

// find is the index at a point of the event that k names, or -1.
func (k key) find(p *sim.Point) int {
	for i := range p.Enabled {
		if keyOf(&p.Enabled[i]) == k {
			return i
		}
	}
	return -1
}

// deviation is one place where a schedule leaves the default policy: a step, and who was the
// last to step before it for the how-manieth time.
type deviation struct {
	step      int
	key       key
	last, nth int
}

// notes are what is kept of a run under way to write its schedule down.
type notes struct {
	keys       []key
	events     []sim.Event
	points     []int // thread+1 -> points before which it was the last to step
	deviations []deviation
	switches   int // times that another thread than the last one stepped
	hash       uint32
}

func (n *notes) begin() {
	n.keys, n.events, n.deviations, n.switches, n.hash = n.keys[:0], n.events[:0], n.deviations[:0], 0, 2166136261
	clear(n.points)
}

// nth says the how-manieth point this is before which p.Last was the last to step.
func (n *notes) nth(p *sim.Point) int {
	if at := p.Last + 1; at < len(n.points) {
		return n.points[at] + 1
	}
	return 1
}

// note adds the choice made at a point.
func (n *notes) note(p *sim.Point, i int) int {
	e := &p.Enabled[i]
	k := keyOf(e)
	n.keys, n.events = append(n.keys, k), append(n.events, *e)
	if i != lazy(p) {
		n.deviations = append(n.deviations, deviation{p.Step, k, p.Last, n.nth(p)})
	}
	for p.Last+1 >= len(n.points) {
		n.points = append(n.points, 0)
	}
	n.points[p.Last+1]++
	if k.kind == sim.Step && p.Last >= 0 && p.Last != k.n {
		n.switches++
	}
	for _, x := range [4]uint32{uint32(e.Kind), uint32(e.Thread), uint32(e.Op.Kind), uint32(e.Op.Obj)} {
		n.hash = (n.hash ^ x) * 16777619
	}
	return i
}

// schedule is what a replay string says.
type schedule struct {
	byStep  bool // x1: the deviations are by step, and there is only the hash besides
	outcome sim.Outcome
	hash    uint32
	names   []string // of the first threads
	list    []deviation
	marks   []mark // the first steps
}

// mark is a step, as far as a replay string tells it.
type mark struct {
	thread int
	op     int // its kind, or that of the event from eventMark on
	obj    int // number of the object and 1, or 0
}

const (
	maxMarks  = 64
	eventMark = 56
	alphabet  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

func markOf(e *sim.Event) mark {
	m := mark{thread: min(e.Thread, len(alphabet)-1), op: int(e.Op.Kind), obj: min(int(e.Op.Obj)+1, len(alphabet)-1)}
	if e.Kind != sim.Step {
		m.op = eventMark + int(e.Kind)
	}
	if e.Kind == sim.Interrupt || e.Kind == sim.Tick {
		m.obj = 0
	}
	return m
}

// written is the schedule of the run that the notes are of.
func (n *notes) written(outcome sim.Outcome, who names) *schedule {
	w := &schedule{outcome: outcome, hash: n.hash, list: n.deviations}
	threads := 0
	for _, d := range w.list {
		threads = max(threads, d.last+1)
		if d.key.kind == sim.Step || d.key.kind == sim.Timer {
			threads = max(threads, d.key.n+1)
		}
	}
	for i := range threads {
		w.names = append(w.names, who.ThreadName(i))
	}
	for i := range min(len(n.events), maxMarks) {
		w.marks = append(w.marks, markOf(&n.events[i]))
	}
	return w
}

// String is the replay string.
func (w *schedule) String() string {
	var b strings.Builder
	if w.byStep {
		fmt.Fprintf(&b, "x1:%08x:", w.hash)
	} else {
		fmt.Fprintf(&b, "x2:%d:%08x:", w.outcome, w.hash)
		for i, name := range w.names {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(url.QueryEscape(name))
		}
		b.WriteByte(':')
	}
	for i, d := range w.list {
		if i > 0 {
			b.WriteByte(',')
		}
		switch {
		case w.byStep:
			b.WriteString(strconv.Itoa(d.step))
		case d.last < 0:
			fmt.Fprintf(&b, "-.%d", d.nth)
		default:
			fmt.Fprintf(&b, "%d.%d", d.last, d.nth)
		}
		b.WriteString(">" + d.key.String())
	}
	if w.byStep {
		return b.String()
	}
	b.WriteByte(':')
	last := -1
	for _, m := range w.marks {
		if m.thread != last {
			b.WriteString("." + alphabet[m.thread:m.thread+1])
		}
		last = m.thread
		b.WriteString(alphabet[m.op:m.op+1] + alphabet[m.obj:m.obj+1])
	}
	return b.String()
}

// parseReplay reads what String wrote.
func parseReplay(s string) (*schedule, error) {
	bad := func(what string) (*schedule, error) {
		return nil, fmt.Errorf("explore: %q is no replay string (%s); one looks like x2:1:0badcafe:one,two:0.1>1:.ASB.BSBTB.ATB", s, what)
	}
	w := &schedule{}
	part := strings.Split(strings.TrimSpace(s), ":")
	switch {
	case len(part) == 3 && part[0] == "x1":
		w.byStep, part = true, []string{"0", part[1], "", part[2], ""}
	case len(part) == 6 && part[0] == "x2":
		part = part[1:]
	default:
		return bad("it has not the form x2:outcome:hash:threads:deviations:steps")
	}
	n, err := strconv.ParseUint(part[0], 10, 8)
	if err != nil || sim.Outcome(n) > sim.Inversion {
		return bad("the outcome is not the number of one")
	}
	w.outcome = sim.Outcome(n)
	if n, err = strconv.ParseUint(part[1], 16, 32); err != nil {
		return bad("the hash is no hexadecimal number")
	}
	w.hash = uint32(n)
	for _, name := range split(part[2]) {
		if name, err = url.QueryUnescape(name); err != nil {
			return bad("a name is not escaped as in a query of a URL")
		}
		w.names = append(w.names, name)
	}
	for _, item := range split(part[3]) {
		d, ok := parseDeviation(item, w.byStep)
		if !ok {
			return bad("the deviation " + strconv.Quote(item) + " is not thread.point>thread")
		}
		w.list = append(w.list, d)
	}
	thread := -1
	for steps := part[4]; steps != ""; steps = steps[2:] {
		if len(steps) == 1 {
			return bad("the steps end in the middle of one")
		}
		if op, obj := strings.IndexByte(alphabet, steps[0]), strings.IndexByte(alphabet, steps[1]); obj >= 0 && steps[0] == '.' {
			thread = obj
		} else if op >= 0 && obj >= 0 && thread >= 0 {
			w.marks = append(w.marks, mark{thread, op, obj})
		} else {
			return bad("the steps are not written in letters of base64")
		}
	}
	return w, nil
}

// split is strings.Split of a list that may be empty.
func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// number reads one that is not negative.
func number(s string) (n int, ok bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0 && s[0] != '+'
}

func parseDeviation(item string, byStep bool) (d deviation, ok bool) {
	at, who, ok := strings.Cut(item, ">")
	if !ok || who == "" {
		return d, false
	}
	if byStep {
		d.step, ok = number(at)
	} else {
		last, nth, _ := strings.Cut(at, ".")
		if d.last = -1; last != "-" {
			d.last, ok = number(last)
		}
		if ok {
			d.nth, ok = number(nth)
		}
	}
	if !ok {
		return d, false
	}
	if i := strings.IndexByte(letters[1:], who[0]); i >= 0 {
		d.key.kind, who = sim.EventKind(i+1), who[1:]
	}
	d.key.n, ok = number(who)
	return d, ok
}

// deviate is the default policy with deviations.
type deviate struct {
	plain
	notes
	list   []deviation
	own    bool // they are by the points of their threads, not by step
	at     int
	astray *deviation // the first that could not be followed
	done   bool
}

// chooser is the strategy that follows the schedule.
func (w *schedule) chooser() *deviate { return &deviate{list: w.list, own: !w.byStep} }

// replayed is the label of what was asked for.
const replayed = "replay"

func (s *deviate) label() string { return replayed }
func (s *deviate) reset()        { s.done = false }

func (s *deviate) begin() bool {
	if s.done {
		return false
	}
	s.notes.begin()
	s.at, s.astray, s.done = 0, nil, true
	return true
}

// next is the deviation at a point, or nil. Those before it can not be reached any more.
func (s *deviate) next(p *sim.Point) *deviation {
	if s.own {
		nth := s.nth(p)
		for i := s.at; i < len(s.list); i++ {
			if d := &s.list[i]; d.last == p.Last && d.nth == nth {
				if i > s.at {
					s.lost(&s.list[s.at])
				}
				s.at = i + 1
				return d
			}
		}
		return nil
	}
	for s.at < len(s.list) && s.list[s.at].step < p.Step {
		s.at++
	}
	if s.at < len(s.list) && s.list[s.at].step == p.Step {
		return &s.list[s.at]
	}
	return nil
}

func (s *deviate) lost(d *deviation) {
	if s.astray == nil {
		s.astray = d
	}
}

// Choose deviates where it is told to.
func (s *deviate) Choose(p *sim.Point) int {
	if d := s.next(p); d != nil {
		if i := d.key.find(p); i >= 0 {
			return s.note(p, i)
		}
		s.lost(d)
	}
	return s.note(p, lazy(p))
}

// fileName is what a schedule is kept under.
func fileName(replay string) string {
	h := fnv.New64a()
	h.Write([]byte(replay))
	return fmt.Sprintf("%016x", h.Sum64())
}
