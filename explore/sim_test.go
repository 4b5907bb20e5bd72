package explore

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// An op of a random program for the real machine.
type realOp struct {
	kind string
	obj  int
}

// realProgram is what randomReal makes: lists of operations, run on locks and variables
// of its own in every run.
type realProgram [][]realOp

func (p realProgram) run(m *sim.Machine) {
	mutex, token, vars := new([2]sim.Mutex), new([3]lwkt.Token), new([2]sim.Var[int])
	for t, ops := range p {
		m.Go(fmt.Sprintf("t%d", t), func(td *lwkt.Thread) {
			for _, o := range ops {
				switch o.kind {
				case "lock":
					mutex[o.obj].Lock(td)
				case "unlock":
					mutex[o.obj].Unlock(td)
				case "load":
					vars[o.obj].Load(td)
				case "store":
					vars[o.obj].Store(td, t)
				case "acquire":
					token[o.obj].Acquire(td)
				case "share":
					token[o.obj].AcquireShared(td)
				case "release":
					token[o.obj].Release(td)
				case "try":
					if token[o.obj].TryAcquire(td) {
						vars[1].Store(td, t)
						token[o.obj].Release(td)
					}
				case "all":
					lwkt.AcquireAll(td, &token[o.obj], &token[(o.obj+1)%3])
					lwkt.ReleaseAll(td, &token[o.obj], &token[(o.obj+1)%3])
				case "sleep":
					td.Sleep(&vars[0], 0)
				case "wakeup":
					td.Wakeup(&vars[0])
				case "until":
					m.Until(td, "changed", func() bool { return vars[0].Value() != 0 })
				case "choose":
					if m.Choose(td, 2) == 1 {
						vars[0].Store(td, 5)
					}
				}
			}
		})
	}
}

func randomReal(r *rand.Rand, mix string) (p realProgram) {
	threads := 2 + r.IntN(2)
	for range threads {
		var ops []realOp
		var held []realOp // what undoes it
		for range 1 + r.IntN([]int{0, 0, 4, 2}[threads]) {
			o := r.IntN(2)
			switch mix[r.IntN(len(mix))] {
			case 'm':
				free := true
				for _, h := range held {
					free = free && h != realOp{"unlock", o}
				}
				if free {
					ops, held = append(ops, realOp{"lock", o}), append(held, realOp{"unlock", o})
				}
			case 'a':
				ops, held = append(ops, realOp{"acquire", o}), append(held, realOp{"release", o})
			case 's':
				ops, held = append(ops, realOp{"share", o}), append(held, realOp{"release", o})
			case 't':
				ops = append(ops, realOp{"try", o})
			case 'A':
				ops = append(ops, realOp{"all", r.IntN(3)})
			case 'v':
				ops = append(ops, realOp{[]string{"load", "store"}[o], r.IntN(2)})
			case 'z':
				ops = append(ops, realOp{[]string{"sleep", "wakeup"}[o], 0})
			case 'u':
				ops = append(ops, realOp{"until", 0})
			case 'c':
				ops = append(ops, realOp{"choose", 0})
			case 'r':
				if n := len(held); n > 0 {
					ops, held = append(ops, held[n-1]), held[:n-1]
				}
			}
		}
		for i := len(held) - 1; i >= 0; i-- {
			ops = append(ops, held[i])
		}
		p = append(p, ops)
	}
	return p
}

// TestReductionOnTheMachine is TestReductionIsExact on the real machine, whose
// footprints are what real locks touch.
func TestReductionOnTheMachine(t *testing.T) {
	for name, mix := range map[string]string{
		"mutexes and variables":  "mmmvvr",
		"tokens":                 "aaaasr",
		"tokens with mutexes":    "aamvrs",
		"tries and sets":         "atArsv",
		"sleep and wakeup":       "zzav",
		"conditions and choices": "uvcma",
		"choices":                "cmmvr",
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(5, 6))
			var programs, naive, traces, blocked, deadlocks int
			err := sim.Do(func(session *sim.Session) {
				for n := 0; programs < 150; n++ {
					p := randomReal(r, mix)
					h := &host{session: session, options: sim.Options{Steps: 2000}, program: p.run}
					want, runs, ok := traceSet(t, h.run, newDFS(-1), 3000)
					if !ok {
						continue
					}
					s := newDPOR()
					got, complete, _ := traceSet(t, h.run, s, 1<<30)
					if s.why != "" {
						t.Fatalf("%v: not reduced: %s", p, s.why)
					}
					for h, o := range want {
						if o == sim.Deadlock {
							deadlocks++
						}
						if g, ok := got[h]; !ok || g != o {
							t.Errorf("%v: a trace that ends with %v is missed (%d of %d found)", p, o, len(got), len(want))
							break
						}
					}
					for h := range got {
						if _, ok := want[h]; !ok {
							t.Errorf("%v: a trace is invented (%d of %d)", p, len(got), len(want))
							break
						}
					}
					// What a try or an attempt at a set touches depends on what it finds, so
					// that a trace may be run twice: too much work, never too little.
					if complete != len(got) && name != "tries and sets" {
						t.Errorf("%v: %d runs for %d traces", p, complete, len(got))
					}
					if t.Failed() {
						return
					}
					programs++
					naive, traces, blocked = naive+runs, traces+len(want), blocked+s.blocked()
				}
			})
			if err != nil {
				t.Error(err)
			}
			t.Logf("%d programs, %d schedules, %d traces (%d of them deadlocks), %d runs abandoned", programs, naive, traces, deadlocks, blocked)
		})
	}
}

// An assertion that fails in setup or Finally fails the run, with a schedule that repeats it.
func TestAssertionsOutsideOfThreads(t *testing.T) {
	for name, program := range map[string]func(m *sim.Machine){
		"setup": func(m *sim.Machine) {
			m.Go("one", func(td *lwkt.Thread) { m.Yield(td) })
			m.Assert(false, "planted in %s", "setup")
			m.Assert(false, "not reached")
		},
		"Finally": func(m *sim.Machine) {
			m.Go("one", func(td *lwkt.Thread) { m.Yield(td) })
			m.Finally(func() { m.Assert(false, "planted in Finally") })
		},
	} {
		for _, o := range []sim.Options{{}, {CPUs: 1}} {
			r := Run(program, On(o))
			if r.Failure == nil || r.Failure.Outcome != sim.AssertFailed || r.Failure.Err.Error() != "sim: assertion failed: planted in "+name {
				t.Fatalf("%s: %s", name, r.String())
			}
			again := Run(program, On(o), Replay(r.Failure.Replay))
			if again.Failure == nil || again.Failure.Err.Error() != r.Failure.Err.Error() {
				t.Errorf("%s: the replay says %s", name, again.String())
			}
		}
	}
}
