package explore

// Linearizability of recorded histories: is there an order of the operations that a
// sequential object could have answered in, and in which an operation that returned
// before another was called comes before it (Herlihy and Wing, 1990)? The search is that
// of Wing and Gong with the memory of Lowe: which operations are done, a bit each, and
// the state they led to; what has been there once need not be tried again. The order of
// calls and returns is that of the simulation, where only one thing happens at a time,
// so a history needs no clock.

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/serializing-tokens/lwkt/sim"
)

// Spec is the sequential object: a state that can be compared, and what an operation
// does to it. Step returns the state behind an operation, and whether the operation may
// have had this outcome in state s. It must not change s.
type Spec[S comparable, In, Out any] struct {
	Init S // the state at first
	// Step is one operation.
	Step func(s S, in In, out Out) (S, bool)
}

// History is what happened to one object in one run; make it in the function that is
// explored, and give it to Linearizable there. Its methods must be called by threads of the machine, which it does not
// order: the race detector is not to see what they do here. Which operations return before others are
// called is explored: a Call is an operation of its thread, which others may come before, and a Return is part of
// the step before it.
type History[In, Out any] struct {
	m     *sim.Machine // of Linearizable
	order order
	kept  [maxCalls]call[In, Out]
	n     int // of calls; those behind maxCalls are not kept
	clock int
}

// order stands for that of calls and returns in footprints. A Call reads it and a Return writes it, since
// the order of two calls makes no difference.
type order struct{ _ byte }

// String is what it is called in pictures.
func (o *order) String() string { return fmt.Sprintf("history %p", o) }

// maxCalls is the length of a history: a bit each.
const maxCalls = 64

// calls are the calls kept.
func (h *History[In, Out]) calls() []call[In, Out] { return h.kept[:min(h.n, maxCalls)] }

type call[In, Out any] struct {
	name           string
	in             In
	out            Out
	called, ending int // order of happening; ending 0: it has not returned
}

// Call records that an operation begins and returns its number, for Return.
//
//go:norace
func (h *History[In, Out]) Call(thread string, in In) int {
	if h.m != nil {
		h.m.Touch(nil, &h.order, false)
	}
	h.clock++
	i := h.n
	if h.n++; i < maxCalls {
		h.kept[i].name, h.kept[i].in, h.kept[i].called = thread, in, h.clock
	}
	return i
}

// Return records the outcome of an operation.
//
//go:norace
func (h *History[In, Out]) Return(op int, out Out) {
	if h.m != nil {
		h.m.Touched(&h.order, true)
	}
	h.clock++
	if op < maxCalls {
		h.kept[op].out, h.kept[op].ending = out, h.clock
	}
}

// Linearizable asserts, when all threads of m have ended, that the history can be
// explained by the sequential object. Call it in the function that is explored, not in a thread.
// A history has at most 64 operations. It is not for States, which knows no history.
func Linearizable[S comparable, In, Out any](m *sim.Machine, spec Spec[S, In, Out], h *History[In, Out]) {
	h.m = m
	m.Finally(func() {
		m.Assert(h.n <= maxCalls, "a history of %d operations is too long for Linearizable", h.n)
		m.Assert(linearize(spec, h.calls()), "the history is not linearizable:\n%s", h)
	})
}

// String lists the history by the order of the calls.
func (h *History[In, Out]) String() string {
	var b strings.Builder
	for _, c := range h.calls() {
		fmt.Fprintf(&b, "\t[%3d,%3d] %s: %+v -> %+v\n", c.called, c.ending, c.name, c.in, c.out)
	}
	return b.String()
}

type been[S comparable] struct {
	done  uint64
	state S
}

// linearize searches for an order.
func linearize[S comparable, In, Out any](spec Spec[S, In, Out], calls []call[In, Out]) bool {
	all := uint64(1)<<len(calls) - 1
	var dead map[been[S]]bool // made when the first way ends in nothing; most histories need none
	var try func(done uint64, s S) bool
	try = func(done uint64, s S) bool {
		if done == all {
			return true
		}
		if dead[been[S]{done, s}] {
			return false
		}
		first := int(^uint(0) >> 1) // the earliest return among what is left
		for left := all &^ done; left != 0; left &= left - 1 {
			if c := &calls[bits.TrailingZeros64(left)]; c.ending != 0 {
				first = min(first, c.ending)
			}
		}
		for left := all &^ done; left != 0; left &= left - 1 {
			i := bits.TrailingZeros64(left)
			if calls[i].called > first {
				break // calls are in the order of their beginning
			}
			if next, ok := spec.Step(s, calls[i].in, calls[i].out); ok && try(done|1<<i, next) {
				return true
			}
		}
		if dead == nil {
			dead = map[been[S]]bool{}
		}
		dead[been[S]{done, s}] = true
		return false
	}
	return try(0, spec.Init)
}
