// The acceptance rows of lending and adaptive spinning, on every host: what a goroutine can know of them. Package
// sim has them where processors and time are exact.
package lwkt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/rmlock"
)

// lentSoon waits until the thread, the caller's, is lent a priority.
func lentSoon(h host, td *lwkt.Thread, want int) {
	h.Until(fmt.Sprintf("%v is lent %d", td, want), func() bool { return td.LentPriority() == want })
}

// TestRow21WakeAll: three wait when the owner unlocks, of whom all or the best are called; and all get it.
func TestRow21WakeAll(t *testing.T) {
	for _, o := range []lwkt.Options{0, lwkt.WakeAll} {
		t.Run(fmt.Sprint(o), func(t *testing.T) {
			onHosts(t, func(t *testing.T, h host) {
				var l mtx
				l.Init("m", o)
				var had atomic.Bool
				n := 0 // guarded by the mutex
				h.Go("owner", func(td *lwkt.Thread) {
					l.Lock(td)
					had.Store(true)
					waitersOf(h, &l, 3)
					l.Unlock(td)
				})
				for range 3 {
					h.Go("waiter", func(td *lwkt.Thread) {
						h.Until("it is had", had.Load)
						l.Lock(td)
						n++
						l.Unlock(td)
						if s := td.Stats(); s.Waits != 1 {
							t.Errorf("waited %d times", s.Waits)
						}
					})
				}
				h.Wait()
				if n != 3 || l.waiters() != 0 {
					t.Errorf("%d of 3 had it, and %d wait", n, l.waiters())
				}
			})
		})
	}
}

// TestRow22AdaptiveSpin: who wants a mutex looks at it for some rounds while its owner runs, and waits at once if
// the owner is parked or there is but one processor. A goroutine's rounds are few, so in the end it waits here; that
// it need not, and when its owner is off its processor, is for package sim.
func TestRow22AdaptiveSpin(t *testing.T) {
	t.Run("goroutines", func(t *testing.T) {
		t.Run("the owner runs", func(t *testing.T) {
			for _, n := range []int{1, 2} { // processors
				processors(t, n)
				h := &goroutines{t: t}
				var l mtx
				var had atomic.Bool
				h.Go("owner", func(td *lwkt.Thread) {
					l.Lock(td)
					had.Store(true)
					waitersOf(h, &l, 1)
					l.Unlock(td)
				})
				h.Go("waiter", func(td *lwkt.Thread) {
					h.Until("it is had", had.Load)
					l.Lock(td)
					l.Unlock(td)
					if s := td.Stats(); (s.Spins > 0) != (n > 1) || s.Waits != 1 {
						t.Errorf("on %d processors it was spun on %d times and waited for %d times", n, s.Spins, s.Waits)
					}
				})
				h.Wait()
			}
		})
		t.Run("the owner is parked", func(t *testing.T) {
			processors(t, 2)
			h := &goroutines{t: t}
			var l, other mtx
			var had, seen atomic.Bool
			h.Go("keeper", func(td *lwkt.Thread) {
				other.Lock(td)
				had.Store(true)
				h.Until("the waiter has looked", seen.Load)
				other.Unlock(td)
			})
			h.Go("owner", func(td *lwkt.Thread) {
				h.Until("the other is had", had.Load)
				l.Lock(td)
				other.Lock(td)
				other.Unlock(td)
				l.Unlock(td)
			})
			h.Go("waiter", func(td *lwkt.Thread) {
				waitersOf(h, &other, 1)
				look := func() (spins uint64) {
					before := td.Stats().Spins
					if _, err := l.LockContext(over(), td); !errors.Is(err, context.Canceled) {
						t.Errorf("had it: %v", err)
					}
					return td.Stats().Spins - before
				}
				h.Until("its owner is parked", func() bool { return look() == 0 }) // it is queued, and about to
				if n := look(); n != 0 {
					t.Errorf("a mutex whose owner is parked was spun on %d times", n)
				}
				seen.Store(true)
				l.Lock(td)
				l.Unlock(td)
			})
			h.Wait()
		})
		t.Run("who holds a token does not", func(t *testing.T) {
			processors(t, 2)
			h := &goroutines{t: t}
			var l mtx
			var had atomic.Bool
			h.Go("owner", func(td *lwkt.Thread) {
				l.Lock(td)
				had.Store(true)
				waitersOf(h, &l, 1)
				l.Unlock(td)
			})
			h.Go("waiter", func(td *lwkt.Thread) {
				var tok lwkt.Token
				tok.Acquire(td)
				h.Until("it is had", had.Load)
				l.Lock(td)
				l.Unlock(td)
				if s := td.Stats(); s.Spins != 0 || s.Drops != 1 {
					t.Errorf("with a token it was spun on %d times, and the token given up %d times", s.Spins, s.Drops)
				}
				tok.Release(td)
			})
			h.Wait()
		})
	})
}

// TestRow27ReadersAreNotLentTo: a writer that waits for a reader lends to nobody, and one that waits for a writer to it.
func TestRow27ReadersAreNotLentTo(t *testing.T) {
	for _, mode := range []lwkt.Mode{lwkt.Shared, lwkt.Exclusive} {
		t.Run(mode.String(), func(t *testing.T) {
			onHosts(t, func(t *testing.T, h host) {
				var l rw
				l.Init("routes", 0)
				var had atomic.Bool
				want := map[lwkt.Mode]int{lwkt.Exclusive: 20}[mode]
				h.Go("low", func(td *lwkt.Thread) {
					td.SetPriority(5)
					l.lock(td, mode)
					had.Store(true)
					waitersOf(h, &l, 1)
					if got := td.LentPriority(); got != want {
						t.Errorf("who has it %v is lent %d, want %d", mode, got, want)
					}
					if q, found := on(lwkt.Turnstiles(), l.String()); !found || q.OwnerLent != want || (q.Owner != "") != (want != 0) {
						t.Errorf("its turnstile is %+v", q)
					}
					l.unlock(td, mode)
					if got := td.LentPriority(); got != 0 {
						t.Errorf("after it, it is lent %d", got)
					}
				})
				h.Go("high", func(td *lwkt.Thread) {
					td.SetPriority(20)
					h.Until("it is had", had.Load)
					l.WLock(td)
					l.WUnlock(td)
				})
			})
		})
	}
}

// TestRow28Lending: the writer of a read-mostly lock lends to each reader that it waits for.
func TestRow28Lending(t *testing.T) {
	t.Run("to each reader", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var l rmlock.Lock
			var in, lent atomic.Int32
			for i, prio := range []int{5, 7, 25} {
				h.Go(fmt.Sprint("reader", i), func(td *lwkt.Thread) {
					td.SetPriority(prio)
					l.RLock(td)
					in.Add(1)
					if prio < 20 {
						lentSoon(h, td, 20)
						lent.Add(1)
					}
					h.Until("all are lent to", func() bool { return lent.Load() == 2 })
					if p := td.LentPriority(); prio > 20 && p != 0 {
						t.Errorf("one who is better than the writer is lent %d", p)
					}
					l.RUnlock(td)
					if p := td.LentPriority(); p != 0 {
						t.Errorf("lent %d after the release", p)
					}
				})
			}
			h.Go("writer", func(td *lwkt.Thread) {
				td.SetPriority(20)
				h.Until("all read", func() bool { return in.Load() == 3 })
				l.WLock(td)
				if n := lent.Load(); n != 2 {
					t.Errorf("it writes, and %d readers were lent to", n)
				}
				l.WUnlock(td)
			})
		})
	})
	t.Run("lent on, along a chain", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var l rmlock.Lock
			var m mtx
			var owned atomic.Bool
			h.Go("owner", func(td *lwkt.Thread) {
				td.SetPriority(3)
				m.Lock(td)
				owned.Store(true)
				lentSoon(h, td, 12)
				m.Unlock(td)
			})
			h.Go("reader", func(td *lwkt.Thread) {
				td.SetPriority(4)
				h.Until("it is had", owned.Load)
				l.RLock(td)
				m.Lock(td)
				if p := td.LentPriority(); p != 12 {
					t.Errorf("the reader is lent %d", p)
				}
				m.Unlock(td)
				l.RUnlock(td)
			})
			h.Go("writer", func(td *lwkt.Thread) {
				td.SetPriority(9)
				waitersOf(h, &m, 1)
				l.WLock(td)
				lentSoon(h, td, 12) // by the one below, who may still be on the way
				l.WUnlock(td)
			})
			h.Go("late", func(td *lwkt.Thread) {
				td.SetPriority(1) // so that the writer gets on
				h.Until("the writer is next", func() bool { return lwkt.LockHeld(&l) })
				for l.TryRLock(td) { // until it keeps readers out
					l.RUnlock(td)
					h.Yield()
				}
				td.SetPriority(12)
				l.RLock(td)
				l.RUnlock(td)
			})
		})
	})
	t.Run("taken back when the writer gives up", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var l rmlock.Lock
			var had atomic.Bool
			ctx, cancel := context.WithCancel(context.Background())
			t.Cleanup(cancel)
			h.Go("reader", func(td *lwkt.Thread) {
				td.SetPriority(3)
				l.RLock(td)
				had.Store(true)
				lentSoon(h, td, 9)
				cancel()
				lentSoon(h, td, 0)
				l.RUnlock(td)
			})
			h.Go("writer", func(td *lwkt.Thread) {
				td.SetPriority(9)
				h.Until("it is read", had.Load)
				if _, err := l.WLockContext(ctx, td); !errors.Is(err, context.Canceled) {
					t.Errorf("had it: %v", err)
				}
			})
		})
	})
	t.Run("not to the writer of a sleepable one", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var l rmlock.Lock
			l.Init("L", rmlock.Sleepable)
			var had atomic.Bool
			h.Go("writer", func(td *lwkt.Thread) {
				td.SetPriority(5)
				l.WLock(td)
				had.Store(true)
				h.Until("the reader waits", func() bool { return lwkt.LockWaitersOf(&l) == 1 })
				if p := td.LentPriority(); p != 0 {
					t.Errorf("the writer is lent %d", p)
				}
				l.WUnlock(td)
			})
			h.Go("reader", func(td *lwkt.Thread) {
				td.SetPriority(20)
				h.Until("it is written", had.Load)
				l.RLock(td)
				l.RUnlock(td)
			})
		})
	})
	for _, earlier := range []string{"reader", "writer"} {
		t.Run("a reader that sleeps, "+earlier+" first", func(t *testing.T) {
			onHosts(t, func(t *testing.T, h host) { readerSleeps(t, h, earlier == "reader") })
		})
	}
}

// readerSleeps: whoever is second, the reader that sleeps or the writer that waits, panics.
func readerSleeps(t *testing.T, h host, readerFirst bool) {
	var l rmlock.Lock
	l.Init("L", 0)
	var read atomic.Bool
	event := new(int)
	h.Go("reader", func(td *lwkt.Thread) {
		td.SetPriority(3)
		l.RLock(td)
		read.Store(true)
		if readerFirst {
			td.Sleep(event, 0)
		} else {
			lentSoon(h, td, 9)
			says(t, misuse(t, "Sleep", func() { td.Sleep(event, 0) }).Error(), "would sleep while others wait for", `rmlock "L"`)
		}
		l.RUnlock(td)
	})
	h.Go("writer", func(td *lwkt.Thread) {
		td.SetPriority(9)
		h.Until("it is read", read.Load)
		if !readerFirst {
			l.WLock(td)
			l.WUnlock(td)
			return
		}
		h.Until("the reader sleeps", func() bool { return lwkt.SleepersOn(event) == 1 })
		says(t, misuse(t, "WLock", func() { l.WLock(td) }).Error(), "would last as long as that sleep", `"reader"`, "sleeps while it holds", `rmlock "L"`)
		if l.Held(td) != lwkt.None {
			t.Error("it has the lock after the panic")
		}
		td.Wakeup(event)
	})
}

// TestRow31PriorityPropagation: top waits for c, whose owner waits for b, whose owner waits for a: all three owners
// are raised, are lowered when top gives up, are raised again, and are lowered by their releases.
func TestRow31PriorityPropagation(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		var a, b, c mtx
		a.Init("a", 0)
		b.Init("b", 0)
		c.Init("c", 0)
		var begun, gaveUp atomic.Bool
		ctx, cancel := context.WithCancel(context.Background())
		t.Cleanup(cancel)
		lent := func(td *lwkt.Thread, when string, want int) {
			t.Helper()
			if p := td.LentPriority(); p != want {
				t.Errorf("%v is lent %d %s, want %d", td, p, when, want)
			}
		}
		// chain wants each lock of it to be had by one who has been lent the priority, and waits for the lock before.
		chain := func(priority int) {
			t.Helper()
			for _, l := range []struct {
				m             *mtx
				owner, waiter string
			}{{&a, "first", "second"}, {&b, "second", "third"}, {&c, "third", "top"}} {
				q, found := on(lwkt.Turnstiles(), l.m.String())
				if !found || len(q.Exclusive) != 1 || q.OwnerPriority != priority || q.OwnerLent != priority ||
					q.Exclusive[0].Priority != priority || !strings.Contains(q.Owner, l.owner) || !strings.Contains(q.Exclusive[0].Thread, l.waiter) {
					t.Errorf("the turnstile of %v is %+v", l.m, q)
				}
			}
			var text bytes.Buffer
			if err := lwkt.ShowTurnstiles(&text); err != nil {
				t.Error(err)
			}
			if n := strings.Count(text.String(), fmt.Sprintf(" at %d, lent\n", priority)); n < 3 {
				t.Errorf("%d of 3 owners are shown as lent to:\n%s", n, text.String())
			}
		}
		h.Go("first", func(td *lwkt.Thread) {
			td.SetPriority(1)
			a.Lock(td)
			begun.Store(true)
			waitersOf(h, &c, 1)
			lent(td, "at the end of the chain", 25)
			chain(25)
			cancel()
			h.Until("top has given up", gaveUp.Load)
			lent(td, "when top has given up", 3)
			gaveUp.Store(false)
			waitersOf(h, &c, 1)
			lent(td, "when top is back", 20)
			chain(20)
			a.Unlock(td)
			lent(td, "after its release", 0)
		})
		h.Go("second", func(td *lwkt.Thread) {
			td.SetPriority(2)
			h.Until("a is had", begun.Load)
			b.Lock(td)
			a.Lock(td)
			lent(td, "with a", 20)
			a.Unlock(td)
			lent(td, "with b", 20)
			b.Unlock(td)
			lent(td, "after its release", 0)
		})
		h.Go("third", func(td *lwkt.Thread) {
			td.SetPriority(3)
			waitersOf(h, &a, 1)
			c.Lock(td)
			b.Lock(td)
			lent(td, "with b", 20)
			b.Unlock(td)
			lent(td, "with c", 20)
			c.Unlock(td)
			lent(td, "after its release", 0)
		})
		h.Go("top", func(td *lwkt.Thread) {
			td.SetPriority(25)
			waitersOf(h, &b, 1)
			if _, err := c.LockContext(ctx, td); !errors.Is(err, context.Canceled) {
				t.Errorf("had it: %v", err)
			}
			td.SetPriority(20)
			gaveUp.Store(true)
			h.Until("that was seen", func() bool { return !gaveUp.Load() })
			c.Lock(td)
			lent(td, "with c", 0)
			c.Unlock(td)
		})
	})
}

// TestRow32SleepingOwner: a mutex is not held by one who sleeps while others wait for it: whoever is second panics,
// and says who sleeps and with what.
func TestRow32SleepingOwner(t *testing.T) {
	t.Run("the owner sleeps first", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var l mtx
			l.Init("vnode", 0)
			event := new(int)
			h.Go("owner", func(td *lwkt.Thread) {
				l.Lock(td)
				td.Sleep(event, 0)
				if l.Held(td) != lwkt.Exclusive {
					t.Error("it was lost in the sleep")
				}
				l.Unlock(td)
			})
			h.Go("waiter", func(td *lwkt.Thread) {
				var tok lwkt.Token
				tok.Acquire(td)
				h.Until("the owner sleeps", func() bool { return lwkt.SleepersOn(event) == 1 })
				why := misuse(t, "Lock", func() { l.Lock(td) }).Error()
				says(t, why, `mutex "vnode"`, `thread "waiter"`, "would last as long as that sleep", `thread "owner"`, "sleeps while it holds")
				if l.Held(td) != lwkt.None || tok.Held(td) != lwkt.Exclusive || l.waiters() != 0 {
					t.Errorf("after the panic it has the mutex %v and the token %v, and %d wait", l.Held(td), tok.Held(td), l.waiters())
				}
				td.Wakeup(event)
				tok.Release(td)
			})
		})
	})
	t.Run("others wait already", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var l mtx
			l.Init("vnode", 0)
			var had atomic.Bool
			h.Go("owner", func(td *lwkt.Thread) {
				l.Lock(td)
				had.Store(true)
				waitersOf(h, &l, 1)
				for op, f := range map[string]func(){
					"Sleep": func() { td.Sleep(new(int), 0) },
					"Block": func() { td.Block(func() { t.Error("it blocks") }) },
				} {
					says(t, misuse(t, op, f).Error(), `thread "owner"`, "would sleep while others wait for", `mutex "vnode"`)
				}
				if l.Held(td) != lwkt.Exclusive {
					t.Error("it was lost by the panic")
				}
				l.Unlock(td)
			})
			h.Go("waiter", func(td *lwkt.Thread) {
				h.Until("it is had", had.Load)
				l.Lock(td)
				l.Unlock(td)
			})
		})
	})
}

// TestRow33NoLending: who has an sx lock is lent nothing by those on its sleep queue, which has two lists.
func TestRow33NoLending(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		var l sx
		l.Init("config", 0)
		var had atomic.Bool
		h.Go("low", func(td *lwkt.Thread) {
			td.SetPriority(5)
			l.XLock(td)
			had.Store(true)
			waitersOf(h, &l, 2)
			if p := td.LentPriority(); p != 0 {
				t.Errorf("it is lent %d", p)
			}
			q, found := on(lwkt.SleepQueues(), l.String())
			if !found || len(q.Exclusive) != 1 || len(q.Shared) != 1 || q.OwnerLent != 0 {
				t.Errorf("its queue is %+v", q)
			}
			if slices.ContainsFunc(lwkt.Turnstiles(), func(q lwkt.QueueInfo) bool { return q.On == l.String() }) {
				t.Error("it has a turnstile")
			}
			l.XUnlock(td)
		})
		for _, m := range []lwkt.Mode{lwkt.Shared, lwkt.Exclusive} {
			h.Go(m.String(), func(td *lwkt.Thread) {
				td.SetPriority(20)
				h.Until("it is had", had.Load)
				l.lock(td, m)
				l.unlock(td, m)
			})
		}
	})
}
