package token

// A random walk through larger worlds than can be enumerated: up to six threads and
// four tokens, sets, tries of sets, priorities, upgrades and cancels, with the same
// checks after each step.

import (
	"math/rand/v2"
	"testing"
)

func TestWalk(t *testing.T) {
	const worlds, length = 400, 300
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	defer func() { book.calls, book.later = 0, nil }()
	for range worlds {
		tokens, k := 1+rng.IntN(4), rng.IntN(5)
		some := func(most int) []int { return rng.Perm(tokens)[:1+rng.IntN(min(most, tokens))] }
		var scripts []script
		for range 2 + rng.IntN(5) {
			var code []instr
			for range 1 + rng.IntN(4) {
				in := instr{op: "acquire", toks: some(1), mode: Mode(1 + rng.IntN(2)), cancel: rng.IntN(3) == 0}
				switch rng.IntN(6) {
				case 0:
					in.op, in.mode = "try", Exclusive
				case 1, 2:
					in.toks = some(tokens)
				case 3:
					in.op, in.toks = "release", some(tokens)
				}
				code = append(code, in)
			}
			code = append(code, r(rng.Perm(tokens)...))
			scripts = append(scripts, script{code, int32(rng.IntN(3)), true})
		}
		func() {
			defer SetBypass(SetBypass(k))
			book.calls, book.later = 0, nil
			w := newWorld(k, tokens, scripts, "")
			for n := range length {
				steps := w.steps()
				if len(steps) == 0 {
					break
				}
				st := steps[rng.IntN(len(steps))]
				w.do(st)
				if a := w.actors[st.actor]; a.phase == ready && a.pc == 0 {
					a.code = scripts[st.actor].code // with what was cancelled in it
				}
				if bad := w.wrong(); bad != "" {
					t.Fatalf("seed %d, K=%d, %d tokens: %s\nafter %d steps of %+v", seed, k, tokens, bad, n+1, scripts)
				}
			}
		}()
	}
}
