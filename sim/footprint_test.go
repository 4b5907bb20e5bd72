package sim_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// follow plays a sequence of threads, then goes on with the first enabled one, and
// writes down who stepped, with what footprint, and who could.
type follow struct {
	order  []int
	rng    *rand.Rand
	lost   bool // the thread that was to step could not
	steps  []int
	foot   [][]sim.Access
	states []string // before each step
}

func (f *follow) Choose(p *sim.Point) int {
	var b strings.Builder
	for _, e := range p.Enabled {
		fmt.Fprint(&b, e.Thread, e.Op.Kind, e.Kind, " ")
	}
	f.states = append(f.states, b.String())
	i := 0
	if p.Step < len(f.order) {
		for i < len(p.Enabled) && p.Enabled[i].Thread != f.order[p.Step] {
			i++
		}
		if i == len(p.Enabled) {
			f.lost = true
			return -1
		}
	} else if f.rng != nil {
		i = f.rng.IntN(len(p.Enabled))
	}
	return i
}

func (f *follow) Executed(e sim.Event, foot []sim.Access) {
	f.steps = append(f.steps, e.Thread)
	f.foot = append(f.foot, append([]sim.Access(nil), foot...))
}

func conflict(a, b []sim.Access) bool {
	for _, x := range a {
		for _, y := range b {
			if x.Obj == y.Obj && (x.Write || y.Write) {
				return true
			}
		}
	}
	return false
}

// Two events of different threads, one right after the other, whose footprints do not
// meet can be exchanged: nobody can tell which came first. That is what a reduction of
// the schedules rests on.
func TestIndependentEventsCommute(t *testing.T) {
	defer lwkt.SetBypass(lwkt.SetBypass(0))
	exchanged, differ := 0, 0
	for _, k := range []int{0, 1} {
		lwkt.SetBypass(k)
		if err := sim.Do(func(s *sim.Session) {
			for seed := range uint64(150) {
				for _, attempts := range []bool{false, true} {
					run := func(f *follow) sim.Outcome {
						m := s.New(sim.Options{Attempts: attempts})
						mixture(m, seed)
						return m.Run(f).Outcome
					}
					f := &follow{rng: rand.New(rand.NewPCG(seed, 7))}
					outcome := run(f)
					for i := range len(f.steps) - 1 {
						if f.steps[i] == f.steps[i+1] {
							continue
						}
						g := &follow{order: append([]int(nil), f.steps...)}
						g.order[i], g.order[i+1] = g.order[i+1], g.order[i]
						got := run(g)
						commute := !g.lost && got == outcome && fmt.Sprint(g.states[i+2:]) == fmt.Sprint(f.states[i+2:])
						if conflict(f.foot[i], f.foot[i+1]) {
							if !commute {
								differ++
							}
							continue
						}
						if !commute {
							t.Errorf("K %d, seed %d, attempts %v: steps %d and %d do not commute (%v, %v)\n%v %v\n%v\n%v", k, seed, attempts, i, i+1, outcome, got, f.foot[i], f.foot[i+1], f.states[i:], g.states[i:])
							return
						}
						exchanged++
					}
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d independent pairs were exchanged; of the others %d do not commute", exchanged, differ)
	if exchanged < 500 || differ < 500 {
		t.Error("too few to show anything")
	}
}

// mixture is a random program of tokens, mutexes, sleep and variables.
func mixture(m *sim.Machine, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 3))
	var tok [3]lwkt.Token
	var mu [2]sim.Mutex
	var v [2]sim.Var[int]
	var ch [2]int
	for range 3 {
		ops := rng.Perm(9)[:3]
		args := []int{rng.IntN(3), rng.IntN(3), rng.IntN(3)}
		m.Go("t", func(td *lwkt.Thread) {
			for n, op := range ops {
				i, j := args[n], (args[n]+1)%3
				switch op {
				case 0:
					tok[i].Acquire(td)
					tok[j].Acquire(td)
					lwkt.ReleaseAll(td, &tok[i], &tok[j])
				case 1:
					lwkt.AcquireAll(td, &tok[i], &tok[j])
					lwkt.ReleaseAll(td, &tok[j], &tok[i])
				case 2:
					tok[i].AcquireShared(td)
					tok[i].Acquire(td)
					tok[i].Release(td)
					tok[i].Release(td)
				case 3:
					if tok[i].TryAcquire(td) {
						tok[i].Release(td)
					}
				case 4:
					tok[i].Acquire(td)
					td.Block(func() { m.Yield(td) })
					tok[i].Release(td)
				case 5:
					tok[i].Acquire(td)
					td.Sleep(&ch[i%2], 0)
					tok[i].Release(td)
				case 6:
					td.Wakeup(&ch[i%2])
				case 7:
					mu[i%2].Lock(td)
					v[0].Store(td, v[0].Load(td)+1)
					mu[i%2].Unlock(td)
				case 8:
					v[i%2].Store(td, v[j%2].Load(td))
				}
			}
		})
	}
}
