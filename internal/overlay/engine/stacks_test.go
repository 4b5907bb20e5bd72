package engine_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
)

// both is a helper of a program: it takes two locks, always in the same two places, for a caller.
func (w *world) both(who, first, second string, caller uintptr) {
	w.stack = []uintptr{caller}
	for i, name := range []string{first, second} {
		w.site = 7001 + uintptr(i)
		w.op(w.thread(who), who, "lock", name)
	}
	w.do(who + " unlock " + second + " " + first)
	w.stack = nil
}

// TestStackIsOfThisOrder: two callers of one helper, each with locks of its own. Who reverses the locks of the
// second is shown the second.
func TestStackIsOfThisOrder(t *testing.T) {
	w := newWorld(t, engine.Options{})
	w.both("1", "a1", "b1", 1)
	w.both("1", "a2", "b2", 2)
	w.do("2 lock b2; lock a2; unlock a2; unlock b2")
	w.expect("likely order b,a")
	if got, want := w.e.Reports()[0].Cycle[1].Stack, []uintptr{7002, 2}; !slices.Equal(got, want) {
		t.Errorf("the earlier stack is %v, want %v", got, want)
	}
}

// TestStackOfDeadlock: the stacks are those of the waits that are on now, also where the order is a known one.
func TestStackOfDeadlock(t *testing.T) {
	w := newWorld(t, engine.Options{})
	wait := func(who, held, wanted string, caller uintptr) {
		w.do(who + " lock " + held)
		w.site, w.stack = 7001, []uintptr{caller}
		w.op(w.thread(who), who, "want", wanted)
		w.stack = nil
	}
	w.both("1", "a1", "b1", 1)
	wait("1", "a1", "b1", 2)
	wait("2", "b1", "a1", 3)
	for _, r := range w.e.Reports() {
		if r.Kind != engine.Deadlock {
			continue
		}
		if got := [][]uintptr{r.Cycle[0].Stack, r.Cycle[1].Stack}; !slices.Equal(got[0], []uintptr{7001, 3}) || !slices.Equal(got[1], []uintptr{7001, 2}) {
			t.Errorf("the stacks are %v", got)
		}
		return
	}
	t.Errorf("no deadlock: %s", w.found())
}

// TestStacksAreBounded: a recursion makes new locks at ever new depths, and the memory stays what it is.
func TestStacksAreBounded(t *testing.T) {
	w := newWorld(t, engine.Options{})
	for i := range 3 * engine.MaxStacks {
		w.both("1", "a"+strconv.Itoa(i), "b"+strconv.Itoa(i), uintptr(i)+10000)
	}
	if n := w.e.Stacks(); n > engine.MaxStacks+10 {
		t.Errorf("%d stacks are kept", n)
	}
	w.do("2 lock b9; lock a9; unlock a9; unlock b9")
	if r := w.e.Reports(); len(r) != 1 || len(r[0].Cycle[1].Stack) == 0 {
		t.Errorf("found %q", w.found())
	}
}
