// The list of what a thread holds against a naive one: recursion, any order of releases, locks that
// change hands, changes of mode.
package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
)

func compareHeld(t testing.TB, program []byte) {
	w := newWorld(t, engine.Options{LongTicks: 3})
	w.spec = func(c string) engine.ClassSpec {
		return engine.ClassSpec{Name: c, Kind: engine.Sleepable, Flag: engine.Recursive}
	}
	w.e.SetEnv(engine.Env{Accept: func(*engine.Report) bool { return false }})
	held := make([][]modelHold, 3)
	var log []string
	do := func(format string, args ...any) {
		log = append(log, fmt.Sprintf(format, args...))
		w.do(log[len(log)-1])
	}
	word := map[engine.Mode]string{ex: "", sh: "r"}
	has := func(th, l int, m engine.Mode) int {
		for i := len(held[th]) - 1; i >= 0; i-- {
			if h := held[th][i]; h.lock == l && h.mode == m {
				return i
			}
		}
		return -1
	}
	others := func(th, l int, m engine.Mode) bool { // that are in the way
		for o := range held {
			for _, h := range held[o] {
				if o != th && h.lock == l && (h.mode == ex || m == ex) {
					return true
				}
			}
		}
		return false
	}
	for i := 0; i+1 < len(program) && i < 120; i += 2 {
		th, l, m := int(program[i]>>4)%3, int(program[i+1]>>4)%5, engine.Mode(1+program[i+1]&1)
		name := string(rune('a' + l))
		switch op := program[i] & 15; {
		case op < 6:
			if others(th, l, m) || m == ex && has(th, l, sh) >= 0 {
				continue
			}
			held[th] = append(held[th], modelHold{l, m})
			do("%d %s%s %s", th, word[m], []string{"lock", "locked", "try"}[op%3], name)
		case op < 11:
			if k := has(th, l, m); k >= 0 {
				held[th] = slices.Delete(held[th], k, k+1)
				do("%d %sunlock %s", th, word[m], name)
			}
		case op == 11: // by another thread; of a recursive lock that would be ambiguous
			for o := range held {
				k := has(o, l, ex)
				if o == th || k < 0 || slices.ContainsFunc(held[o][:k], func(h modelHold) bool { return h.lock == l }) ||
					slices.ContainsFunc(held[o][k+1:], func(h modelHold) bool { return h.lock == l }) {
					continue
				}
				held[o] = slices.Delete(held[o], k, k+1)
				do("%d unlock %s", th, name)
			}
		case op == 12 && !others(th, l, ex):
			if k := has(th, l, sh); k >= 0 {
				held[th][k].mode = ex
				do("%d up %s", th, name)
			}
		case op == 13:
			if k := has(th, l, ex); k >= 0 {
				held[th][k].mode = sh
				do("%d down %s", th, name)
			}
		case op == 14:
			w.e.Tick()
		case op == 15:
			do("%d go 9", th)
		}
		for th := range held {
			var want, got []string
			for _, h := range held[th] {
				want = append(want, word[h.mode]+string(rune('a'+h.lock)))
			}
			for _, h := range w.thread(fmt.Sprint(th)).Held(nil) {
				got = append(got, word[h.Mode]+h.Name)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s: thread %d holds %v, not %v", strings.Join(log, "; "), th, want, got)
			}
		}
	}
}

func TestHeldModel(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	for range 3000 {
		program := make([]byte, 120)
		for i := range program {
			program[i] = byte(rng.Uint32())
		}
		compareHeld(t, program)
	}
}

func FuzzHeld(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x06\x00\x0b\x00"))
	f.Fuzz(func(t *testing.T, program []byte) { compareHeld(t, program) })
}
