package explore

// Schedules as people keep them: x1:<hash>:3>1,17>0 says to run under the default
// policy except that at step 3 thread 1 goes on and at step 17 thread 0. Other events
// have a letter before their number: c for the outcome of a data choice, t for the
// timer of a thread, i for an interrupt source, k for the clock tick of a processor.
// The hash is of all operations of the run, so that a replay can say that the program
// has changed; nothing else depends on it.
//
// A replay is lenient. When the code has changed and what a deviation asks for cannot
// go on at its step, it says so, and the run goes on under the default policy, which
// often fails all the same.

import (
	"fmt"
	"hash/fnv"
	"slices"
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

// deviation is one place where a schedule leaves the default policy.
type deviation struct {
	step int
	key  key
}

// notes are what is kept of a run under way to write its schedule down.
type notes struct {
	keys       []key
	deviations []deviation
	switches   int // times that another thread than the last one stepped
	hash       uint32
}

func (n *notes) begin() {
	n.keys, n.deviations, n.switches, n.hash = n.keys[:0], n.deviations[:0], 0, 2166136261
}

// note adds the choice made at a point.
func (n *notes) note(p *sim.Point, i int) int {
	e := &p.Enabled[i]
	k := keyOf(e)
	n.keys = append(n.keys, k)
	if i != lazy(p) {
		n.deviations = append(n.deviations, deviation{p.Step, k})
	}
	if k.kind == sim.Step && p.Last >= 0 && p.Last != k.n {
		n.switches++
	}
	for _, x := range [4]uint32{uint32(e.Kind), uint32(e.Thread), uint32(e.Op.Kind), uint32(e.Op.Obj)} {
		n.hash = (n.hash ^ x) * 16777619
	}
	return i
}

// replayString writes a schedule down.
func replayString(hash uint32, list []deviation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "x1:%08x:", hash)
	for i, d := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%d>%s", d.step, d.key)
	}
	return b.String()
}

// parseReplay reads what replayString wrote.
func parseReplay(s string) (hash uint32, list []deviation, err error) {
	bad := func(what string) (uint32, []deviation, error) {
		return 0, nil, fmt.Errorf("explore: %q is no replay string (%s); one looks like x1:0badcafe:3>1,17>0", s, what)
	}
	part := strings.Split(strings.TrimSpace(s), ":")
	if len(part) != 3 || part[0] != "x1" {
		return bad("it has not the form x1:hash:deviations")
	}
	h, err := strconv.ParseUint(part[1], 16, 32)
	if err != nil {
		return bad("the hash is no hexadecimal number")
	}
	if part[2] == "" {
		return uint32(h), nil, nil
	}
	for _, item := range strings.Split(part[2], ",") {
		at, who, ok := strings.Cut(item, ">")
		step, err := strconv.Atoi(at)
		if !ok || err != nil || who == "" || step < 0 {
			return bad("the deviation " + strconv.Quote(item) + " is not step>thread")
		}
		k := key{kind: sim.Step}
		if i := strings.IndexByte(letters[1:], who[0]); i >= 0 {
			k.kind, who = sim.EventKind(i+1), who[1:]
		}
		if k.n, err = strconv.Atoi(who); err != nil || k.n < 0 {
			return bad("the deviation " + strconv.Quote(item) + " is not step>thread")
		}
		list = append(list, deviation{step, k})
	}
	return uint32(h), list, nil
}

// deviate is the default policy with deviations.
type deviate struct {
	plain
	notes
	list     []deviation
	at       int
	diverged []sim.Event // what could go on instead of the first deviation that could not be followed
	astray   deviation   // that one
	done     bool
}

// replayed is the label of what was asked for.
const replayed = "replay"

func (s *deviate) label() string { return replayed }
func (s *deviate) reset()        { s.done = false }

func (s *deviate) begin() bool {
	if s.done {
		return false
	}
	s.notes.begin()
	s.at, s.diverged, s.done = 0, nil, true
	return true
}

// Choose deviates where it is told to.
func (s *deviate) Choose(p *sim.Point) int {
	for s.at < len(s.list) && s.list[s.at].step < p.Step {
		s.at++
	}
	if s.at < len(s.list) && s.list[s.at].step == p.Step {
		d := s.list[s.at]
		if i := d.key.find(p); i >= 0 {
			return s.note(p, i)
		}
		if s.diverged == nil { // told later: here package fmt would have a race, as the detector sees it
			s.diverged, s.astray = slices.Clone(p.Enabled), d
		}
	}
	return s.note(p, lazy(p))
}

// verdict says how far a replay was one, in the names of who.
func (s *deviate) verdict(hash uint32, who names) string {
	switch last := len(s.list) - 1; {
	case s.diverged != nil:
		wants := s.astray.key.String()
		if k := s.astray.key; k.kind == sim.Step && who != nil && who.ThreadName(k.n) != "?" {
			wants = fmt.Sprintf("thread %q", who.ThreadName(k.n))
		}
		return fmt.Sprintf("at step %d the schedule wants %s to go on, but what can is: %s", s.astray.step, wants, describe(s.diverged, who))
	case last >= 0 && s.list[last].step >= len(s.keys):
		return fmt.Sprintf("the run ended at step %d, before the deviation at step %d", len(s.keys), s.list[last].step)
	case hash != s.hash:
		return fmt.Sprintf("all deviations could be followed, but the operations are not those of the run that was written down (their hash is %08x, not %08x)", s.hash, hash)
	}
	return ""
}

// fileName is what a schedule is kept under.
func fileName(replay string) string {
	h := fnv.New64a()
	h.Write([]byte(replay))
	return fmt.Sprintf("%016x", h.Sum64())
}
