// Mtx, RWLock and SX in every interleaving of two or three threads, in many of more, and
// contended on goroutines.
package lwkt_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/sim"
)

// arena is a lock, what it protects, and who is in.
type arena struct {
	m       *sim.Machine
	l       lockable
	tok     lwkt.Token
	sharers int
	owners  int
	n       int // by the lock
	want    int // by the lock
	others  int // by tok
}

// count counts who is in. The race detector need not know, and is to find what only the lock
// orders.
//
//go:norace
func (a *arena) count(sharers, owners int) (s, x int) {
	a.sharers += sharers
	a.owners += owners
	return a.sharers, a.owners
}

func (a *arena) read(td *lwkt.Thread) {
	_, x := a.count(1, 0)
	a.m.Assert(x == 0, "a sharer beside an owner")
	v := a.n
	a.m.Yield(td)
	a.m.Assert(v == a.n, "it changed under a share")
	a.count(-1, 0)
}

func (a *arena) write(td *lwkt.Thread) {
	s, x := a.count(0, 1)
	a.m.Assert(x == 1 && s == 0, "%d owners, %d sharers", x, s)
	v := a.n
	a.m.Yield(td)
	a.m.Assert(v == a.n, "it changed under the owner")
	a.n = v + 1
	a.want++
	a.count(0, -1)
}

// acts are what threads do in explored programs; those in capitals need a shared half.
var acts = map[byte]func(a *arena, td *lwkt.Thread){
	'x': func(a *arena, td *lwkt.Thread) {
		a.l.lock(td, lwkt.Exclusive)
		a.write(td)
		a.l.unlock(td, lwkt.Exclusive)
	},
	't': func(a *arena, td *lwkt.Thread) {
		if a.l.try(td, lwkt.Exclusive) {
			a.write(td)
			a.l.unlock(td, lwkt.Exclusive)
		}
	},
	'c': func(a *arena, td *lwkt.Thread) {
		if _, err := a.l.lockContext(canceled(), td, lwkt.Exclusive); err == nil {
			a.write(td)
			a.l.unlock(td, lwkt.Exclusive)
		}
		a.m.Assert(a.l.Held(td) == lwkt.None, "held after it was given up")
	},
	'k': func(a *arena, td *lwkt.Thread) { // with a token
		a.tok.Acquire(td)
		mark := td.Mark()
		v := a.others
		changed := a.l.lock(td, lwkt.Exclusive)
		a.m.Assert(a.tok.Held(td) == lwkt.Exclusive, "it has the lock, but not the token")
		a.m.Assert(changed || v == a.others, "the token changed hands untold")
		a.m.Assert(changed == td.ChangedSince(mark) || !changed, "changed, but not since the mark")
		a.others++
		a.write(td)
		a.l.unlock(td, lwkt.Exclusive)
		a.tok.Release(td)
	},
	'S': func(a *arena, td *lwkt.Thread) {
		a.l.lock(td, lwkt.Shared)
		a.read(td)
		a.l.unlock(td, lwkt.Shared)
	},
	'R': func(a *arena, td *lwkt.Thread) { // recursively
		a.l.lock(td, lwkt.Shared)
		a.l.lock(td, lwkt.Shared)
		a.l.unlock(td, lwkt.Shared)
		a.read(td)
		a.l.unlock(td, lwkt.Shared)
	},
	'T': func(a *arena, td *lwkt.Thread) {
		if a.l.try(td, lwkt.Shared) {
			a.read(td)
			a.l.unlock(td, lwkt.Shared)
		}
	},
	'U': func(a *arena, td *lwkt.Thread) {
		a.l.lock(td, lwkt.Shared)
		if v := a.n; a.l.upgrade(td) {
			a.m.Assert(v == a.n, "somebody was between a share and its upgrade")
			a.write(td)
			v = a.n
			a.l.downgrade(td)
			a.m.Assert(v == a.n, "somebody was between exclusive use and the share")
		}
		a.read(td)
		a.l.unlock(td, lwkt.Shared)
	},
	'D': func(a *arena, td *lwkt.Thread) {
		a.l.lock(td, lwkt.Exclusive)
		a.write(td)
		a.l.downgrade(td)
		a.read(td)
		a.l.unlock(td, lwkt.Shared)
	},
}

func lockProgram(f family, o lwkt.Options, names string) func(m *sim.Machine) {
	return func(m *sim.Machine) {
		a := &arena{m: m, l: f.make()}
		if o != 0 {
			a.l.Init("", o)
		}
		for _, k := range []byte(names) {
			m.Go(string(k), func(td *lwkt.Thread) { acts[k](a, td) })
		}
		m.Finally(func() {
			m.Assert(a.n == a.want, "%d of %d", a.n, a.want)
			lwkt.Run("after", func(td *lwkt.Thread) { a.l.Destroy(td) }) // it is free, and nobody waits
		})
	}
}

// eachProgram calls f for programs of the family under each policy.
func eachProgram(f family, names []string, shared []string, do func(name string, program func(m *sim.Machine))) {
	policies := map[string]lwkt.Options{"": 0, ", WakeAll": lwkt.WakeAll}
	if f.shared {
		names = append(names, shared...)
		policies[", SharersFirst"] = lwkt.SharersFirst
	}
	for _, n := range names {
		for policy, o := range policies {
			do(n+policy, lockProgram(f, o, n))
		}
	}
}

func TestLockExplore(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			eachProgram(f, []string{"xx", "xt", "xc", "kk", "xxx", "kxc", "kkx"},
				[]string{"xS", "UU", "DD", "US", "Rx", "xTD", "SxS", "UUx", "RxS", "Dxk", "USc"},
				func(name string, program func(m *sim.Machine)) {
					for _, attempts := range []bool{false, true} {
						t.Run(fmt.Sprintf("%s, attempts %v", name, attempts), func(t *testing.T) {
							explore.Test(t, program, explore.On(sim.Options{Attempts: attempts}), explore.DPOR(), explore.Budget(time.Minute), explore.MustFinish())
						})
					}
				})
		})
	}
}

func TestLockExploreMany(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			eachProgram(f, []string{"xxtck"}, []string{"SxUDR", "kSxUx"}, func(name string, program func(m *sim.Machine)) {
				for _, cpus := range []int{0, 2} {
					t.Run(fmt.Sprintf("%s, %d CPUs", name, cpus), func(t *testing.T) {
						explore.Test(t, program, explore.On(sim.Options{Attempts: true, CPUs: cpus}), explore.Portfolio(), explore.Budget(100*time.Millisecond))
					})
				}
			})
		})
	}
}

func TestLockStress(t *testing.T) {
	rounds := 3000
	if invariants.Enabled || testing.Short() {
		rounds /= 8
	}
	for _, f := range families {
		for _, o := range []lwkt.Options{0, lwkt.WakeAll, lwkt.Recurse} {
			t.Run(fmt.Sprint(f.name, " options ", o), func(t *testing.T) {
				l := f.make()
				l.Init("", o)
				var tok lwkt.Token
				n, want := 0, 0
				var tasks []*lwkt.Task
				for i := range 6 {
					tasks = append(tasks, lwkt.Go(fmt.Sprint("t", i), func(td *lwkt.Thread) {
						rng := rand.New(rand.NewPCG(7, uint64(i)))
						for range rounds {
							m := lwkt.Mode(1 + rng.IntN(2))
							if !f.shared {
								m = lwkt.Exclusive
							}
							token := rng.IntN(4) == 0
							if token {
								tok.Acquire(td)
							}
							held := true
							switch rng.IntN(4) {
							case 0:
								held = l.try(td, m)
							case 1:
								_, err := l.lockContext(canceled(), td, m)
								held = err == nil
							default:
								l.lock(td, m)
							}
							if token {
								tok.Release(td)
							}
							if !held {
								continue
							}
							if m == lwkt.Shared && rng.IntN(2) == 0 && l.upgrade(td) {
								m = lwkt.Exclusive
							}
							before := n
							if rng.IntN(16) == 0 {
								runtime.Gosched()
							}
							if n != before {
								t.Error("it changed under the lock")
							}
							if m == lwkt.Exclusive {
								n, want = n+1, want+1
								if o == lwkt.Recurse {
									l.lock(td, m)
									l.unlock(td, m)
								} else if f.shared && rng.IntN(2) == 0 {
									l.downgrade(td)
									m = lwkt.Shared
								}
							}
							l.unlock(td, m)
						}
					}))
				}
				for _, k := range tasks {
					join(t, k)
				}
				if n != want || n == 0 {
					t.Errorf("%d of %d", n, want)
				}
				lwkt.Run("after", func(td *lwkt.Thread) { l.Destroy(td) })
			})
		}
	}
}

func TestLocksDoNotAllocate(t *testing.T) {
	if invariants.Enabled {
		t.Skip("with invariants each operation finds out its goroutine, which allocates")
	}
	td := newThread(t)
	defer td.End()
	for _, f := range families {
		l, r := f.make(), f.make()
		r.Init("", lwkt.Recurse)
		does := map[string]func(){
			"lock":    func() { l.lock(td, lwkt.Exclusive); l.unlock(td, lwkt.Exclusive) },
			"try":     func() { l.try(td, lwkt.Exclusive); l.unlock(td, lwkt.Exclusive) },
			"context": func() { l.lockContext(t.Context(), td, lwkt.Exclusive); l.unlock(td, lwkt.Exclusive) },
			"recurse": func() {
				r.lock(td, lwkt.Exclusive)
				r.lock(td, lwkt.Exclusive)
				r.unlock(td, lwkt.Exclusive)
				r.unlock(td, lwkt.Exclusive)
			},
		}
		if f.shared {
			does["share"] = func() { l.lock(td, lwkt.Shared); l.unlock(td, lwkt.Shared) }
			does["change"] = func() {
				l.lock(td, lwkt.Shared)
				l.upgrade(td)
				l.downgrade(td)
				l.unlock(td, lwkt.Shared)
			}
		}
		for name, do := range does {
			do()
			if n := testing.AllocsPerRun(100, do); n != 0 {
				t.Errorf("%s of %s: %v allocations", name, f.name, n)
			}
		}
	}
}
