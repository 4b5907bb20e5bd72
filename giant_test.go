// The giant lock: what gives it up, what does not, and what comes back when.
package lwkt_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/condvar"
	"github.com/serializing-tokens/lwkt/giant"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/sim"
)

// TestGiantTable walks the table of giant.Mtx.
func TestGiantTable(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		g := new(giant.Mtx)
		var step atomic.Int32
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		h.Go("a", func(td *lwkt.Thread) {
			says(t, misuse(t, "Unlock", func() { g.Unlock(td) }).Why, "nobody has it")
			g.Lock(td) // free
			g.Lock(td) // own
			if !g.TryLock(td) || g.Held(td) != 3 {
				t.Errorf("held %d times", g.Held(td))
			}
			if _, err := g.LockContext(ctx, td); err != nil || g.Held(td) != 4 {
				t.Error(err)
			}
			step.Store(1)
			h.Until("b has tried", func() bool { return step.Load() == 2 })
			for range 4 {
				g.Unlock(td)
			}
			step.Store(3)
			misuse(t, "Unlock", func() { g.Unlock(td) })
		})
		h.Go("b", func(td *lwkt.Thread) {
			h.Until("a has it", func() bool { return step.Load() == 1 })
			if g.TryLock(td) || g.Held(td) != 0 {
				t.Error("took another's")
			}
			if _, err := g.LockContext(ctx, td); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			says(t, misuse(t, "Unlock", func() { g.Unlock(td) }).Why, `"a"`)
			step.Store(2)
			g.Lock(td)
			if step.Load() != 3 {
				h.Until("a is done", func() bool { return step.Load() == 3 })
			}
			l := g.Locker(td)
			l.Lock()
			if g.Held(td) != 2 {
				t.Error("its Locker does not take it")
			}
			l.Unlock()
			g.Unlock(td)
		})
	})
	lwkt.Run("package", func(td *lwkt.Thread) {
		giant.Lock(td)
		if !giant.TryLock(td) || giant.Held(td) != 2 {
			t.Error("not recursive")
		}
		giant.Unlock(td)
		giant.Unlock(td)
		says(t, giant.Giant.String(), "giant lock", "Giant")
		misuse(t, "Lock", func() { giant.Lock(nil) })
		misuse(t, "Init", func() { giant.Giant.Init("again") })
	})
	lwkt.Run("forgets", func(td *lwkt.Thread) {
		g := new(giant.Mtx)
		holder := lwkt.NewThread("holder")
		g.Lock(holder)
		g.Lock(holder)
		says(t, misuse(t, "End", func() { holder.End() }).Why, "giant lock")
		g.Lock(td) // it was released when its thread ended
		g.Unlock(td)
	})
}

// giantSleeps are ways to sleep, each with what ends it; that needs no lock but the giant one.
func giantSleeps(m *sim.Machine) []struct {
	name        string
	sleep, wake func(td *lwkt.Thread)
} {
	var event int
	var c condvar.Cond
	var mu lwkt.Mtx
	wakeup := func(td *lwkt.Thread) { td.Wakeup(&event) }
	nothing := func(*lwkt.Thread) {}
	return []struct {
		name        string
		sleep, wake func(td *lwkt.Thread)
	}{
		{"Sleep", func(td *lwkt.Thread) { td.Sleep(&event, 0) }, wakeup},
		{"timeout", func(td *lwkt.Thread) { td.Sleep(&event, time.Millisecond) }, nothing},
		{"Pause", func(td *lwkt.Thread) { td.Pause(time.Millisecond) }, nothing},
		{"SleepOn", func(td *lwkt.Thread) {
			mu.Lock(td)
			td.SleepOn(&event, &mu, lwkt.SleepOptions{})
			mu.Unlock(td)
		}, wakeup},
		{"SleepOn, dropping", func(td *lwkt.Thread) {
			mu.Lock(td)
			td.SleepOn(&event, &mu, lwkt.SleepOptions{Drop: true})
		}, wakeup},
		{"Cond", func(td *lwkt.Thread) {
			mu.Lock(td)
			c.Wait(td, &mu)
			mu.Unlock(td)
		}, func(td *lwkt.Thread) { c.Signal(td) }},
		{"Block", func(td *lwkt.Thread) { td.Block(func() { m.Yield(td) }) }, nothing},
		{"Block in Block", func(td *lwkt.Thread) { td.Block(func() { td.Block(func() { m.Yield(td) }) }) }, nothing},
	}
}

// TestGiantSleep: whatever sleeps gives the giant lock up, and has it again as often as before.
func TestGiantSleep(t *testing.T) {
	for i, s := range giantSleeps(nil) {
		t.Run(s.name, func(t *testing.T) {
			granularities(t, func(m *sim.Machine) {
				g, s := new(giant.Mtx), giantSleeps(m)[i]
				done, inside := false, 0
				enter := func() { inside++; m.Assert(inside == 1, "two are inside") }
				m.Go("sleeper", func(td *lwkt.Thread) {
					g.Lock(td)
					g.Lock(td)
					enter()
					if !done {
						inside--
						s.sleep(td)
						enter()
					}
					m.Assert(g.Held(td) == 2, "held %d times", g.Held(td))
					inside--
					g.Unlock(td)
					g.Unlock(td)
				})
				m.Go("waker", func(td *lwkt.Thread) {
					g.Lock(td)
					enter()
					done = true
					s.wake(td)
					inside--
					g.Unlock(td)
				})
			})
		})
	}
	t.Run("channel", func(t *testing.T) {
		granularities(t, func(m *sim.Machine) {
			g, ch := new(giant.Mtx), make(chan int)
			m.Go("receiver", func(td *lwkt.Thread) {
				g.Lock(td)
				lwkt.Recv(td, ch)
				m.Assert(g.Held(td) == 1, "held %d times", g.Held(td))
				g.Unlock(td)
			})
			m.Go("sender", func(td *lwkt.Thread) {
				g.Lock(td)
				lwkt.Send(td, ch, 1)
				m.Assert(g.Held(td) == 1, "held %d times", g.Held(td))
				g.Unlock(td)
			})
		})
	})
	t.Run("locks that are held across sleep", func(t *testing.T) { // in both orders
		eachDroppable(t, func(t *testing.T, i int) {
			l := droppables()[i]
			sleepable := strings.HasPrefix(l.name, "SX") || strings.HasPrefix(l.name, "lockmgr") || l.name == "Serializer"
			program := func(m *sim.Machine) {
				g, l := new(giant.Mtx), droppables()[i]
				m.Go("one", func(td *lwkt.Thread) {
					g.Lock(td)
					l.change(td)
					m.Assert(g.Held(td) == 1, "held %d times", g.Held(td))
					l.done(td)
					g.Unlock(td)
				})
				m.Go("other", func(td *lwkt.Thread) {
					l.change(td)
					g.Lock(td)
					g.Unlock(td)
					l.done(td)
				})
			}
			switch {
			case l.many: // another giant lock is not given up by the wait for this one
				finds(t, sim.Deadlock, program)
			case sleepable:
				granularities(t, program)
			default: // nor by the wait for a mutex
				finds(t, sim.Deadlock, program)
			}
		})
	})
	t.Run("two, in the order in which they were taken", func(t *testing.T) {
		granularities(t, func(m *sim.Machine) {
			a, b := new(giant.Mtx), new(giant.Mtx)
			m.Go("sleeper", func(td *lwkt.Thread) {
				a.Lock(td)
				b.Lock(td)
				a.Lock(td)
				td.Pause(time.Millisecond)
				m.Assert(a.Held(td) == 2 && b.Held(td) == 1, "held %d, %d times", a.Held(td), b.Held(td))
				a.Unlock(td)
				b.Unlock(td)
				a.Unlock(td)
			})
			m.Go("other", func(td *lwkt.Thread) {
				a.Lock(td)
				b.Lock(td)
				b.Unlock(td)
				a.Unlock(td)
			})
		})
	})
	t.Run("before the lock, and tokens last", func(t *testing.T) {
		granularities(t, func(m *sim.Machine) {
			g := new(giant.Mtx)
			var mu lwkt.Mtx
			var tok lwkt.Token
			var event int
			done := false
			m.Go("sleeper", func(td *lwkt.Thread) {
				tok.Acquire(td)
				g.Lock(td)
				mu.Lock(td)
				if !done {
					td.SleepOn(&event, &mu, lwkt.SleepOptions{})
				}
				m.Assert(g.Held(td) == 1 && mu.Held(td) == lwkt.Exclusive && tok.Held(td) == lwkt.Exclusive, "something is missing")
				mu.Unlock(td)
				g.Unlock(td)
				tok.Release(td)
			})
			m.Go("waker", func(td *lwkt.Thread) { // has them in the other order than one who took the lock first
				g.Lock(td)
				mu.Lock(td)
				tok.Acquire(td)
				done = true
				td.Wakeup(&event)
				tok.Release(td)
				mu.Unlock(td)
				g.Unlock(td)
			})
		})
	})
	t.Run("as the lock that is dropped", func(t *testing.T) {
		granularities(t, func(m *sim.Machine) {
			g := new(giant.Mtx)
			var c condvar.Cond
			done := false
			m.Go("waiter", func(td *lwkt.Thread) {
				g.Lock(td)
				g.Lock(td)
				for !done {
					c.Wait(td, g)
				}
				m.Assert(g.Held(td) == 2, "held %d times", g.Held(td))
				g.Unlock(td)
				g.Unlock(td)
			})
			m.Go("signaller", func(td *lwkt.Thread) {
				g.Lock(td)
				done = true
				c.Signal(td)
				g.Unlock(td)
			})
		})
	})
}

// TestGiantStays: what waits for a bounded time keeps the giant lock.
func TestGiantStays(t *testing.T) {
	for name, take := range map[string]func() (take, give func(td *lwkt.Thread)){
		"Mtx":    func() (_, _ func(td *lwkt.Thread)) { l := new(lwkt.Mtx); return quiet(l.Lock), l.Unlock },
		"RWLock": func() (_, _ func(td *lwkt.Thread)) { l := new(lwkt.RWLock); return quiet(l.RLock), l.RUnlock },
		"Token":  func() (_, _ func(td *lwkt.Thread)) { l := new(lwkt.Token); return quiet(l.Acquire), l.Release },
	} {
		t.Run(name, func(t *testing.T) {
			granularities(t, func(m *sim.Machine) {
				g := new(giant.Mtx)
				take, give := take()
				inside := 0
				m.Go("one", func(td *lwkt.Thread) {
					g.Lock(td)
					inside++
					take(td)
					m.Assert(inside == 1, "it was given up")
					give(td)
					inside--
					g.Unlock(td)
				})
				m.Go("busy", func(td *lwkt.Thread) {
					take(td)
					m.Yield(td)
					give(td)
				})
				m.Go("two", func(td *lwkt.Thread) {
					g.Lock(td)
					inside++
					inside--
					g.Unlock(td)
				})
			})
		})
	}
}

// TestGiantUnwinding: a panic or the end of the goroutine in a Block finds it taken back.
func TestGiantUnwinding(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		g := new(giant.Mtx)
		h.Go("panics", func(td *lwkt.Thread) {
			g.Lock(td)
			g.Lock(td)
			if v := panics(func() { td.Block(func() { g.Lock(td); g.Unlock(td); panic("planted") }) }); v != "planted" {
				t.Errorf("panicked with %v", v)
			}
			if g.Held(td) != 2 {
				t.Errorf("held %d times", g.Held(td))
			}
			g.Unlock(td)
			g.Unlock(td)
			if g.Held(td) != 0 {
				t.Errorf("held %d times", g.Held(td))
			}
		})
		h.Go("other", func(td *lwkt.Thread) {
			for range 10 {
				g.Lock(td)
				g.Unlock(td)
			}
		})
	})
}

// TestGiantHierarchy: first among those that must not be held across sleep, before or after the others.
func TestGiantHierarchy(t *testing.T) {
	thread.SetChecks(true)
	defer thread.SetChecks(false)
	td := newThread(t)
	defer td.End()
	g := new(giant.Mtx)
	var mu lwkt.Mtx
	var sx lwkt.SX
	var event int
	g.Lock(td)
	mu.Lock(td)
	g.Lock(td) // it has it, so it does not wait
	g.Unlock(td)
	says(t, misuse(t, "Sleep", func() { td.Sleep(&event, -1) }).Why, "hierarchy", "mutex")
	mu.Unlock(td)
	sx.XLock(td)
	td.Sleep(&event, -1)
	sx.XUnlock(td)
	g.Unlock(td)
	sx.XLock(td)
	g.Lock(td)
	td.Sleep(&event, -1)
	td.NoBlock(func() { says(t, misuse(t, "Sleep", func() { td.Sleep(&event, -1) }).Why, "NoBlock", "giant") })
	g.Unlock(td)
	sx.XUnlock(td)
	mu.Lock(td)
	says(t, misuse(t, "Lock", func() { g.Lock(td) }).Why, "hierarchy", "giant")
	if !g.TryLock(td) {
		t.Error("try forms are always allowed")
	} else {
		g.Unlock(td)
	}
	mu.Unlock(td)
}

// TestGiantLends: its owner is lent the priority of who waits.
func TestGiantLends(t *testing.T) {
	const us = time.Microsecond
	m := sim.New(sim.Options{CPUs: 1, Timed: true})
	g := new(giant.Mtx)
	var waited time.Duration
	m.Go("low", func(td *lwkt.Thread) {
		g.Lock(td)
		m.Work(td, time.Millisecond)
		g.Unlock(td)
	}, sim.Priority(5))
	m.Go("middle", func(td *lwkt.Thread) {
		td.Pause(200 * us)
		m.Work(td, 10*time.Millisecond)
	}, sim.Priority(10))
	m.Go("high", func(td *lwkt.Thread) {
		td.Pause(300 * us)
		asked := m.Now()
		g.Lock(td)
		waited = m.Now() - asked
		g.Unlock(td)
	}, sim.Priority(20))
	if r := m.Run(firstOf{}); r.Outcome != sim.Done {
		t.Fatal(r.Err)
	}
	if waited > time.Millisecond {
		t.Errorf("waited %v", waited)
	}
}

func TestGiantStress(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		g := new(giant.Mtx)
		var sx lwkt.SX
		var tok lwkt.Token
		n, k := 0, 0
		rounds := scale(4000)
		for i := range 6 {
			h.Go("adder", func(td *lwkt.Thread) {
				for j := range rounds {
					switch (i + j) % 3 {
					case 0:
						g.Lock(td)
						g.Lock(td)
						n++
						sx.XLock(td)
						n, k = n+1, k+1
						sx.XUnlock(td)
						g.Unlock(td)
						g.Unlock(td)
					case 1:
						sx.XLock(td)
						g.Lock(td)
						n, k = n+2, k+1
						g.Unlock(td)
						sx.XUnlock(td)
					default:
						tok.Acquire(td)
						g.Lock(td)
						n += 2
						td.Block(h.Yield)
						g.Unlock(td)
						tok.Release(td)
					}
				}
			})
		}
		h.Wait()
		if n != 12*rounds || k != 4*rounds {
			t.Errorf("%d, %d of %d, %d", n, k, 12*rounds, 4*rounds)
		}
	})
}

func TestGiantAllocs(t *testing.T) {
	if raceEnabled || invariants.Enabled {
		t.Skip("the race detector and invariants allocate")
	}
	td := newThread(t)
	defer td.End()
	g := new(giant.Mtx)
	var event int
	if n := testing.AllocsPerRun(100, func() {
		g.Lock(td)
		g.Lock(td)
		td.Sleep(&event, -1)
		g.Unlock(td)
		g.Unlock(td)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzGiant plays strings of operations of one thread on two giant locks, and counts along.
func FuzzGiant(f *testing.F) {
	f.Add([]byte{0, 0, 1, 2, 4, 4, 3})
	f.Add([]byte{0, 8, 5, 0, 6, 9})
	f.Fuzz(playGiant)
}

func playGiant(t *testing.T, ops []byte) {
	ops = ops[:min(len(ops), 200)] // what is held is a list: the time goes with the square
	lwkt.Run("player", func(td *lwkt.Thread) {
		var locks [2]giant.Mtx
		var depth [2]int
		var event int
		var play func(nest int)
		play = func(nest int) {
			for len(ops) > 0 {
				op, i := ops[0]%7, int(ops[0]/7)%2
				ops = ops[1:]
				g := &locks[i]
				switch op {
				case 0:
					g.Lock(td)
					depth[i]++
				case 1:
					if !g.TryLock(td) {
						t.Fatal("TryLock failed")
					}
					depth[i]++
				case 2:
					if depth[i] == 0 {
						misuse(t, "Unlock", func() { g.Unlock(td) })
					} else {
						g.Unlock(td)
						depth[i]--
					}
				case 3:
					td.Sleep(&event, -1)
				case 4:
					if depth[i] > 0 {
						td.SleepOn(&event, g, lwkt.SleepOptions{Timeout: -1, Drop: true})
						depth[i] = 0
					}
				case 5:
					if nest < 5 {
						was := depth
						td.Block(func() {
							depth = [2]int{}
							play(nest + 1)
							for i := range depth {
								for range depth[i] {
									locks[i].Unlock(td)
								}
							}
						})
						depth = was
					}
				case 6:
					if nest > 0 {
						return
					}
				}
				for i := range locks {
					if got := locks[i].Held(td); got != depth[i] {
						t.Fatalf("after %d lock %d is held %d times, want %d", op, i, got, depth[i])
					}
				}
			}
		}
		play(0)
		for i := range depth {
			for range depth[i] {
				locks[i].Unlock(td)
			}
		}
	})
}
