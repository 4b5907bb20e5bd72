// The engine against a naive model, which keeps everything that ever happened, with vector clocks, and looks at
// every combination after every step.
package engine_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
)

type event struct {
	thread int
	clock  int
	vc     map[int]int
	held   map[int]engine.Mode // without the one that is from
	from   int
	mode   engine.Mode // of from
	to     int
	want   engine.Mode
}

type modelThread struct {
	vc     map[int]int
	parent int // -1: none
	forked int // the parent's clock then
	held   []modelHold
	ended  bool
	uses   map[int]int // lock: clock of its last use, while held counting as used
}

type modelHold struct {
	lock int
	mode engine.Mode
}

type model struct {
	threads []*modelThread
	group   map[int]int
	waited  bool
	events  []event
}

func (m *model) clock(t int) int { return m.threads[t].vc[t] }

func (m *model) use(t, lock int) { m.threads[t].uses[lock] = m.clock(t) }

// acquire records what a blocking acquisition, which succeeded, says about order.
func (m *model) acquire(t, lock int, mode engine.Mode, try bool) {
	th := m.threads[t]
	if !try {
		for _, h := range th.held {
			ev := event{t, m.clock(t), maps.Clone(th.vc), map[int]engine.Mode{}, h.lock, h.mode, lock, mode}
			for _, o := range th.held {
				if o.lock != h.lock {
					ev.held[o.lock] = o.mode
				}
			}
			m.events = append(m.events, ev)
		}
	}
	th.held = append(th.held, modelHold{lock, mode})
	m.use(t, lock)
}

func (m *model) holds(t, lock int) int {
	return slices.IndexFunc(m.threads[t].held, func(h modelHold) bool { return h.lock == lock })
}

// free says whether the lock can be had in that mode.
func (m *model) free(lock int, mode engine.Mode) bool {
	for _, th := range m.threads {
		for _, h := range th.held {
			if h.lock == lock && (mode == ex || h.mode == ex) {
				return false
			}
		}
	}
	return true
}

func (m *model) fork(t int) {
	th := m.threads[t]
	child := &modelThread{vc: maps.Clone(th.vc), parent: t, forked: m.clock(t), uses: map[int]int{}}
	m.threads = append(m.threads, child)
	child.vc[len(m.threads)-1] = 1
	th.vc[t]++
	for _, h := range th.held {
		m.use(t, h.lock)
	}
}

func (m *model) done(t int) {
	if m.waited {
		m.waited, m.group = false, map[int]int{}
	}
	for k, v := range m.threads[t].vc {
		m.group[k] = max(m.group[k], v)
	}
	m.threads[t].vc[t]++
}

func (m *model) joined(t int) {
	m.waited = true
	m.threads[t].vc[t]++
	for k, v := range m.group {
		if k != t {
			m.threads[t].vc[k] = max(m.threads[t].vc[k], v)
		}
	}
}

// together is 0, 1 or 2: never, possible, likely.
func (m *model) together(a, b event) engine.Severity {
	all := func(e event) map[int]engine.Mode {
		h := maps.Clone(e.held)
		h[e.from] = e.mode
		return h
	}
	p, q := all(a), all(b)
	for l, mode := range p {
		if other, ok := q[l]; ok && (mode == ex || other == ex) {
			return 0
		}
	}
	if a.thread == b.thread {
		return engine.Possible
	}
	if a.vc[b.thread] >= b.clock {
		a, b = b, a
	}
	if b.vc[a.thread] < a.clock {
		return engine.Likely
	}
	child := m.threads[b.thread]
	if child.parent == a.thread && a.clock <= child.forked {
		used := false
		for _, l := range []int{a.from, a.to, b.from, b.to} {
			used = used || m.threads[a.thread].uses[l] > child.forked
		}
		if !used {
			return 0
		}
	}
	return engine.Possible
}

func meets(a, b event) engine.Severity {
	if a.to != b.from {
		return 0
	}
	if a.want == ex || b.mode == ex {
		return engine.Likely
	}
	return engine.Possible
}

// worst looks at all circles.
func (m *model) worst() (sev engine.Severity) {
	var path []event
	var walk func(sofar engine.Severity)
	walk = func(sofar engine.Severity) {
		last := path[len(path)-1]
		if len(path) > 1 {
			sev = max(sev, min(sofar, meets(last, path[0])))
		}
		for _, e := range m.events {
			if e.from != last.to || slices.ContainsFunc(path, func(p event) bool { return p.from == e.from }) {
				continue
			}
			s := min(sofar, meets(last, e))
			for _, p := range path {
				s = min(s, m.together(p, e))
			}
			if s > sev {
				path = append(path, e)
				walk(s)
				path = path[:len(path)-1]
			}
		}
	}
	for _, e := range m.events {
		path = append(path[:0], e)
		walk(engine.Likely)
	}
	return sev
}

// compare runs a program on both.
func compare(t testing.TB, program []byte) {
	if len(program) > 60 {
		program = program[:60]
	}
	w := newWorld(t, engine.Options{})
	m := &model{group: map[int]int{}}
	start := func() {
		m.threads = append(m.threads, &modelThread{vc: map[int]int{len(m.threads): 1}, parent: -1, uses: map[int]int{}})
	}
	start()
	start()
	var log []string
	do := func(format string, args ...any) {
		s := fmt.Sprintf(format, args...)
		log = append(log, s)
		w.do(s)
	}
	name := func(l int) string { return string(rune('a' + l)) }
	for i := 0; i+1 < len(program); i += 2 {
		th, lock := int(program[i]>>4)%len(m.threads), int(program[i+1]>>4)%4
		if m.threads[th].ended {
			continue
		}
		mode, r := ex, ""
		if program[i+1]&1 != 0 {
			mode, r = sh, "r"
		}
		switch op := program[i] & 15; {
		case op < 7:
			if m.holds(th, lock) >= 0 || !m.free(lock, mode) {
				continue
			}
			m.acquire(th, lock, mode, false)
			do("%d %slock %s", th, r, name(lock))
		case op < 8:
			if m.holds(th, lock) >= 0 || !m.free(lock, mode) {
				continue
			}
			m.acquire(th, lock, mode, true)
			do("%d %stry %s", th, r, name(lock))
		case op < 12:
			n := len(m.threads[th].held)
			if n == 0 {
				continue
			}
			k := n - 1
			if program[i+1]&2 != 0 {
				k = int(program[i+1]>>2) % n
			}
			h := m.threads[th].held[k]
			m.threads[th].held = slices.Delete(m.threads[th].held, k, k+1)
			do("%d %sunlock %s", th, map[engine.Mode]string{ex: "", sh: "r"}[h.mode], name(h.lock))
		case op == 12 && len(m.threads) < 6:
			m.fork(th)
			do("%d go %d", th, len(m.threads)-1)
		case op == 13:
			m.done(th)
			do("%d done w", th)
		case op == 14 && len(m.group) > 0:
			m.joined(th)
			do("%d joined w", th)
		case op == 15 && len(m.threads[th].held) == 0 && th > 0:
			m.threads[th].ended = true
			do("%d end", th)
		default:
			continue
		}
		var got engine.Severity
		for _, r := range w.e.Reports() {
			got = max(got, r.Severity)
			if r.Kind != engine.Order {
				t.Fatalf("%s: %s", strings.Join(log, "; "), w.found())
			}
		}
		if want := m.worst(); got != want {
			t.Fatalf("%s: %d %q, the model says %d", strings.Join(log, "; "), got, w.found(), want)
		}
	}
}

func TestModel(t *testing.T) {
	n := 6000
	if testing.Short() {
		n = 600
	}
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	for range n {
		program := make([]byte, 2*(6+rng.IntN(24)))
		for i := range program {
			program[i] = byte(rng.Uint32())
		}
		compare(t, program)
	}
}

func FuzzModel(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x10\x08\x00\x08\x00\x10\x10\x10\x00"))
	f.Fuzz(func(t *testing.T, program []byte) { compare(t, program) })
}
