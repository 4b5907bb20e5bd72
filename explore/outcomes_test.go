package explore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/condvar"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/giant"
	"github.com/serializing-tokens/lwkt/lockmgr"
	"github.com/serializing-tokens/lwkt/mtxpool"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/sema"
	"github.com/serializing-tokens/lwkt/serializer"
	"github.com/serializing-tokens/lwkt/sim"
)

// act is something that a thread does to the things of a run, and what it learns by that.
type act func(m *sim.Machine, td *lwkt.Thread) any

// locked is an act that passes through a critical section, and learns how many did before.
func locked(n *int, lock, unlock func(td *lwkt.Thread)) act {
	return func(m *sim.Machine, td *lwkt.Thread) any {
		lock(td)
		*n++
		x := *n
		m.Yield(td)
		unlock(td)
		return x
	}
}

// shared is locked of sharers, who count nothing.
func shared(n *int, lock, unlock func(td *lwkt.Thread)) act {
	return func(m *sim.Machine, td *lwkt.Thread) any {
		lock(td)
		x := *n
		unlock(td)
		return x
	}
}

// try is an act that only tries.
func try(lock func(td *lwkt.Thread) bool, unlock func(td *lwkt.Thread)) act {
	return func(m *sim.Machine, td *lwkt.Thread) any {
		ok := lock(td)
		if ok {
			unlock(td)
		}
		return ok
	}
}

// does is an act without an answer, tells one with, begins one without a thread.
func does(f func(td *lwkt.Thread)) act {
	return func(m *sim.Machine, td *lwkt.Thread) any { f(td); return "" }
}

func begins(f func()) act { return func(*sim.Machine, *lwkt.Thread) any { f(); return "" } }

func tells[T any](f func(td *lwkt.Thread) T) act {
	return func(m *sim.Machine, td *lwkt.Thread) any { return f(td) }
}

func void(f func(td *lwkt.Thread) bool) func(td *lwkt.Thread) {
	return func(td *lwkt.Thread) { f(td) }
}

// things are what can be done, by kind, to things made for one run.
var things = map[string]func(m *sim.Machine) []act{
	"Mtx": func(m *sim.Machine) []act {
		l, n := new(lwkt.Mtx), new(int)
		return []act{locked(n, void(l.Lock), l.Unlock), try(l.TryLock, l.Unlock), does(l.Destroy), begins(func() { l.Init("l", lwkt.Recurse) }), survey, borrowed}
	},
	"RWLock": func(m *sim.Machine) []act {
		l, n := new(lwkt.RWLock), new(int)
		return []act{locked(n, void(l.WLock), l.WUnlock), shared(n, void(l.RLock), l.RUnlock), try(l.TryWLock, l.WUnlock), try(l.TryRLock, l.RUnlock), does(l.Destroy), begins(func() { l.Init("l", 0) }), survey}
	},
	"SX": func(m *sim.Machine) []act {
		l, n := new(lwkt.SX), new(int)
		return []act{locked(n, void(l.XLock), l.XUnlock), shared(n, void(l.SLock), l.SUnlock), try(l.TryXLock, l.XUnlock), does(l.Destroy), begins(func() { l.Init("l", 0) }),
			tells(func(*lwkt.Thread) string { return l.Holder() }), queues}
	},
	"SpinMtx": func(m *sim.Machine) []act {
		l, n := new(lwkt.SpinMtx), new(int)
		return []act{shared(n, l.Lock, l.Unlock), try(l.TryLock, l.Unlock), does(l.Destroy), begins(func() { l.Init("l", 0) }),
			func(m *sim.Machine, td *lwkt.Thread) any { l.Lock(td); m.Yield(td); l.Unlock(td); return "" }}
	},
	"lockmgr": func(m *sim.Machine) []act {
		l, n := new(lockmgr.Lock), new(int)
		return []act{locked(n, void(l.XLock), l.Unlock), shared(n, void(l.SLock), l.Unlock), try(l.TryXLock, l.Unlock), does(l.Destroy), begins(func() { l.Init("l", 0) }),
			tells(l.Status), tells(func(*lwkt.Thread) string {
				var b strings.Builder
				l.PrintInfo(&b)
				_, state, _ := strings.Cut(b.String(), ": ")
				return state
			}),
			func(m *sim.Machine, td *lwkt.Thread) any {
				l.XLock(td)
				l.Disown(td)
				m.Yield(td)
				l.Unlock(td)
				return ""
			}}
	},
	"rmlock": func(m *sim.Machine) []act {
		l, n := new(rmlock.Lock), new(int)
		return []act{locked(n, void(l.WLock), l.WUnlock), shared(n, void(l.RLock), l.RUnlock), try(l.TryWLock, l.WUnlock), try(l.TryRLock, l.RUnlock), does(l.Destroy), begins(func() { l.Init("l", 0) }),
			func(m *sim.Machine, td *lwkt.Thread) any { l.RLock(td); m.Yield(td); l.RUnlock(td); return "" }}
	},
	"serializer": func(m *sim.Machine) []act {
		l, n := new(serializer.Serializer), new(int)
		return []act{locked(n, void(l.Enter), l.Exit), try(l.TryEnter, l.Exit), does(l.Destroy), begins(func() { l.Init("l") }), begins(l.HandlerDisable), begins(l.HandlerEnable),
			tells(func(td *lwkt.Thread) bool { return l.HandlerCall(td, func() { *n++ }) }),
			tells(func(td *lwkt.Thread) bool { return l.HandlerTry(td, func() { *n++ }) })}
	},
	"giant": func(m *sim.Machine) []act {
		l, n := new(giant.Mtx), new(int)
		return []act{locked(n, void(l.Lock), l.Unlock), try(l.TryLock, l.Unlock), begins(func() { l.Init("l") }),
			func(m *sim.Machine, td *lwkt.Thread) any { l.Lock(td); td.Pause(1); l.Unlock(td); return m.Now() }}
	},
	"sema": func(m *sim.Machine) []act {
		l := new(sema.Sema)
		l.Init("l", 1)
		return []act{does(l.Post), tells(l.TryWait), tells(l.Value), does(l.Destroy),
			tells(func(td *lwkt.Thread) error { _, err := l.WaitTimeout(td, 5); return err })}
	},
	"condvar": func(m *sim.Machine) []act {
		var l lwkt.Mtx
		c := new(condvar.Cond)
		wait := tells(func(td *lwkt.Thread) error {
			l.Lock(td)
			defer func() {
				if l.Held(td) != lwkt.None {
					l.Unlock(td)
				}
			}()
			_, err := c.WaitTimeout(td, &l, 5)
			return err
		})
		return []act{wait, wait, tells(c.Signal), tells(c.Broadcast), does(c.Destroy), begins(func() { c.Init("c") }), queues}
	},
	"pool": func(m *sim.Machine) []act {
		p := new(mtxpool.Pool)
		p.Init("p", 2)
		first := p.Alloc()
		return []act{tells(func(*lwkt.Thread) bool { return p.Alloc() == first }), does(func(td *lwkt.Thread) { p.Lock(td, 1); p.Unlock(td, 1) }),
			func(m *sim.Machine, td *lwkt.Thread) any {
				a := p.Alloc()
				a.Lock(td)
				m.Yield(td)
				a.Unlock(td)
				return a == first
			}}
	},
	"tokens": func(m *sim.Machine) []act {
		l, k, n := new(lwkt.Token), new(lwkt.Token), new(int)
		return []act{locked(n, void(l.Acquire), l.Release), shared(n, void(l.AcquireShared), l.Release), try(l.TryAcquire, l.Release), survey,
			func(m *sim.Machine, td *lwkt.Thread) any {
				k.Acquire(td)
				l.Acquire(td)
				at := td.Mark()
				m.Yield(td)
				l.Release(td)
				td.Block(func() {})
				defer k.Release(td)
				return td.ChangedSince(at)
			}}
	},
	"mixture": func(m *sim.Machine) []act {
		ctx, cancel := m.WithCancel(context.Background())
		v := new(atomic.Int32)
		l := new(lwkt.Mtx)
		return []act{
			tells(func(*lwkt.Thread) error { return ctx.Err() }), does(cancel),
			tells(func(td *lwkt.Thread) error {
				_, err := l.LockContext(ctx, td)
				if err == nil {
					l.Unlock(td)
				}
				return err
			}),
			func(m *sim.Machine, td *lwkt.Thread) any { l.Lock(td); m.Yield(td); l.Unlock(td); return "" },
			func(m *sim.Machine, td *lwkt.Thread) any { m.Touch(td, v, false); return v.Load() },
			func(m *sim.Machine, td *lwkt.Thread) any { m.Touch(nil, v, true); return v.Add(1) },
			func(m *sim.Machine, td *lwkt.Thread) any { m.Yield(td); m.Touched(v, true); return v.Add(1) },
			func(m *sim.Machine, td *lwkt.Thread) any {
				k := td.Go("child", func(td *lwkt.Thread) { v.Add(1); m.Touched(v, true) })
				ended := false
				select {
				case <-k.Done():
					ended = true
				default:
				}
				k.Join(td)
				return ended
			},
		}
	},
}

func survey(*sim.Machine, *lwkt.Thread) any {
	n := 0
	for _, q := range lwkt.Turnstiles() {
		n += len(q.Exclusive) + 10*len(q.Shared)
	}
	return n
}

func queues(*sim.Machine, *lwkt.Thread) any {
	n := 0
	for _, q := range lwkt.SleepQueues() {
		n += len(q.Exclusive) + 10*len(q.Shared)
	}
	return n
}

func borrowed(m *sim.Machine, td *lwkt.Thread) any { return td.LentPriority() }

// TestReductionMissesNoOutcome holds the reduction to what threads learn, whatever the footprints say: by
// random programs over everything that is public, destroyed and initialized locks among it.
func TestReductionMissesNoOutcome(t *testing.T) {
	for kind, make := range things {
		t.Run(kind, func(t *testing.T) {
			r := rand.New(rand.NewPCG(11, 12))
			programs, schedules, runs, outcomes, several := 0, 0, 0, 0, 0
			for n := 0; programs < 20/explore.Slow+5; n++ {
				script := scripts(r, make)
				o := sim.Options{Attempts: n%2 == 1}
				learn := func(strategy explore.Option) (set map[string]bool, rep explore.Report) {
					set = map[string]bool{}
					rep = explore.Run(func(m *sim.Machine) { perform(m, make(m), script, set) }, explore.On(o), explore.Runs(2000), strategy)
					return set, rep
				}
				want, plain := learn(explore.Exhaustive())
				if plain.OK() && !plain.Exhaustive {
					continue
				}
				got, reduced := learn(explore.DPOR())
				if !plain.OK() || !reduced.OK() || !reduced.Exhaustive {
					t.Fatalf("%v: %s\n%s", script, plain.String(), reduced.String())
				}
				for s := range want {
					if !got[s] {
						t.Errorf("%v, attempts %v: %d outcomes of %d are found; missed is\n%s", script, o.Attempts, len(got), len(want), s)
						return
					}
				}
				programs++
				schedules, runs, outcomes = schedules+plain.Runs, runs+reduced.Runs, outcomes+len(want)
				if len(want) > 1 {
					several++
				}
			}
			t.Logf("%d programs, %d of them with several outcomes, %d in all, %d schedules, %d runs", programs, several, outcomes, schedules, runs)
			if several < programs/3 || runs >= schedules {
				t.Error("that shows little")
			}
		})
	}
}

// apart stands for a step that has nothing to do with any other.
const apart = -1

// scripts draws what some threads do.
func scripts(r *rand.Rand, make func(m *sim.Machine) []act) (list [][]int) {
	acts := len(make(sim.New(sim.Options{})))
	threads := 2 + r.IntN(2)
	for range threads {
		var script []int
		for range 1 + r.IntN(4-threads+1) {
			if r.IntN(2) == 0 {
				script = append(script, apart)
			}
			script = append(script, r.IntN(acts))
		}
		list = append(list, script)
	}
	return list
}

// perform is a program, which adds to set what its threads learned.
func perform(m *sim.Machine, acts []act, script [][]int, set map[string]bool) {
	learned := make([]string, len(script))
	for i, list := range script {
		m.Go(fmt.Sprint("t", i), func(td *lwkt.Thread) {
			for _, n := range list {
				if n == apart {
					m.Yield(td)
					continue
				}
				learned[i] += fmt.Sprint(" ", n, ":", attempt(m, td, acts[n]))
			}
		}, sim.Priority(16+i))
	}
	m.Finally(func() { set[strings.Join(slices.Clone(learned), "\n")] = true })
}

// attempt is an act, or what is wrong with it.
func attempt(m *sim.Machine, td *lwkt.Thread, a act) (learned any) {
	defer func() {
		if misuse, ok := recover().(*lwkt.Misuse); ok {
			learned = misuse.Why
		}
	}()
	return a(m, td)
}

// TestReductionLeavesTimeoutsAlone has a wait expire at any time, which reduction would take for
// something that happens when all else is done.
func TestReductionLeavesTimeoutsAlone(t *testing.T) {
	program := func(m *sim.Machine) {
		m.Go("looks", func(td *lwkt.Thread) {
			m.Yield(td)
			m.Yield(td)
			m.Assert(m.Now() == 0, "time has passed")
		})
		m.Go("pauses", func(td *lwkt.Thread) { td.Pause(1) })
	}
	any := explore.On(sim.Options{AnyTimeout: true})
	if r := explore.Run(program, any); r.Failure == nil {
		t.Error(r.String())
	}
	if r := explore.Run(program, any, explore.DPOR()); r.Exhaustive || !strings.Contains(r.Bound, "time competes") {
		t.Error(r.String())
	}
}

// TestReductionTriesSurveys has a dump that shows somebody only in the midst of what it has no part in.
func TestReductionTriesSurveys(t *testing.T) {
	program := func(m *sim.Machine) {
		var l lwkt.Mtx
		m.Go("looks", func(td *lwkt.Thread) {
			m.Yield(td)
			m.Assert(len(lwkt.Turnstiles()) == 0, "somebody waits")
		})
		for _, name := range []string{"one", "two"} {
			m.Go(name, func(td *lwkt.Thread) {
				m.Yield(td)
				l.Lock(td)
				m.Yield(td)
				l.Unlock(td)
			})
		}
	}
	if r := explore.Run(program, explore.On(sim.Options{Attempts: true}), explore.DPOR()); r.Failure == nil || r.Failure.Outcome != sim.AssertFailed {
		t.Error(r.String())
	}
}
