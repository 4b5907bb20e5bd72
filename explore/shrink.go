package explore

// Shrinking: from a schedule that fails to one that fails in the same way with few
// switches. Two passes, because either alone sticks:
//
//   - Merge. The run is cut into blocks, the stretches of one thread. A block is moved
//     next to the nearest other block of its thread, from either side. What still fails
//     with fewer switches is kept. This takes hundreds of switches down to a dozen, for
//     it changes the order in large pieces and leaves the lengths alone.
//   - Delta debugging (Zeller, Hildebrandt 2002) of the deviations from the default
//     policy, which are few by now: half of them is left out, a quarter, and so on.
//
// A candidate is only a wish. A thread that cannot go on is passed over and comes back
// later, and what the run really was is what the next candidates are made of.

import (
	"time"

	"github.com/serializing-tokens/lwkt/sim"
)

// block is a stretch of steps of one thread, or one event of another kind.
type block struct {
	key key
	n   int
}

// script follows blocks.
type script struct {
	plain
	notes
	blocks []block
	first  int // blocks before it are used up
	now    int
	values map[int][]int // thread -> outcomes of its data choices
	wishes []block
	picks  map[int][]int
}

func (s *script) label() string { return "script" }

func (s *script) begin() bool {
	s.notes.begin()
	s.wishes = append(s.wishes[:0], s.blocks...)
	s.first, s.now = 0, 0
	s.picks = map[int][]int{}
	for t, v := range s.values {
		s.picks[t] = v
	}
	return true
}

// Choose stays in a block as long as it can, then takes the first one that can go on.
func (s *script) Choose(p *sim.Point) int {
	if e := &p.Enabled[0]; e.Kind == sim.Choice {
		if v := s.picks[e.Thread]; len(v) > 0 {
			s.picks[e.Thread] = v[1:]
			if i := (key{sim.Choice, v[0]}).find(p); i >= 0 {
				return s.note(p, i)
			}
		}
		return s.note(p, 0)
	}
	for s.first < len(s.wishes) && s.wishes[s.first].n == 0 {
		s.first++
	}
	if s.now < len(s.wishes) && s.wishes[s.now].n > 0 {
		if i := s.wishes[s.now].key.find(p); i >= 0 {
			s.wishes[s.now].n--
			return s.note(p, i)
		}
	}
	for b := s.first; b < len(s.wishes); b++ {
		if w := &s.wishes[b]; w.n > 0 {
			if i := w.key.find(p); i >= 0 {
				s.now = b
				w.n--
				return s.note(p, i)
			}
		}
	}
	return s.note(p, lazy(p))
}

// shrunk is the best schedule so far.
type shrunk struct {
	blocks     []block
	values     map[int][]int
	deviations []deviation
	switches   int
	hash       uint32
}

// shrinker tries candidates.
type shrinker struct {
	run     func(c sim.Chooser) result
	g       *guard
	want    sim.Outcome
	best    shrunk
	replays int
	until   time.Time
}

// blocksOf cuts a run. The outcomes of data choices stay with their thread.
func blocksOf(keys []key) (blocks []block, values map[int][]int) {
	values = map[int][]int{}
	last := -1
	for _, k := range keys {
		if k.kind == sim.Choice {
			values[last] = append(values[last], k.n)
			continue
		}
		if k.kind == sim.Step {
			last = k.n
		}
		if n := len(blocks); n > 0 && blocks[n-1].key == k && k.kind == sim.Step {
			blocks[n-1].n++
		} else {
			blocks = append(blocks, block{k, 1})
		}
	}
	return blocks, values
}

// attempt runs a candidate and says whether it fails in the way that is wanted.
func (h *shrinker) attempt(s strategy) bool {
	c := h.g.over(s)
	s.begin()
	h.g.begin()
	h.replays++
	r := h.run(c)
	return h.g.end(&r) == nil == (r.Outcome != sim.StepLimit) && r.Outcome == h.want
}

func (h *shrinker) keep(n *notes) {
	b := &h.best
	b.blocks, b.values = blocksOf(n.keys)
	b.deviations = append([]deviation(nil), n.deviations...)
	b.switches, b.hash = n.switches, n.hash
}

func (h *shrinker) late() bool { return time.Now().After(h.until) }

// shrink repeats both passes as long as they gain something. What it starts from are
// the notes of the run that failed.
func (h *shrinker) shrink(from *notes) {
	h.keep(from)
	for !h.late() {
		switches, deviations := h.best.switches, len(h.best.deviations)
		h.merge()
		h.debug()
		if h.best.switches >= switches && len(h.best.deviations) >= deviations {
			return
		}
	}
}

// merge moves blocks together, the last first.
func (h *shrinker) merge() {
	s := &script{}
	for i := len(h.best.blocks) - 1; i > 1; i-- {
		i = min(i, len(h.best.blocks)-1)
		j := i - 1
		for j >= 0 && h.best.blocks[j].key != h.best.blocks[i].key {
			j--
		}
		if j < 0 || j == i-1 {
			continue
		}
		for _, early := range [2]bool{true, false} {
			if h.late() {
				return
			}
			s.blocks, s.values = moved(s.blocks[:0], h.best.blocks, j, i, early), h.best.values
			if h.attempt(s) && s.switches < h.best.switches {
				h.keep(&s.notes)
				i++ // look at this place again
				break
			}
		}
	}
}

// moved joins the blocks at j and i, at the earlier place or at the later one.
func moved(into, blocks []block, j, i int, early bool) []block {
	both := block{blocks[j].key, blocks[j].n + blocks[i].n}
	for k, b := range blocks {
		switch {
		case k == j && early, k == i && !early:
			into = append(into, both)
		case k != j && k != i:
			into = append(into, b)
		}
	}
	return into
}

// debug leaves out deviations.
func (h *shrinker) debug() {
	s := &deviate{}
	for size := (len(h.best.deviations) + 1) / 2; size > 0; size /= 2 {
		for at := 0; at < len(h.best.deviations); {
			if h.late() {
				return
			}
			d := h.best.deviations
			s.list = append(append(s.list[:0], d[:at]...), d[min(at+size, len(d)):]...)
			s.done = false
			if h.attempt(s) && len(s.deviations) < len(d) && s.switches <= h.best.switches {
				h.keep(&s.notes)
			} else {
				at += size
			}
		}
	}
}
