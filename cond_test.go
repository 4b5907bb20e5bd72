// Condition variables, on every lock that they work with.
package lwkt_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/condvar"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/giant"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/lockmgr"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/serializer"
	"github.com/serializing-tokens/lwkt/sim"
)

// droppable is a lock that a sleep may drop, in one of its modes.
type droppable struct {
	name         string
	lock         lwkt.Interlock
	take, give   func(td *lwkt.Thread)
	held         func(td *lwkt.Thread) bool
	shared, many bool // others may have it too; it is dropped however often it is held

	change, done func(td *lwkt.Thread) // take and give it to change what it guards
}

func quiet(lock func(td *lwkt.Thread) bool) func(td *lwkt.Thread) {
	return func(td *lwkt.Thread) { lock(td) }
}

// droppables returns a new one of each.
func droppables() []droppable {
	m, rw, sx, s, g := new(lwkt.Mtx), new(lwkt.RWLock), new(lwkt.SX), new(serializer.Serializer), new(giant.Mtx)
	rm, lk := new(rmlock.Lock), new(lockmgr.Lock)
	in := func(held func(td *lwkt.Thread) lwkt.Mode, m lwkt.Mode) func(td *lwkt.Thread) bool {
		return func(td *lwkt.Thread) bool { return held(td) == m }
	}
	return []droppable{
		{"Mtx", m, quiet(m.Lock), m.Unlock, in(m.Held, lwkt.Exclusive), false, false, quiet(m.Lock), m.Unlock},
		{"RWLock", rw, quiet(rw.WLock), rw.WUnlock, in(rw.Held, lwkt.Exclusive), false, false, quiet(rw.WLock), rw.WUnlock},
		{"RWLock, reading", rw, quiet(rw.RLock), rw.RUnlock, in(rw.Held, lwkt.Shared), true, false, quiet(rw.WLock), rw.WUnlock},
		{"SX", sx, quiet(sx.XLock), sx.XUnlock, in(sx.Held, lwkt.Exclusive), false, false, quiet(sx.XLock), sx.XUnlock},
		{"SX, sharing", sx, quiet(sx.SLock), sx.SUnlock, in(sx.Held, lwkt.Shared), true, false, quiet(sx.XLock), sx.XUnlock},
		{"rmlock", rm, quiet(rm.WLock), rm.WUnlock, in(rm.Held, lwkt.Exclusive), false, false, quiet(rm.WLock), rm.WUnlock},
		{"rmlock, reading", rm, quiet(rm.RLock), rm.RUnlock, in(rm.Held, lwkt.Shared), true, false, quiet(rm.WLock), rm.WUnlock},
		{"lockmgr", lk, quiet(lk.XLock), lk.Unlock, in(lk.Held, lwkt.Exclusive), false, false, quiet(lk.XLock), lk.Unlock},
		{"lockmgr, sharing", lk, quiet(lk.SLock), lk.Unlock, in(lk.Held, lwkt.Shared), true, false, quiet(lk.XLock), lk.Unlock},
		{"Serializer", s, quiet(s.Enter), s.Exit, s.Held, false, false, quiet(s.Enter), s.Exit},
		{"giant", g, quiet(g.Lock), g.Unlock, func(td *lwkt.Thread) bool { return g.Held(td) == 1 }, false, true, quiet(g.Lock), g.Unlock},
	}
}

func eachDroppable(t *testing.T, f func(t *testing.T, i int)) {
	for i, l := range droppables() {
		t.Run(l.name, func(t *testing.T) { f(t, i) })
	}
}

// granularities are both ways to explore what waits, to the end.
func granularities(t *testing.T, program func(m *sim.Machine)) {
	t.Helper()
	for _, attempts := range []bool{false, true} {
		explore.Test(t, program, explore.On(sim.Options{Attempts: attempts}), explore.DPOR(), explore.Budget(time.Minute), explore.MustFinish())
	}
}

// finds wants some schedule of a program to end so.
func finds(t *testing.T, want sim.Outcome, program func(m *sim.Machine)) {
	t.Helper()
	r := explore.Run(program)
	if r.Failure == nil || r.Failure.Outcome != want {
		t.Errorf("want %v, found %s", want, r.String())
	}
}

func TestRow34Cond(t *testing.T) {
	t.Run("no lost wakeup", func(t *testing.T) {
		eachDroppable(t, func(t *testing.T, i int) {
			granularities(t, func(m *sim.Machine) {
				l := droppables()[i]
				var c condvar.Cond
				var ready sim.Var[bool]
				m.Go("waiter", func(td *lwkt.Thread) {
					l.take(td)
					for !ready.Load(td) {
						c.Wait(td, l.lock)
						m.Assert(l.held(td), "awake without the lock")
					}
					l.give(td)
				})
				m.Go("signaller", func(td *lwkt.Thread) {
					l.change(td)
					ready.Store(td, true)
					l.done(td)
					c.Signal(td)
				})
			})
		})
	})
	t.Run("one for each", func(t *testing.T) {
		for _, i := range []int{0, 3} {
			granularities(t, func(m *sim.Machine) {
				l := droppables()[i]
				var c condvar.Cond
				jobs, woken := 0, 0
				for range 2 {
					m.Go("worker", func(td *lwkt.Thread) {
						l.take(td)
						for jobs == 0 {
							c.Wait(td, l.lock)
							woken++
						}
						jobs--
						l.give(td)
					})
				}
				m.Go("boss", func(td *lwkt.Thread) {
					for range 2 {
						l.take(td)
						jobs++
						c.Signal(td)
						l.give(td)
					}
				})
				m.Finally(func() { m.Assert(jobs == 0 && woken <= 2, "jobs %d, woken %d", jobs, woken) })
			})
		}
	})
	t.Run("all at once", func(t *testing.T) {
		granularities(t, func(m *sim.Machine) {
			var mu lwkt.Mtx
			var c condvar.Cond
			open := false
			for range 2 {
				m.Go("waiter", func(td *lwkt.Thread) {
					mu.Lock(td)
					for !open {
						c.Wait(td, &mu)
					}
					mu.Unlock(td)
				})
			}
			m.Go("opener", func(td *lwkt.Thread) {
				mu.Lock(td)
				open = true
				c.Broadcast(td)
				mu.Unlock(td)
			})
		})
	})
	t.Run("a wakeup that races with the end wins", func(t *testing.T) {
		granularities(t, func(m *sim.Machine) {
			var mu lwkt.Mtx
			var c condvar.Cond
			sent, got := false, false
			m.Go("waiter", func(td *lwkt.Thread) {
				mu.Lock(td)
				_, err := c.WaitTimeout(td, &mu, time.Millisecond)
				got = err == nil
				mu.Unlock(td)
			})
			m.Go("signaller", func(td *lwkt.Thread) {
				mu.Lock(td)
				sent = c.Signal(td)
				mu.Unlock(td)
			})
			m.Finally(func() { m.Assert(sent == got, "sent %v, got %v", sent, got) })
		})
	})
	t.Run("with a token", func(t *testing.T) {
		granularities(t, func(m *sim.Machine) {
			var mu lwkt.Mtx
			var c condvar.Cond
			var tok lwkt.Token
			ready := false
			m.Go("waiter", func(td *lwkt.Thread) {
				tok.Acquire(td)
				mu.Lock(td)
				for !ready {
					c.Wait(td, &mu)
				}
				m.Assert(tok.Held(td) == lwkt.Exclusive, "awake without the token")
				mu.Unlock(td)
				tok.Release(td)
			})
			m.Go("signaller", func(td *lwkt.Thread) {
				mu.Lock(td)
				tok.Acquire(td)
				ready = true
				c.Signal(td)
				tok.Release(td)
				mu.Unlock(td)
			})
		})
	})
	t.Run("wrong lock", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var mu, other lwkt.Mtx
			var c condvar.Cond
			mu.Init("right", 0)
			other.Init("wrong", 0)
			h.Go("waiter", func(td *lwkt.Thread) {
				mu.Lock(td)
				c.Wait(td, &mu)
				mu.Unlock(td)
			})
			h.Go("other", func(td *lwkt.Thread) {
				h.Until("it waits", func() bool { return lwkt.SleepersOn(&c) == 1 })
				other.Lock(td)
				m := misuse(t, "Wait", func() { c.Wait(td, &other) })
				says(t, m.Why, `"right"`, `"wrong"`, "same")
				if other.Held(td) != lwkt.Exclusive {
					t.Error("the lock is lost")
				}
				other.Unlock(td)
				c.Signal(td)
			})
		})
	})
	t.Run("order", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var mu lwkt.Mtx
			var c condvar.Cond
			var order []string // (mu)
			var ran atomic.Int32
			names := []string{"a", "b", "c", "d"}
			for i, p := range []int{5, 20, 5, 20} {
				h.Go(names[i], func(td *lwkt.Thread) {
					td.SetPriority(p)
					h.Until("it is its turn", func() bool { return lwkt.SleepersOn(&c) == i })
					mu.Lock(td)
					c.Wait(td, &mu)
					order = append(order, td.Name())
					ran.Add(1)
					mu.Unlock(td)
				})
			}
			h.Go("signaller", func(td *lwkt.Thread) {
				h.Until("all wait", func() bool { return lwkt.SleepersOn(&c) == 4 })
				for n := range names {
					if !c.Signal(td) {
						t.Error("nobody waits")
					}
					h.Until("it ran", func() bool { return int(ran.Load()) == n+1 })
				}
				if c.Signal(td) || c.Broadcast(td) != 0 {
					t.Error("somebody waits")
				}
			})
			h.Wait()
			if got := strings.Join(order, ""); got != "bdac" {
				t.Errorf("woken in the order %s", got)
			}
		})
	})
	t.Run("ends", func(t *testing.T) {
		eachDroppable(t, func(t *testing.T, i int) {
			onHosts(t, func(t *testing.T, h host) {
				l := droppables()[i]
				var c condvar.Cond
				cause, cancel := context.WithCancel(context.Background())
				defer cancel()
				h.Go("waiter", func(td *lwkt.Thread) {
					l.take(td)
					if _, err := c.WaitTimeout(td, l.lock, time.Millisecond); !errors.Is(err, lwkt.ErrTimeout) {
						t.Errorf("error %v", err)
					}
					if _, err := c.WaitTimeout(td, l.lock, -1); !errors.Is(err, lwkt.ErrTimeout) {
						t.Errorf("error %v", err)
					}
					if _, err := c.WaitContext(cause, td, l.lock); !errors.Is(err, context.Canceled) {
						t.Errorf("error %v", err)
					}
					if !l.held(td) {
						t.Error("without the lock")
					}
					l.give(td)
				})
				h.Go("canceller", func(td *lwkt.Thread) {
					l.take(td)
					l.give(td)
					cancel()
				})
				h.Wait()
			})
		})
	})
	t.Run("unlock", func(t *testing.T) {
		eachDroppable(t, func(t *testing.T, i int) {
			onHosts(t, func(t *testing.T, h host) {
				l := droppables()[i]
				var c condvar.Cond
				h.Go("waiter", func(td *lwkt.Thread) {
					l.take(td)
					c.WaitUnlock(td, l.lock)
					if l.held(td) {
						t.Error("with the lock")
					}
				})
				h.Go("signaller", func(td *lwkt.Thread) {
					h.Until("it waits", func() bool { return lwkt.SleepersOn(&c) == 1 })
					c.Signal(td)
				})
			})
		})
	})
}

func TestCondBug(t *testing.T) {
	t.Run("condition looked at once", func(t *testing.T) {
		finds(t, sim.AssertFailed, func(m *sim.Machine) {
			var mu lwkt.Mtx
			var c condvar.Cond
			jobs := 0
			for range 2 {
				m.Go("worker", func(td *lwkt.Thread) {
					mu.Lock(td)
					if jobs == 0 {
						c.Wait(td, &mu)
					}
					m.Assert(jobs > 0, "there is nothing to do")
					jobs--
					mu.Unlock(td)
				})
			}
			m.Go("boss", func(td *lwkt.Thread) {
				for range 2 {
					mu.Lock(td)
					jobs++
					mu.Unlock(td)
					c.Signal(td)
				}
			})
		})
	})
	t.Run("condition changed without the lock", func(t *testing.T) {
		finds(t, sim.Deadlock, func(m *sim.Machine) {
			var mu lwkt.Mtx
			var c condvar.Cond
			var ready sim.Var[bool]
			m.Go("waiter", func(td *lwkt.Thread) {
				mu.Lock(td)
				for !ready.Load(td) {
					c.Wait(td, &mu)
				}
				mu.Unlock(td)
			})
			m.Go("signaller", func(td *lwkt.Thread) {
				ready.Store(td, true)
				c.Signal(td)
			})
		})
	})
}

// TestCondTable walks the table of Cond, and what else is a misuse.
func TestCondTable(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var mu, held lwkt.Mtx
	mu.Init("m", lwkt.Recurse)
	var c condvar.Cond
	waiting := func(f func()) { // with a waiter
		k := lwkt.Go("waiter", func(td *lwkt.Thread) {
			mu.Lock(td)
			c.Wait(td, &mu)
			mu.Unlock(td)
		})
		until(t, "it waits", func() bool { return lwkt.SleepersOn(&c) == 1 })
		f()
		if n := c.Broadcast(td); n != 1 {
			t.Errorf("%d wait", n)
		}
		join(t, k)
	}
	waits := map[string]func(l lwkt.Interlock){
		"Wait":        func(l lwkt.Interlock) { c.Wait(td, l) },
		"WaitContext": func(l lwkt.Interlock) { c.WaitContext(t.Context(), td, l) },
		"WaitTimeout": func(l lwkt.Interlock) { c.WaitTimeout(td, l, time.Hour) },
		"WaitUnlock":  func(l lwkt.Interlock) { c.WaitUnlock(td, l) },
	}
	if c.Signal(td) || c.Broadcast(td) != 0 || c.BroadcastPri(td, 3) != 0 {
		t.Error("woke somebody")
	}
	for op, wait := range waits {
		says(t, misuse(t, op, func() { wait(&mu) }).Why, "nobody has it")
		says(t, misuse(t, op, func() { wait(nil) }).Why, "no lock")
		mu.Lock(td)
		mu.Lock(td)
		says(t, misuse(t, op, func() { wait(&mu) }).Why, "2 times")
		mu.Unlock(td)
		mu.Unlock(td)
	}
	says(t, misuse(t, "BroadcastPri", func() { c.BroadcastPri(td, 32) }).Why, "32")
	waiting(func() {
		says(t, misuse(t, "Destroy", func() { c.Destroy(td) }).Why, "1 thread waits")
		says(t, misuse(t, "Init", func() { c.Init("c") }).Why, "wait")
		says(t, misuse(t, "Wakeup", func() { td.Wakeup(&c) }).Why, "a condition variable")
		says(t, misuse(t, "Sleep", func() { td.Sleep(&c, 0) }).Why, "a condition variable")
		held.Lock(td)
		for op, wait := range waits {
			misuse(t, op, func() { wait(&held) })
		}
		held.Unlock(td)
	})
	c.Init("c")
	says(t, misuse(t, "Init", func() { c.Init("c") }).Why, "before")
	says(t, c.String(), "c")
	c.Destroy(td)
	for op, f := range map[string]func(){
		"Signal": func() { c.Signal(td) }, "Broadcast": func() { c.Broadcast(td) }, "BroadcastPri": func() { c.BroadcastPri(td, 1) },
		"Destroy": func() { c.Destroy(td) },
	} {
		says(t, misuse(t, op, f).Why, "destroyed")
	}
	mu.Lock(td)
	for op, wait := range waits {
		says(t, misuse(t, op, func() { wait(&mu) }).Why, "destroyed")
	}
	mu.Unlock(td)
	c.Init("again")
	waiting(func() {})
	c.Destroy(td)
	var z condvar.Cond
	misuse(t, "Signal", func() { z.Signal(nil) })
	misuse(t, "Wait", func() { z.Wait(nil, &mu) })
	td.Mark() // and is not stuck in any of it
}

// TestCondHierarchy: with checks on, only the lock that is dropped may be one that must
// not be held across sleep.
func TestCondHierarchy(t *testing.T) {
	thread.SetChecks(true)
	defer thread.SetChecks(false)
	td := newThread(t)
	defer td.End()
	for _, l := range droppables() {
		var c condvar.Cond
		var other lwkt.Mtx
		l.take(td)
		if _, err := c.WaitTimeout(td, l.lock, -1); !errors.Is(err, lwkt.ErrTimeout) {
			t.Errorf("%s: %v", l.name, err)
		}
		l.give(td)
		other.Lock(td)
		if _, err := c.WaitTimeout(td, &other, -1); !errors.Is(err, lwkt.ErrTimeout) {
			t.Errorf("%v", err)
		}
		other.Unlock(td)
		l.take(td)
		other.Lock(td)
		says(t, misuse(t, "WaitTimeout", func() { c.WaitTimeout(td, l.lock, -1) }).Why, "hierarchy", "mutex")
		other.Unlock(td)
		l.give(td)
	}
}

// TestCondSleepingOwner: a waiter must not keep another lock that others wait for.
func TestCondSleepingOwner(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		var mu, kept lwkt.Mtx
		var c condvar.Cond
		var begun atomic.Bool
		h.Go("waiter", func(td *lwkt.Thread) {
			kept.Lock(td)
			mu.Lock(td)
			h.Until("somebody waits", func() bool { return begun.Load() })
			for range 50 {
				h.Yield()
			}
			if v := panics(func() { c.WaitTimeout(td, &mu, time.Millisecond) }); v != nil {
				says(t, v.(*lwkt.Misuse).Why, "others wait")
			}
			mu.Unlock(td)
			kept.Unlock(td)
		})
		h.Go("other", func(td *lwkt.Thread) {
			begun.Store(true)
			if v := panics(func() { kept.Lock(td) }); v != nil {
				says(t, v.(*lwkt.Misuse).Why, "sleeps while it holds")
				return
			}
			kept.Unlock(td)
		})
	})
}

// event is what one can wait for with a lock that is dropped meanwhile.
type event struct {
	wait     func(td *lwkt.Thread, l lwkt.Interlock)
	one, all func(td *lwkt.Thread)
}

func TestCondStress(t *testing.T) {
	moveNumbers(t, func() event {
		c := new(condvar.Cond)
		return event{
			func(td *lwkt.Thread, l lwkt.Interlock) { c.Wait(td, l) },
			func(td *lwkt.Thread) { c.Signal(td) },
			func(td *lwkt.Thread) { c.Broadcast(td) },
		}
	})
}

// moveNumbers moves numbers through a bounded buffer.
func moveNumbers(t *testing.T, fresh func() event) {
	eachDroppable(t, func(t *testing.T, i int) {
		if droppables()[i].shared {
			t.Skip("a condition is not changed by one who shares")
		}
		onHosts(t, func(t *testing.T, h host) {
			const size, pairs = 3, 3
			l := droppables()[i]
			notEmpty, notFull := fresh(), fresh()
			var buffer []int
			rounds := scale(8000)
			sum := make([]int, pairs)
			for p := range pairs {
				h.Go("producer", func(td *lwkt.Thread) {
					for n := range rounds {
						l.take(td)
						for len(buffer) == size {
							notFull.wait(td, l.lock)
						}
						buffer = append(buffer, n)
						notEmpty.one(td)
						l.give(td)
					}
				})
				h.Go("consumer", func(td *lwkt.Thread) {
					for range rounds {
						l.take(td)
						for len(buffer) == 0 {
							notEmpty.wait(td, l.lock)
						}
						sum[p] += buffer[0]
						buffer = slices.Delete(buffer, 0, 1)
						notFull.all(td)
						l.give(td)
					}
				})
			}
			h.Wait()
			total := 0
			for _, s := range sum {
				total += s
			}
			if want := pairs * rounds * (rounds - 1) / 2; total != want || len(buffer) != 0 {
				t.Errorf("sum %d, want %d; %d are left", total, want, len(buffer))
			}
		})
	})
}

// TestCondMany explores more threads than can be exhausted.
func TestCondMany(t *testing.T) {
	explore.Test(t, func(m *sim.Machine) {
		var mu lwkt.Mtx
		var c condvar.Cond
		tickets := 0
		for i := range 3 {
			m.Go(fmt.Sprint("taker ", i), func(td *lwkt.Thread) {
				mu.Lock(td)
				for tickets == 0 {
					c.Wait(td, &mu)
				}
				tickets--
				mu.Unlock(td)
			})
		}
		for i := range 2 {
			m.Go(fmt.Sprint("giver ", i), func(td *lwkt.Thread) {
				mu.Lock(td)
				tickets += 2
				c.Broadcast(td)
				mu.Unlock(td)
			})
		}
		m.Finally(func() { m.Assert(tickets == 1, "%d tickets", tickets) })
	}, explore.Portfolio(), explore.Budget(time.Second))
}

func TestCondAllocs(t *testing.T) {
	if raceEnabled || invariants.Enabled {
		t.Skip("the race detector and invariants allocate")
	}
	td := newThread(t)
	defer td.End()
	for _, l := range droppables() {
		var c condvar.Cond
		l.take(td)
		if n := testing.AllocsPerRun(100, func() {
			c.WaitTimeout(td, l.lock, -1)
			c.Signal(td)
			c.Broadcast(td)
			td.SleepOn(&c, l.lock, lwkt.SleepOptions{Timeout: -1, Priority: 20})
			td.WakeupAny(&c)
		}); n != 0 {
			t.Errorf("%s: %v allocations", l.name, n)
		}
		l.give(td)
	}
}

// FuzzCond plays strings of waits with a priority, signals and broadcasts, and knows who is woken.
func FuzzCond(f *testing.F) {
	f.Add([]byte{0, 9, 3, 1, 1, 4, 1, 2})
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) > 64 {
			return
		}
		var mu lwkt.Mtx
		var c condvar.Cond
		type waiter struct{ prio, num int }
		var waiting []waiter // in the order in which they are to be woken
		woken := make(chan int, len(ops))
		var tasks []*lwkt.Task
		td := newThread(t)
		defer td.End()
		wake := func(n int) { // the first n are
			for _, w := range waiting[:n] {
				if n == 1 {
					if got := <-woken; got != w.num {
						t.Fatalf("woke %d, want %d", got, w.num)
					}
				} else {
					<-woken
				}
			}
			waiting = waiting[n:]
		}
		for i, op := range ops {
			switch op % 4 {
			case 0, 1:
				w := waiter{int(op/4) % 32, i}
				tasks = append(tasks, lwkt.Go("waiter", func(td *lwkt.Thread) {
					td.SetPriority(w.prio)
					mu.Lock(td)
					c.Wait(td, &mu)
					mu.Unlock(td)
					woken <- w.num
				}))
				until(t, "it waits", func() bool { return lwkt.SleepersOn(&c) == len(waiting)+1 })
				at := slices.IndexFunc(waiting, func(o waiter) bool { return o.prio < w.prio })
				if at < 0 {
					at = len(waiting)
				}
				waiting = slices.Insert(waiting, at, w)
			case 2:
				if got := c.Signal(td); got != (len(waiting) > 0) {
					t.Fatalf("Signal %v of %d", got, len(waiting))
				} else if got {
					wake(1)
				}
			case 3:
				if got := c.Broadcast(td); got != len(waiting) {
					t.Fatalf("Broadcast %d of %d", got, len(waiting))
				}
				wake(len(waiting))
			}
		}
		c.Broadcast(td)
		wake(len(waiting))
		for _, k := range tasks {
			join(t, k)
		}
		c.Destroy(td)
	})
}
