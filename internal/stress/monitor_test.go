package stress_test

import (
	"fmt"
	"strings"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// The monitor: what a worker believes, and what it checks against the tokens.

// set is a mode for each token.
type set [maxTokens]lwkt.Mode

func (s *set) size() (n int) {
	for _, m := range s {
		if m != lwkt.None {
			n++
		}
	}
	return n
}

func (s set) union(o set) set {
	for i, m := range o {
		s[i] = max(s[i], m)
	}
	return s
}

// refs is a stack of references for each token, the newest last.
type refs [maxTokens][]lwkt.Mode

// modes is how the tokens are held: each in the strongest mode not yet released.
func (r *refs) modes() (s set) {
	for i, stack := range r {
		for _, m := range stack {
			s[i] = max(s[i], m)
		}
	}
	return s
}

// frame is a time in which tokens may change hands: an operation that may block,
// or what lies between a mark and the question what changed since.
type frame struct {
	held  set
	dirty [maxTokens]bool // somebody else moved its version
}

func (w *worker) push() int {
	w.frames = append(w.frames, frame{held: w.refs.modes()})
	return len(w.frames) - 1
}

// pop ends a frame: who is told that nothing changed finds all as it was.
func (w *worker) pop(at int, op string, changed bool) {
	f := w.frames[at]
	w.frames = w.frames[:at]
	now := w.refs.modes()
	moved := false
	for i, m := range f.held {
		if m == lwkt.None || now[i] == lwkt.None || !f.dirty[i] {
			continue
		}
		moved = true
		if !changed {
			w.round.fail("%v: %s said that nothing changed, but somebody had %v meanwhile", w.td, op, w.round.tokens[i].tok)
		}
	}
	switch {
	case changed && moved:
		w.count("changed")
	case changed:
		w.count("changed, as far as the library can know")
	}
}

// enter notes that the thread is inside a token now; the token is held.
func (w *worker) enter(i int, m lwkt.Mode) {
	g := w.round.tokens[i]
	if g.owner != 0 {
		w.round.fail("%v is inside %v (%v), but s%d is inside too", w.td, g.tok, m, g.owner-1)
	}
	if w.seen[i] != g.version {
		for j := range w.frames {
			w.frames[j].dirty[i] = true
		}
	}
	if m == lwkt.Exclusive {
		g.owner = w.slot + 1
		g.version++
		w.moves[i]++
	}
	w.seen[i] = g.version
	if !w.round.counted {
		return
	}
	if m == lwkt.Shared {
		g.shared.Add(1)
		if n := g.exclusive.Load(); n != 0 {
			w.round.fail("%v shares %v with %d exclusive holders", w.td, g.tok, n)
		}
		return
	}
	if n := g.exclusive.Add(1); n != 1 {
		w.round.fail("%v is one of %d exclusive holders of %v", w.td, n, g.tok)
	}
	if n := g.shared.Load(); n != 0 {
		w.round.fail("%v holds %v exclusively beside %d sharers", w.td, g.tok, n)
	}
}

// exit notes that the thread may be out of a token from now on.
func (w *worker) exit(i int, m lwkt.Mode) {
	w.look(i, m)
	g := w.round.tokens[i]
	if m == lwkt.Exclusive {
		g.owner = 0
	}
	if w.round.counted {
		if m == lwkt.Exclusive {
			g.exclusive.Add(-1)
		} else {
			g.shared.Add(-1)
		}
	}
}

// look sees that nobody else was here since the thread came in.
func (w *worker) look(i int, m lwkt.Mode) {
	g := w.round.tokens[i]
	if m == lwkt.Exclusive && g.owner != w.slot+1 || m == lwkt.Shared && g.owner != 0 || g.version != w.seen[i] {
		w.round.fail("%v is inside %v (%v), but found version %d instead of %d and s%d inside", w.td, g.tok, m, g.version, w.seen[i], g.owner-1)
	}
}

// unmark and remark are exit and enter for all that is held.
func (w *worker) unmark() {
	for i, m := range w.refs.modes() {
		if m != lwkt.None {
			w.exit(i, m)
		}
	}
}

func (w *worker) remark() {
	for i, m := range w.refs.modes() {
		if m != lwkt.None {
			w.enter(i, m)
		}
	}
}

// agree holds the library's view of what is held against the worker's.
func (w *worker) agree() {
	for i, m := range w.refs.modes() {
		if i < len(w.round.tokens) {
			if got := w.round.tokens[i].tok.Held(w.td); got != m {
				w.round.fail("%v holds %v %v, but should hold it %v", w.td, w.round.tokens[i].tok, got, m)
			}
		}
	}
}

// may performs an operation that may give up what is held, to get what is wanted
// beside it. f adds what it got to w.refs.
func (w *worker) may(op string, want set, bounded bool, f func() (changed bool)) (changed bool) {
	held := w.refs.modes()
	all := held.union(want)
	w.largest = max(w.largest, all.size())
	w.unmark()
	at := w.push()
	n := w.ask(all, bounded)
	changed = f()
	w.answered(n, all.size(), held)
	w.remark()
	w.pop(at, op, changed)
	return changed
}

// try performs an operation that gives up nothing.
func (w *worker) try(f func() bool) bool {
	held := w.refs.modes()
	n := w.ask(set{}, false)
	ok := f()
	if !ok {
		w.count("try refused")
		return false
	}
	now := w.refs.modes()
	w.answered(n, 0, held)
	for i, m := range now {
		if m != held[i] {
			if held[i] != lwkt.None { // upgraded in place
				w.exit(i, held[i])
			}
			w.enter(i, m)
		}
	}
	return true
}

// Who overtook whom, without asking the library: a question is numbered, before it
// is asked, by a clock of the round. Who is seen to wait (spot) is marked with the
// clock's time: whoever asks later and gets, before it, a token that it wants in a
// mode that conflicts, overtook it.
//
// Layout of slot.asked, from the high bits: number of the question, 16 | wanted
// modes, 2 for each token, 16 | clock when it was seen waiting, or 0, 32.

// ask numbers a question. bounded ones are those that are one claim from here to
// the answer.
func (w *worker) ask(want set, bounded bool) (n uint64) {
	if !w.round.counted {
		return 0
	}
	w.asking++
	if bounded && !w.round.forced && !w.round.chaos && want.size() > 0 {
		word := uint64(w.asking) << 48
		for i, m := range want {
			word |= uint64(m) << (32 + 2*i)
		}
		w.mine().over.Store(0)
		w.mine().asked.Store(word)
	}
	return w.round.asks.Add(1)
}

// answered ends question n: the thread has what is in refs, and had held before.
func (w *worker) answered(n uint64, size int, held set) {
	if !w.round.counted {
		return
	}
	if w.mine().asked.Swap(0) != 0 {
		over := int(w.mine().over.Load())
		w.overtaken = max(w.overtaken, over)
		if most := (size + 1) * w.round.k; over > most {
			w.round.fail("%v was overtaken %d times while it waited for %d tokens, more than %d", w.td, over, size, most)
		}
	}
	now := w.refs.modes()
	for v := range w.round.slots {
		s := &w.round.slots[v]
		word := s.asked.Load()
		if filed := word & (1<<32 - 1); v == w.slot || filed == 0 || n <= filed {
			continue
		}
		for i, m := range now {
			wants := lwkt.Mode(word >> (32 + 2*i) & 3)
			if m > held[i] && wants != lwkt.None && (m == lwkt.Exclusive || wants == lwkt.Exclusive) {
				s.over.Add(1)
				break
			}
		}
	}
}

// spot marks those who are seen to wait for a token.
func (w *worker) spot(i int) {
	if !w.round.counted {
		return
	}
	var before [maxThreads + 1]uint64
	for v := range before {
		before[v] = w.round.slots[v].asked.Load()
	}
	for _, waiter := range w.round.tokens[i].core.Waiters() {
		var v int
		_, name, _ := strings.Cut(thread.NameOf(waiter.Thread), `"`)
		if _, err := fmt.Sscanf(name, "s%d.", &v); err != nil {
			continue // a child
		}
		if word := before[v]; word != 0 && word&(1<<32-1) == 0 {
			// It asks the same question still, so it was waiting for this one.
			if w.round.slots[v].asked.CompareAndSwap(word, word|w.round.asks.Load()) {
				w.count("seen waiting")
			}
		}
	}
}

func (w *worker) mine() *slot { return &w.round.slots[w.slot] }
