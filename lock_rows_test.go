// The acceptance rows of Mtx, RWLock and SX, each under its number.
package lwkt_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/sim"
)

// wrong wants a misuse, wherever in the tests it is told to be.
func wrong(t *testing.T, f func()) *lwkt.Misuse {
	t.Helper()
	m, ok := panics(f).(*lwkt.Misuse)
	if !ok {
		t.Error("no misuse")
		return new(lwkt.Misuse)
	}
	return m
}

// waitersOf waits until n threads wait for the lock.
func waitersOf(h host, l lockable, n int) {
	h.Until(fmt.Sprint(n, " wait for the lock"), func() bool { return l.waiters() == n })
}

// scheduler goes on with the thread that pick names, if that can go on, and else with the first.
type scheduler struct {
	pick func(p *sim.Point) int
}

func (s *scheduler) Choose(p *sim.Point) int {
	want := s.pick(p)
	for i, e := range p.Enabled {
		if e.Thread == want {
			return i
		}
	}
	return 0
}

func TestRow21BlockingMutex(t *testing.T) {
	t.Run("only the owner unlocks", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var m lwkt.Mtx
			m.Init("ours", 0)
			var locked, tried atomic.Bool
			h.Go("owner", func(td *lwkt.Thread) {
				m.Lock(td)
				locked.Store(true)
				h.Until("the other has tried", tried.Load)
				if m.Held(td) != lwkt.Exclusive {
					t.Error("it was unlocked by another thread")
				}
				m.Unlock(td)
			})
			h.Go("other", func(td *lwkt.Thread) {
				h.Until("it is locked", locked.Load)
				why := misuse(t, "Unlock", func() { m.Unlock(td) })
				says(t, why.Error(), `mutex "ours"`, `thread "other"`, `thread "owner"`)
				tried.Store(true)
			})
		})
	})
	// Three wait when the owner unlocks. How many of them are called?
	called := func(o lwkt.Options) (most int) {
		var m lwkt.Mtx
		m.Init("m", o)
		machine := sim.New(sim.Options{Attempts: true})
		machine.Go("owner", func(td *lwkt.Thread) {
			m.Lock(td)
			machine.Until(td, "three wait", func() bool { return lwkt.LockWaitersOf(&m) == 3 })
			m.Unlock(td)
		})
		for range 3 {
			machine.Go("waiter", func(td *lwkt.Thread) {
				m.Lock(td)
				m.Unlock(td)
			})
		}
		r := machine.Run(&scheduler{func(p *sim.Point) int {
			n := 0
			for _, e := range p.Enabled {
				if e.Op.Kind == sim.Resume {
					n++
				}
			}
			most = max(most, n)
			return 0 // the owner, as long as it can
		}})
		if r.Outcome != sim.Done {
			t.Errorf("%v: %v", r.Outcome, r.Err)
		}
		return most
	}
	t.Run("wakes all, or the best", func(t *testing.T) {
		if one, all := called(0), called(lwkt.WakeAll); one != 1 || all != 3 {
			t.Errorf("%d of 3 were woken, and with WakeAll %d", one, all)
		}
	})
	t.Run("barging", func(t *testing.T) {
		// Whoever runs when the mutex is free has it, though another one was called.
		var m mtx
		barged := false
		machine := sim.New(sim.Options{Attempts: true})
		machine.Go("owner", func(td *lwkt.Thread) {
			m.Lock(td)
			machine.Until(td, "one waits", func() bool { return m.waiters() == 1 })
			m.Unlock(td)
			if barged = m.TryLock(td); barged {
				m.Unlock(td)
			}
		})
		machine.Go("waiter", func(td *lwkt.Thread) {
			m.Lock(td)
			m.Unlock(td)
		})
		if r := machine.Run(&scheduler{func(*sim.Point) int { return 0 }}); r.Outcome != sim.Done || !barged {
			t.Errorf("%v: %v; barged %v", r.Outcome, r.Err, barged)
		}
	})
	t.Run("but not for ever", func(t *testing.T) {
		// The owner takes it again whenever it has unlocked it; the waiter is handed it in the end.
		var m mtx
		times, had := 0, false
		machine := sim.New(sim.Options{Attempts: true})
		machine.Go("owner", func(td *lwkt.Thread) {
			m.Lock(td)
			machine.Until(td, "one waits", func() bool { return m.waiters() == 1 })
			for ; !had && times < 1000; times++ {
				m.Unlock(td)
				m.Lock(td)
			}
			m.Unlock(td)
		})
		machine.Go("waiter", func(td *lwkt.Thread) {
			m.Lock(td)
			had = true
			m.Unlock(td)
		})
		r := machine.Run(&scheduler{func(p *sim.Point) int { // the waiter tries just after the owner has taken it
			if lwkt.LockHeld(&m.Mtx) {
				return 1
			}
			return 0
		}})
		if r.Outcome != sim.Done || times < 2 || times > 200 {
			t.Errorf("%v: %v; it was overtaken %d times", r.Outcome, r.Err, times)
		}
	})
}

func TestRow23Recursion(t *testing.T) {
	lwkt.SetRecording(true)
	defer lwkt.SetRecording(false)
	onLocks(t, func(t *testing.T, f family, h host) {
		h.Go("t", func(td *lwkt.Thread) {
			const deep = 20
			l := f.make()
			l.Init("nests", lwkt.Recurse)
			for range deep {
				l.lock(td, lwkt.Exclusive)
			}
			for range deep {
				if l.Held(td) != lwkt.Exclusive {
					t.Error("released too early")
				}
				l.unlock(td, lwkt.Exclusive)
			}
			if wrong(t, func() { l.unlock(td, lwkt.Exclusive) }); l.Held(td) != lwkt.None {
				t.Error("released too late")
			}

			l = f.make()
			l.Init("does not", 0)
			l.lock(td, lwkt.Exclusive) // the first acquire
			why := wrong(t, func() { l.lock(td, lwkt.Exclusive) })
			says(t, why.Why, "does not recurse", "acquired at ", "lock_")
			if l.try(td, lwkt.Exclusive) {
				t.Error("tried it recursively")
			}
			l.unlock(td, lwkt.Exclusive)
			if f.shared { // readers may, always
				l.lock(td, lwkt.Shared)
				l.lock(td, lwkt.Shared)
				l.unlock(td, lwkt.Shared)
				l.unlock(td, lwkt.Shared)
			}
		})
	})
	t.Run("not recorded", func(t *testing.T) {
		lwkt.SetRecording(false)
		lwkt.Run("t", func(td *lwkt.Thread) {
			var m lwkt.Mtx
			m.Lock(td)
			why := misuse(t, "Lock", func() { m.Lock(td) })
			if !strings.Contains(why.Why, "acquired at") { // with invariants it is
				says(t, why.Why, "lwkt.SetRecording(true)")
			}
			m.Unlock(td)
		})
	})
}

func TestRow25InitDestroy(t *testing.T) {
	onLocks(t, func(t *testing.T, f family, h host) {
		l := f.make()
		l.Init("mortal", 0)
		says(t, misuse(t, "Init", func() { l.Init("again", 0) }).Error(), "mortal", "Destroy it first")
		var had atomic.Bool
		h.Go("owner", func(td *lwkt.Thread) {
			l.lock(td, lwkt.Exclusive)
			had.Store(true)
			waitersOf(h, l, 1)
			says(t, misuse(t, "Destroy", func() { l.Destroy(td) }).Error(), "mortal", "others wait")
			l.unlock(td, lwkt.Exclusive)
			h.Until("the other is done", func() bool { return !had.Load() })

			l.Destroy(td)
			for _, op := range []string{"x plain", "x", "x try", "x unlock", "destroy"} {
				if got := lockOp(l, td, op); got != "panics" {
					t.Errorf("%s of what was destroyed: %s", op, got)
				}
			}
			says(t, wrong(t, func() { l.lock(td, lwkt.Exclusive) }).Error(), "mortal", "destroyed")
			l.Init("reborn", 0)
			l.lock(td, lwkt.Exclusive)
			says(t, l.String(), "reborn")
			if got := lockOp(l, td, "destroy"); (got == "ok") != f.own {
				t.Errorf("destroyed by its owner: %s", got)
			}
			if !f.own {
				l.unlock(td, lwkt.Exclusive)
			}
		})
		h.Go("waiter", func(td *lwkt.Thread) {
			h.Until("it is locked", had.Load)
			says(t, misuse(t, "Destroy", func() { l.Destroy(td) }).Error(), `thread "owner"`)
			l.lock(td, lwkt.Exclusive)
			l.unlock(td, lwkt.Exclusive)
			had.Store(false)
		})
	})
	says(t, misuse(t, "Init", func() { new(lwkt.Mtx).Init("m", lwkt.SharersFirst) }).Error(), "not an option of a mutex: SharersFirst")
	says(t, misuse(t, "Init", func() { new(lwkt.SpinMtx).Init("m", lwkt.WakeAll|lwkt.Recurse|1<<30) }).Error(), "not an option of a spin mutex: WakeAll|0x40000000")
	says(t, misuse(t, "Init", func() { new(rmlock.Lock).Init("m", lwkt.Recurse|rmlock.Sleepable) }).Error(), "not an option of an rmlock: Recurse")
}

// besiege has readers at a lock of whom one is always in, as far as they can help it, and a writer.
// It says how many were let in after the writer was waiting, most if it never was.
func besiege(h host, l lockable, o lwkt.Options, most int64) (passed func() int64) {
	l.Init("besieged", o)
	var in, late atomic.Int64
	var stop atomic.Bool
	for i := range 3 {
		h.Go(fmt.Sprint("reader ", i), func(td *lwkt.Thread) {
			for !stop.Load() {
				waits := l.waiters() > 0
				l.lock(td, lwkt.Shared)
				in.Add(1)
				if waits && late.Add(1) >= most {
					stop.Store(true)
				}
				h.Until("another one is in, or cannot be", func() bool {
					return in.Load() > 1 || stop.Load() || o == 0 && l.waiters() > 0
				})
				in.Add(-1)
				l.unlock(td, lwkt.Shared)
			}
		})
	}
	h.Go("writer", func(td *lwkt.Thread) {
		h.Until("they are in", func() bool { return in.Load() > 0 })
		l.lock(td, lwkt.Exclusive)
		stop.Store(true)
		l.unlock(td, lwkt.Exclusive)
	})
	return late.Load
}

func starvation(t *testing.T, make func() lockable) {
	const most = 300
	t.Run("not by default", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			passed := besiege(h, make(), 0, most)
			h.Wait()
			if n := passed(); n >= most {
				t.Errorf("the writer was passed by %d readers", n)
			}
		})
	})
	t.Run("if sharers go first", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			passed := besiege(h, make(), lwkt.SharersFirst, most)
			h.Wait()
			if n := passed(); n < most {
				t.Errorf("the writer was passed by %d readers only", n)
			}
		})
	})
}

// manyReaders has readers who are all in at once, and a writer after them.
func manyReaders(t *testing.T, h host, l lockable) {
	const readers = 5
	var in, wrote atomic.Int64
	for i := range readers {
		h.Go(fmt.Sprint("reader ", i), func(td *lwkt.Thread) {
			l.lock(td, lwkt.Shared)
			in.Add(1)
			h.Until("all are in", func() bool { return in.Load()%100 == readers })
			if wrote.Load() != 0 {
				t.Error("a writer among readers")
			}
			if l.upgrade(td) {
				t.Error("upgraded among others") // they are in until they have tried
			}
			in.Add(100)
			h.Until("all have tried", func() bool { return in.Load() == 101*readers })
			l.unlock(td, lwkt.Shared)
		})
	}
	h.Go("writer", func(td *lwkt.Thread) {
		h.Until("all are in", func() bool { return in.Load()%100 == readers })
		l.lock(td, lwkt.Exclusive)
		wrote.Add(1)
		l.downgrade(td)
		if l.Held(td) != lwkt.Shared || !l.upgrade(td) || l.Held(td) != lwkt.Exclusive {
			t.Errorf("has it %v", l.Held(td))
		}
		l.unlock(td, lwkt.Exclusive)
	})
	h.Wait()
	if wrote.Load() != 1 {
		t.Error("the writer did not get in")
	}
}

func TestRow26RWLock(t *testing.T) {
	t.Run("many readers, one writer", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) { manyReaders(t, h, new(rw)) })
	})
	t.Run("a downgrade lets readers in", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) { downgradeLetsIn(h, new(rw)) })
	})
	t.Run("starvation", func(t *testing.T) { starvation(t, func() lockable { return new(rw) }) })
	t.Run("who was called is passed once", func(t *testing.T) {
		expect(t, passes(t, new(rw)), "[kept out kept out] [passes kept out]")
	})
	t.Run("and not for long", func(t *testing.T) {
		for _, each := range []int{1, 20, 1 << 30} {
			if n := passesAlone(new(rw), each); n > 200 {
				t.Errorf("%d reads passed a writer that was called, %d by each thread", n, each)
			}
		}
	})
}

// passes says what becomes of another reader where a writer waits, and where it was called and came in vain; and of a
// reader where it was called, and where it was called again.
func passes(t *testing.T, l lockable) string {
	var turn atomic.Int32
	var wrote atomic.Bool
	machine := sim.New(sim.Options{Attempts: true})
	next := func(td *lwkt.Thread, who int32) {
		turn.Store(who)
		machine.Yield(td)
	}
	var mine, others []string
	try := func(td *lwkt.Thread, got *[]string) bool {
		ok := l.try(td, lwkt.Shared)
		*got = append(*got, map[bool]string{false: "kept out", true: "passes"}[ok])
		machine.Assert(!wrote.Load(), "the writer came in")
		return ok
	}
	machine.Go("reader", func(td *lwkt.Thread) {
		l.lock(td, lwkt.Shared)
		next(td, 1) // the writer begins to wait
		next(td, 2)
		l.unlock(td, lwkt.Shared)
		if try(td, &mine) {
			next(td, 1) // the writer comes
			next(td, 2)
			l.unlock(td, lwkt.Shared)
			try(td, &mine)
		}
	})
	machine.Go("writer", func(td *lwkt.Thread) {
		l.lock(td, lwkt.Exclusive)
		wrote.Store(true)
		l.unlock(td, lwkt.Exclusive)
	})
	machine.Go("other reader", func(td *lwkt.Thread) {
		for !wrote.Load() {
			try(td, &others)
			next(td, 0)
		}
	})
	if r := machine.Run(&scheduler{func(*sim.Point) int { return int(turn.Load()) }}); r.Outcome != sim.Done {
		t.Errorf("%v: %v", r.Outcome, r.Err)
	}
	return fmt.Sprint(others, mine)
}

// passesAlone is how often readers pass a writer that was called and gets no processor, since they have the only one. Each thread
// reads so often.
func passesAlone(l lockable, each int) (n int) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var wrote atomic.Bool
	lwkt.Run("first reader", func(td *lwkt.Thread) {
		l.lock(td, lwkt.Shared)
		lwkt.Go("writer", func(td *lwkt.Thread) {
			l.lock(td, lwkt.Exclusive)
			wrote.Store(true)
			l.unlock(td, lwkt.Exclusive)
		})
		for l.waiters() == 0 {
			runtime.Gosched()
		}
		l.unlock(td, lwkt.Shared)
	})
	for in := true; in && !wrote.Load(); {
		lwkt.Run("reader", func(td *lwkt.Thread) {
			for range each {
				if in = !wrote.Load() && l.try(td, lwkt.Shared); !in {
					return
				}
				l.unlock(td, lwkt.Shared)
				n++
			}
		})
	}
	for !wrote.Load() {
		runtime.Gosched()
	}
	return n
}

// downgradeLetsIn ends if a downgrade lets in who waits for a share.
func downgradeLetsIn(h host, l lockable) {
	var over, has atomic.Bool
	h.Go("writer", func(td *lwkt.Thread) {
		l.lock(td, lwkt.Exclusive)
		has.Store(true)
		waitersOf(h, l, 1)
		l.downgrade(td)
		h.Until("the reader was in", over.Load)
		l.unlock(td, lwkt.Shared)
	})
	h.Go("reader", func(td *lwkt.Thread) {
		h.Until("it is written", has.Load)
		l.lock(td, lwkt.Shared)
		l.unlock(td, lwkt.Shared)
		over.Store(true)
	})
}

func TestRow29SX(t *testing.T) {
	t.Run("many sharers, one exclusive", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) { manyReaders(t, h, new(sx)) })
	})
	t.Run("who was called is not passed", func(t *testing.T) {
		expect(t, passes(t, new(sx)), "[kept out] [kept out]")
	})
	t.Run("a downgrade lets sharers in", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) { downgradeLetsIn(h, new(sx)) })
	})
	t.Run("held across sleep", func(t *testing.T) {
		// Also while others wait for it; a mutex is not.
		onHosts(t, func(t *testing.T, h host) {
			var l sx
			event := new(int)
			asleep := func(td *lwkt.Thread) {
				td.Sleep(event, 0)
				if l.Held(td) != lwkt.Exclusive {
					t.Error("it was lost in a sleep")
				}
			}
			h.Go("sleeper", func(td *lwkt.Thread) {
				l.XLock(td)
				waitersOf(h, &l, 1)
				asleep(td)
				td.Block(func() {})
				if l.Held(td) != lwkt.Exclusive {
					t.Error("it was lost in a block")
				}
				l.XUnlock(td)
			})
			h.Go("waker", func(td *lwkt.Thread) {
				h.Until("it sleeps", func() bool { return lwkt.SleepersOn(event) == 1 })
				if l.TryXLock(td) || l.TrySLock(td) {
					t.Error("had while its holder sleeps")
				}
				td.Wakeup(event)
			})
			h.Go("waiter", func(td *lwkt.Thread) {
				h.Until("it is held", func() bool { return l.Holder() != "" })
				l.SLock(td)
				l.SUnlock(td)
			})
		})
	})
	t.Run("returns on cancel", func(t *testing.T) {
		for _, m := range []lwkt.Mode{lwkt.Shared, lwkt.Exclusive} {
			onHosts(t, func(t *testing.T, h host) {
				var l sx
				var over atomic.Bool
				ctx, cancel := context.WithCancel(context.Background())
				h.Go("holder", func(td *lwkt.Thread) {
					l.XLock(td)
					waitersOf(h, &l, 1)
					cancel()
					h.Until("the other has given up", over.Load)
					if n := l.waiters(); n != 0 {
						t.Errorf("%d wait", n)
					}
					l.XUnlock(td)
				})
				h.Go("waiter", func(td *lwkt.Thread) {
					var tok lwkt.Token
					tok.Acquire(td)
					h.Until("it is held", func() bool { return l.Holder() != "" })
					changed, err := l.lockContext(ctx, td, m)
					if changed || !errors.Is(err, context.Canceled) || l.Held(td) != lwkt.None || tok.Held(td) != lwkt.Exclusive {
						t.Errorf("changed %v, %v, has it %v, and the token %v", changed, err, l.Held(td), tok.Held(td))
					}
					over.Store(true)
					tok.Release(td)
				})
			})
		}
	})
	t.Run("no lending", func(t *testing.T) {
		// low has the lock when high wants it, and middle the processor.
		waited := func(l lockable) (d time.Duration) {
			m := sim.New(sim.Options{CPUs: 1, Timed: true})
			m.Go("low", func(td *lwkt.Thread) {
				l.lock(td, lwkt.Exclusive)
				m.Work(td, time.Millisecond)
				l.unlock(td, lwkt.Exclusive)
			}, sim.Priority(5))
			m.Go("middle", func(td *lwkt.Thread) {
				td.Pause(200 * time.Microsecond)
				m.Work(td, 10*time.Millisecond)
			}, sim.Priority(10))
			m.Go("high", func(td *lwkt.Thread) {
				td.Pause(300 * time.Microsecond)
				begun := m.Now()
				l.lock(td, lwkt.Exclusive)
				d = m.Now() - begun
				l.unlock(td, lwkt.Exclusive)
			}, sim.Priority(20))
			if r := m.Run(&scheduler{func(*sim.Point) int { return 0 }}); r.Outcome != sim.Done {
				t.Errorf("%v: %v", r.Outcome, r.Err)
			}
			return d
		}
		if s, m := waited(new(sx)), waited(new(mtx)); s < 10*time.Millisecond || m > 1100*time.Microsecond {
			t.Errorf("high waited %v for the sx lock of low, and %v for its mutex", s, m)
		}
	})
	t.Run("starvation", func(t *testing.T) { starvation(t, func() lockable { return new(sx) }) })
}

// A sleep with a mutex that others wait for is what an SX is for.
func ExampleSX() {
	var sx lwkt.SX
	config := "old"
	reload := lwkt.Go("reload", func(td *lwkt.Thread) {
		sx.XLock(td)
		td.Pause(time.Millisecond) // as reading a file would take
		config = "new"
		sx.Downgrade(td)
		fmt.Println(config)
		sx.SUnlock(td)
	})
	reload.Wait()
	lwkt.Run("reader", func(td *lwkt.Thread) {
		sx.SLock(td)
		defer sx.SUnlock(td)
		fmt.Println(config, sx.Held(td))
	})
	// Output:
	// new
	// new shared
}

func ExampleMtx() {
	var mu lwkt.Mtx
	var tok lwkt.Token
	lwkt.Run("main", func(td *lwkt.Thread) {
		tok.Acquire(td)
		changed := mu.Lock(td) // the token is given up only if this waits
		fmt.Println(changed, tok.Held(td), mu.Held(td))
		mu.Unlock(td)
		tok.Release(td)
	})
	// Output:
	// false exclusive exclusive
}

func ExampleRWLock() {
	var rw lwkt.RWLock
	cache := map[string]int{}
	lwkt.Run("main", func(td *lwkt.Thread) {
		rw.RLock(td)
		if _, ok := cache["answer"]; !ok && rw.TryUpgrade(td) { // nobody else reads
			cache["answer"] = 42
			rw.Downgrade(td)
		}
		fmt.Println(cache["answer"])
		rw.RUnlock(td)
	})
	// Output:
	// 42
}
