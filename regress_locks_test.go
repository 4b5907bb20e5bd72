// Faults of the locks that were found by reading their code with suspicion, each with the smallest
// program that showed it.
package lwkt_test

import (
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/condvar"
	"github.com/serializing-tokens/lwkt/lockmgr"
	"github.com/serializing-tokens/lwkt/sema"
	"github.com/serializing-tokens/lwkt/sim"
)

// A reader and a writer waited when the owner became a reader. With WakeAll the writer was called, for whom
// the lock was not free, again and again, with SharersFirst for ever; and the reader was not let in. With
// SharersFirst alone it was not, if the writer was older, as long as new readers came.
func TestSharersBesideSharer(t *testing.T) {
	for _, c := range []struct {
		o           lwkt.Options
		readerFirst bool
	}{{0, true}, {lwkt.WakeAll, true}, {lwkt.SharersFirst, false}, {lwkt.WakeAll | lwkt.SharersFirst, true}, {lwkt.WakeAll | lwkt.SharersFirst, false}} {
		onHosts(t, func(t *testing.T, h host) {
			var l rw
			l.Init("l", c.o)
			var locked, read atomic.Bool
			comes := func(first bool) {
				n := 0
				if !first {
					n = 1
				}
				h.Until("it is its turn", func() bool { return locked.Load() && l.waiters() == n })
			}
			h.Go("owner", func(td *lwkt.Thread) {
				l.WLock(td)
				locked.Store(true)
				h.Until("both wait", func() bool { return l.waiters() == 2 })
				l.Downgrade(td)
				h.Until("the reader is in", read.Load)
				l.RUnlock(td)
			})
			h.Go("reader", func(td *lwkt.Thread) {
				comes(c.readerFirst)
				l.RLock(td)
				read.Store(true)
				l.RUnlock(td)
			})
			h.Go("writer", func(td *lwkt.Thread) {
				comes(!c.readerFirst)
				l.WLock(td)
				l.WUnlock(td)
			})
			h.Wait()
		})
	}
}

// Who slept inside Block counted as awake once that inner sleep was over, so who then asked for a lock that it kept
// waited, for ever perhaps.
func TestSleepInsideBlock(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		var kept, taken mtx
		var slept, tried atomic.Bool
		h.Go("blocked", func(td *lwkt.Thread) {
			kept.Lock(td)
			td.Block(func() {
				td.Pause(time.Nanosecond)
				taken.Lock(td) // in the function: nobody knows how long it blocks, but this it does not keep
				slept.Store(true)
				h.Until("the other has tried, and waits", func() bool { return tried.Load() && taken.waiters() == 1 })
				taken.Unlock(td)
			})
			kept.Unlock(td)
		})
		h.Go("other", func(td *lwkt.Thread) {
			h.Until("the first has slept", slept.Load)
			says(t, misuse(t, "Lock", func() { kept.Lock(td) }).Error(), "sleeps while it holds", "as long as that sleep", "SleepOn", "SetHierarchyChecks")
			tried.Store(true)
			taken.Lock(td)
			taken.Unlock(td)
		})
		h.Wait()
	})
}

// A waiter was called, but somebody else was faster, and went to sleep with the mutex: nobody waited for that one yet, and
// the waiter did not look who had it now.
func TestSleepsAfterBarging(t *testing.T) {
	var m mtx
	var tok lwkt.Token
	channel := new(int)
	machine := sim.New(sim.Options{Attempts: true})
	machine.Go("owner", func(td *lwkt.Thread) {
		m.Lock(td)
		machine.Until(td, "one waits", func() bool { return m.waiters() == 1 })
		m.Unlock(td)
		if !m.TryLock(td) {
			t.Error("it did not barge")
			return
		}
		td.Sleep(channel, 0)
		m.Unlock(td)
	})
	machine.Go("waiter", func(td *lwkt.Thread) {
		tok.Acquire(td)
		says(t, misuse(t, "Lock", func() { m.Lock(td) }).Error(), "as long as that sleep", `thread "owner"`, "sleeps")
		tok.Release(td)
		td.Wakeup(channel)
	})
	if r := machine.Run(&scheduler{func(*sim.Point) int { return 0 }}); r.Outcome != sim.Done {
		t.Errorf("%v: %v", r.Outcome, r.Err)
	}
	free(t, &tok)
}

// If a sleep could not take its lock back, since the owner slept with it, the tokens were lost with it, and the
// thread could not even end.
func TestTokensAfterLostInterlock(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		var m mtx
		var tok lwkt.Token
		mine, his := new(int), new(int)
		asleep := func(channel any) {
			h.Until("somebody sleeps", func() bool { return lwkt.SleepersOn(channel) == 1 })
		}
		h.Go("sleeper", func(td *lwkt.Thread) {
			tok.Acquire(td)
			m.Lock(td)
			says(t, misuse(t, "SleepOn", func() { td.SleepOn(mine, &m, lwkt.SleepOptions{Priority: 20}) }).Error(), "as long as that sleep")
			if held, lent := tok.Held(td), td.LentPriority(); held != lwkt.Exclusive || lent != 0 {
				t.Errorf("it holds its token %v, and is lent %d", held, lent)
			}
			tok.Release(td)
			td.Wakeup(his)
		})
		h.Go("other", func(td *lwkt.Thread) {
			asleep(mine)
			m.Lock(td)
			td.Sleep(his, 0)
			m.Unlock(td)
		})
		h.Go("waker", func(td *lwkt.Thread) {
			asleep(his)
			td.Wakeup(mine)
		})
		h.Wait()
		free(t, &tok)
	})
}

// A semaphore kept its mutex if the thread that came to wait must not sleep.
func TestSemaAfterMisuse(t *testing.T) {
	var s sema.Sema
	s.Init("s", 0)
	var tok lwkt.Token
	td := newThread(t)
	defer td.End()
	tok.Acquire(td)
	says(t, misuse(t, "Wait", func() { td.NoBlock(func() { s.Wait(td) }) }).Why, "NoBlock")
	tok.Release(td)
	s.Post(td)
	s.Wait(td)
}

// Who began to wait for a token when all threads had the same priority lent nothing to its holder, and kept its place among
// the waiters, when somebody better came to wait for a mutex of its own.
func TestLendsAfterParking(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		var m mtx
		var tok lwkt.Token
		var order []string // guarded by tok
		waiters := func(n int) { h.Until("they wait", func() bool { return lwkt.WaitersOf(&tok) == n }) }
		var held atomic.Bool
		h.Go("holder", func(td *lwkt.Thread) {
			tok.Acquire(td)
			held.Store(true)
			h.Until("it is lent 31", func() bool { return td.LentPriority() == 31 })
			tok.Release(td)
			if lent := td.LentPriority(); lent != 0 {
				t.Errorf("it is lent %d after its release", lent)
			}
		})
		h.Go("first", func(td *lwkt.Thread) {
			h.Until("the token is held", held.Load)
			tok.Acquire(td)
			order = append(order, "first")
			tok.Release(td)
		})
		h.Go("owner", func(td *lwkt.Thread) {
			m.Lock(td)
			waiters(1)
			tok.Acquire(td)
			order = append(order, "owner")
			tok.Release(td)
			m.Unlock(td)
		})
		h.Go("high", func(td *lwkt.Thread) {
			waiters(2)
			td.SetPriority(31)
			m.Lock(td)
			m.Unlock(td)
		})
		h.Wait()
		if len(order) != 2 || order[0] != "owner" {
			t.Errorf("the token went to %v", order)
		}
	})
}

// A timeout of for ever was over at once on a simulated machine: the sum was negative.
func TestFarTimeout(t *testing.T) {
	var m lwkt.Mtx
	var lk lockmgr.Lock
	var c condvar.Cond
	channel := new(int)
	const far = math.MaxInt64
	waits := map[string]func(td *lwkt.Thread) error{
		"Sleep": func(td *lwkt.Thread) (err error) { _, err = td.Sleep(channel, far); return err },
		"SleepOn": func(td *lwkt.Thread) (err error) {
			m.Lock(td)
			defer m.Unlock(td)
			_, err = td.SleepOn(channel, &m, lwkt.SleepOptions{Timeout: far})
			return err
		},
		"WaitTimeout": func(td *lwkt.Thread) (err error) {
			m.Lock(td)
			defer m.Unlock(td)
			_, err = c.WaitTimeout(td, &m, far)
			return err
		},
		"Do": func(td *lwkt.Thread) (err error) {
			_, err = lk.Do(td, lockmgr.Exclusive, lockmgr.Timeout(far))
			lk.Unlock(td)
			return err
		},
	}
	for name, wait := range waits {
		machine := sim.New(sim.Options{CPUs: 1, Timed: true})
		var err error
		machine.Go("owner", func(td *lwkt.Thread) {
			lk.XLock(td)
			td.Pause(time.Second)
			lk.Unlock(td)
			td.Wakeup(channel)
			c.Signal(td)
		}, sim.Priority(20))
		machine.Go("waiter", func(td *lwkt.Thread) { err = wait(td) })
		if r := machine.Run(&scheduler{func(*sim.Point) int { return 0 }}); r.Outcome != sim.Done || err != nil {
			t.Errorf("%s: %v, %v", name, r.Outcome, err)
		}
	}
}

// A request that takes a lock once more and gives it up as its interlock left the lock free, and the thread with it.
func TestInterlockIsTheLock(t *testing.T) {
	var lk lockmgr.Lock
	lk.Init("lk", lockmgr.CanRecurse)
	td := newThread(t)
	defer td.End()
	lk.XLock(td)
	if _, err := lk.Do(td, lockmgr.Exclusive, lockmgr.With(&lk)); err != nil {
		t.Error(err)
	}
	if lk.Held(td) != lwkt.Exclusive || !lwkt.LockHeld(&lk) {
		t.Errorf("it is held %v, and the lock is %v", lk.Held(td), lk.Status(td))
	}
	lk.Unlock(td)
	lk.Destroy(td)
}
