// The lock as one thread sees it: the table of its doc comment, its codes, its options.
package lockmgr_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/lockmgr"
	"github.com/serializing-tokens/lwkt/sim"
)

// host is what the threads of a test run on.
type host struct {
	t     *testing.T
	m     *sim.Machine // nil: goroutines
	tasks []*lwkt.Task

	waited bool // for all of them
}

// onHosts runs a body on goroutines and on a simulated machine, each with all its threads.
func onHosts(t *testing.T, body func(t *testing.T, h *host)) {
	for _, name := range []string{"goroutines", "simulated, 0 CPUs", "simulated, 2 CPUs"} {
		t.Run(name, func(t *testing.T) {
			h := &host{t: t}
			if name != "goroutines" {
				h.m = sim.New(sim.Options{CPUs: int(name[11] - '0'), Attempts: true, Steps: 1 << 30})
			}
			body(t, h)
			h.wait()
		})
	}
}

func (h *host) Go(name string, f func(td *lwkt.Thread)) {
	if h.m != nil {
		h.m.Go(name, f)
		return
	}
	h.tasks = append(h.tasks, lwkt.Go(name, f))
}

// wait waits for all threads, once.
func (h *host) wait() {
	h.t.Helper()
	if h.waited {
		return
	}
	h.waited = true
	if h.m != nil {
		if r := h.m.Run(&turns{}); r.Outcome != sim.Done {
			h.t.Errorf("%v: %v", r.Outcome, r.Err)
		}
		return
	}
	for _, k := range h.tasks {
		k.Wait()
	}
}

// until lets others run until cond holds.
func (h *host) until(what string, cond func() bool) {
	if h.m != nil {
		h.m.Until(nil, what, cond)
		return
	}
	for deadline := time.Now().Add(20 * time.Second); !cond(); runtime.Gosched() {
		if time.Now().After(deadline) {
			h.t.Errorf("waited in vain until %s", what)
			runtime.Goexit()
		}
	}
}

// waiters waits until n threads wait for the lock.
func (h *host) waiters(lk *lockmgr.Lock, n int) {
	h.until(fmt.Sprint(n, " wait"), func() bool { return strings.HasSuffix(info(lk), waiting(n)) })
}

func waiting(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d waiting\n", n)
}

func info(lk *lockmgr.Lock) string {
	var b strings.Builder
	lk.PrintInfo(&b)
	return b.String()
}

// turns lets the threads go on one after the other.
type turns struct{ n int }

func (c *turns) Choose(p *sim.Point) int {
	c.n++
	return c.n % len(p.Enabled)
}

// outcome is what a call did: its error, or that it panicked with a Misuse.
func outcome(t *testing.T, f func() error) (s string) {
	t.Helper()
	defer func() {
		switch v := recover().(type) {
		case nil:
		case *lwkt.Misuse:
			s = "panic"
			if !strings.Contains(v.Where, "lockmgr") || !strings.Contains(v.Where, "_test.go") || v.Lock == "" || v.Thread == "" || v.Why == "" {
				t.Errorf("the misuse does not say enough: %v", v)
			}
		default:
			panic(v)
		}
	}()
	switch err := f(); {
	case err == nil:
		return "ok"
	case errors.Is(err, lockmgr.ErrBusy):
		return "busy"
	case errors.Is(err, lockmgr.ErrSlept):
		return "slept"
	case errors.Is(err, lockmgr.ErrDeadlock):
		return "deadlock"
	case errors.Is(err, lwkt.ErrTimeout):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	default:
		return err.Error()
	}
}

// The table in the doc comment of Lock: with a timeout of nothing for what waits.
func TestTable(t *testing.T) {
	states := []string{"free", "shared by others", "a share too", "its share", "its two shares", "exclusively", "twice", "another's", "disowned", "destroyed"}
	now := lockmgr.Timeout(-1)
	// What comes of it, and how the thread has the lock then: - not, s shared, x exclusively; a
	// capital if it has it twice.
	table := map[lockmgr.Flags][]string{
		lockmgr.Shared:                           {"ok s", "ok s", "ok S", "ok S", "ok", "deadlock x", "deadlock X", "timeout -", "timeout -", "panic"},
		lockmgr.Exclusive:                        {"ok x", "timeout -", "panic s", "panic s", "panic", "panic x", "panic X", "timeout -", "timeout -", "panic"},
		lockmgr.Upgrade:                          {"panic -", "panic -", "timeout -", "ok x", "panic", "panic x", "panic X", "panic -", "panic -", "panic"},
		lockmgr.TryUpgrade:                       {"panic -", "panic -", "busy s", "ok x", "busy", "panic x", "panic X", "panic -", "panic -", "panic"},
		lockmgr.ExclUpgrade:                      {"panic -", "panic -", "timeout -", "ok x", "panic", "panic x", "panic X", "panic -", "panic -", "panic"},
		lockmgr.Downgrade:                        {"panic -", "panic -", "panic s", "panic s", "panic", "ok s", "panic X", "panic -", "panic -", "panic"},
		lockmgr.Release:                          {"panic -", "panic -", "ok -", "ok -", "ok", "ok -", "ok x", "panic -", "ok -", "panic"},
		lockmgr.Drain | lockmgr.NoWait:           {"ok x", "busy -", "panic s", "panic s", "panic", "panic x", "panic X", "busy -", "busy -", "panic"},
		lockmgr.Shared | lockmgr.NoWait:          {"ok s", "ok s", "ok S", "ok S", "ok", "deadlock x", "deadlock X", "busy -", "busy -", "panic"},
		lockmgr.Exclusive | lockmgr.NoWait:       {"ok x", "busy -", "busy s", "busy s", "busy", "busy x", "busy X", "busy -", "busy -", "panic"},
		lockmgr.Exclusive | lockmgr.CanRecurse:   {"ok x", "timeout -", "panic s", "panic s", "panic", "ok X", "ok", "timeout -", "timeout -", "panic"},
		lockmgr.Upgrade | lockmgr.NoWait:         {"panic -", "panic -", "busy -", "ok x", "panic", "panic x", "panic X", "panic -", "panic -", "panic"},
		lockmgr.Exclusive | lockmgr.SleepFail:    {"ok x", "timeout -", "panic s", "panic s", "panic", "panic x", "panic X", "timeout -", "timeout -", "panic"},
		lockmgr.Flags(0):                         {"panic -", "panic -", "panic s", "panic s", "panic", "panic x", "panic X", "panic -", "panic -", "panic"},
		lockmgr.Exclusive | 1<<20:                {"panic -", "panic -", "panic s", "panic s", "panic", "panic x", "panic X", "panic -", "panic -", "panic"},
		lockmgr.Shared | lockmgr.Exclusive:       {"panic -", "panic -", "panic s", "panic s", "panic", "panic x", "panic X", "panic -", "panic -", "panic"},
		lockmgr.Exclusive | lockmgr.NoShare:      {"panic -", "panic -", "panic s", "panic s", "panic", "panic x", "panic X", "panic -", "panic -", "panic"},
		disown:                                   {"panic -", "panic -", "panic s", "panic s", "panic", "ok -", "panic X", "panic -", "panic -", "panic"},
		destroy:                                  {"ok", "panic -", "panic s", "panic s", "panic", "ok", "panic X", "panic -", "panic -", "panic"},
		lockmgr.ExclUpgrade | lockmgr.CanRecurse: {"panic -", "panic -", "timeout -", "ok x", "panic", "panic x", "panic X", "panic -", "panic -", "panic"},
	}
	onHosts(t, func(t *testing.T, h *host) {
		h.Go("walker", func(td *lwkt.Thread) {
			for f, row := range table {
				for i, state := range states {
					var lk lockmgr.Lock
					undo := enter(&lk, td, state)
					got := outcome(t, func() (err error) {
						switch f {
						case disown:
							lk.Disown(td)
						case destroy:
							lk.Destroy(td)
						default:
							_, err = lk.Do(td, f, now)
						}
						return err
					})
					ended := state == "destroyed" || f == destroy && got == "ok"
					if len(row[i]) > len(got) && state != "destroyed" {
						got += " " + has(&lk, td)
					}
					if got != row[i] {
						t.Errorf("%v when %s: %s, want %s", f, state, got, row[i])
					}
					for !ended && lk.Held(td) != lwkt.None || f == disown && strings.HasPrefix(got, "ok") && lk.Status(td) == lockmgr.ExclOther {
						lk.Unlock(td)
					}
					undo()
					if ended {
						wrong := outcome(t, func() error { lk.XLock(td); return nil })
						if wrong != "panic" {
							t.Errorf("%v when %s: then XLock %s", f, state, wrong)
						}
					} else {
						lk.Destroy(td) // it is free, and nobody is left on the queue
					}
				}
			}
		})
	})
}

// enter brings a lock into a state; undo is for what the thread does not have.
func enter(lk *lockmgr.Lock, td *lwkt.Thread, state string) (undo func()) {
	undo = func() {}
	other := func() (ot *lwkt.Thread, undo func()) { // a thread of its own on the same goroutine
		ot = lwkt.NewThread("other")
		return ot, func() {
			if lk.Held(ot) != lwkt.None {
				lk.Unlock(ot)
			}
			ot.End()
		}
	}
	switch state {
	case "shared by others", "a share too":
		var ot *lwkt.Thread
		ot, undo = other()
		lk.SLock(ot)
		if state == "a share too" {
			lk.SLock(td)
		}
	case "its share":
		lk.SLock(td)
	case "its two shares":
		lk.SLock(td)
		lk.SLock(td)
	case "exclusively":
		lk.XLock(td)
	case "twice":
		lk.XLock(td)
		lk.Do(td, lockmgr.Exclusive|lockmgr.CanRecurse)
	case "another's":
		var ot *lwkt.Thread
		ot, undo = other()
		lk.XLock(ot)
	case "disowned":
		var ot *lwkt.Thread
		ot, undo = other()
		lk.XLock(ot)
		lk.Disown(ot)
		end := undo
		undo = func() {
			if lk.Status(td) == lockmgr.ExclOther {
				lk.Unlock(td)
			}
			end()
		}
	case "destroyed":
		lk.Destroy(td)
	}
	return undo
}

// has says how the thread has the lock, in a letter.
func has(lk *lockmgr.Lock, td *lwkt.Thread) (s string) {
	m := lk.Held(td)
	if m == lwkt.None {
		return "-"
	}
	lk.Unlock(td)
	twice := lk.Held(td) != lwkt.None
	if m == lwkt.Shared {
		lk.SLock(td)
		s = "s"
	} else {
		lk.Do(td, lockmgr.Exclusive|lockmgr.CanRecurse)
		s = "x"
	}
	if twice {
		s = strings.ToUpper(s)
	}
	return s
}

func TestRow36LockmgrModes(t *testing.T) {
	// Two threads: one has the lock when the other asks, in some way, and it lets go or not.
	cases := []struct {
		name    string
		has     lockmgr.Flags // of the holder
		ask     lockmgr.Flags
		opts    func(m *lwkt.Mtx) []lockmgr.Option
		release bool
		want    string
		mode    lwkt.Mode
	}{
		{"shared beside shared", lockmgr.Shared, lockmgr.Shared, nil, false, "ok", lwkt.Shared},
		{"exclusive waits", lockmgr.Shared, lockmgr.Exclusive, nil, true, "ok", lwkt.Exclusive},
		{"shared waits", lockmgr.Exclusive, lockmgr.Shared, nil, true, "ok", lwkt.Shared},
		{"drain waits", lockmgr.Shared, lockmgr.Drain, nil, true, "ok", lwkt.Exclusive},
		{"no wait", lockmgr.Exclusive, lockmgr.Shared | lockmgr.NoWait, nil, false, "busy", lwkt.None},
		{"sleepfail, woken", lockmgr.Exclusive, lockmgr.Shared | lockmgr.SleepFail, nil, true, "slept", lwkt.None},
		{"sleepfail, not needed", lockmgr.Shared, lockmgr.Shared | lockmgr.SleepFail, nil, false, "ok", lwkt.Shared},
		{"timeout", lockmgr.Exclusive, lockmgr.Exclusive, func(*lwkt.Mtx) []lockmgr.Option {
			return []lockmgr.Option{lockmgr.Timeout(time.Millisecond)}
		}, false, "timeout", lwkt.None},
		{"timeout, in time", lockmgr.Exclusive, lockmgr.Exclusive, func(*lwkt.Mtx) []lockmgr.Option {
			return []lockmgr.Option{lockmgr.Timeout(time.Hour)}
		}, true, "ok", lwkt.Exclusive},
		{"sleepfail and timeout", lockmgr.Exclusive, lockmgr.Exclusive | lockmgr.SleepFail, func(*lwkt.Mtx) []lockmgr.Option {
			return []lockmgr.Option{lockmgr.Timeout(time.Millisecond)}
		}, false, "timeout", lwkt.None},
		{"canceled", lockmgr.Shared, lockmgr.Exclusive, func(*lwkt.Mtx) []lockmgr.Option {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			return []lockmgr.Option{lockmgr.Context(ctx)}
		}, false, "canceled", lwkt.None},
		{"interlock", lockmgr.Exclusive, lockmgr.Exclusive, func(m *lwkt.Mtx) []lockmgr.Option {
			return []lockmgr.Option{lockmgr.With(m)}
		}, true, "ok", lwkt.Exclusive},
		{"no interlock", lockmgr.Exclusive, lockmgr.Exclusive, func(*lwkt.Mtx) []lockmgr.Option {
			return []lockmgr.Option{lockmgr.Timeout(time.Millisecond), lockmgr.With(nil)}
		}, false, "timeout", lwkt.None},
		{"interlock, no wait", lockmgr.Exclusive, lockmgr.Exclusive | lockmgr.NoWait, func(m *lwkt.Mtx) []lockmgr.Option {
			return []lockmgr.Option{lockmgr.With(m)}
		}, false, "busy", lwkt.None},
		{"interlock, timeout", lockmgr.Exclusive, lockmgr.Exclusive, func(m *lwkt.Mtx) []lockmgr.Option {
			return []lockmgr.Option{lockmgr.With(m), lockmgr.Timeout(time.Millisecond)}
		}, false, "timeout", lwkt.None},
		{"interlock, free", lockmgr.Shared, lockmgr.Shared, func(m *lwkt.Mtx) []lockmgr.Option {
			return []lockmgr.Option{lockmgr.With(m)}
		}, false, "ok", lwkt.Shared},
	}
	onHosts(t, func(t *testing.T, h *host) {
		for _, c := range cases {
			var lk lockmgr.Lock
			var inter lwkt.Mtx
			var has, done counter
			h.Go(c.name+", holder", func(td *lwkt.Thread) {
				lk.Do(td, c.has)
				has.add(1)
				if c.release {
					h.waiters(&lk, 1)
					inter.Lock(td) // it is not held by who waits
					inter.Unlock(td)
				} else {
					h.until("the other is done", func() bool { return done.get() > 0 })
				}
				lk.Unlock(td)
			})
			h.Go(c.name+", asker", func(td *lwkt.Thread) {
				h.until("the lock is held", func() bool { return has.get() > 0 })
				var opts []lockmgr.Option
				if c.opts != nil {
					opts = c.opts(&inter)
				}
				if strings.HasPrefix(c.name, "interlock") {
					inter.Lock(td)
				}
				got := outcome(t, func() error { _, err := lk.Do(td, c.ask, opts...); return err })
				if got != c.want || lk.Held(td) != c.mode {
					t.Errorf("%s: %s, has it %v, want %s, %v", c.name, got, lk.Held(td), c.want, c.mode)
				}
				if inter.Held(td) != lwkt.None {
					t.Errorf("%s: the interlock is held", c.name)
				}
				if c.mode != lwkt.None {
					lk.Unlock(td)
				}
				done.add(1)
			})
		}
	})
}

func TestRow37ExclusiveUpgrade(t *testing.T) {
	// Two sharers upgrade: the first one to ask waits with its share, the second one loses its own.
	for _, second := range []lockmgr.Flags{lockmgr.ExclUpgrade, lockmgr.Upgrade} {
		t.Run(second.String(), func(t *testing.T) {
			onHosts(t, func(t *testing.T, h *host) {
				var lk lockmgr.Lock
				version := 0 // of what the lock protects
				h.Go("first", func(td *lwkt.Thread) {
					lk.SLock(td)
					h.until("both share it", func() bool { return strings.Contains(info(&lk), "shared, 2") })
					before := version
					if _, err := lk.Do(td, lockmgr.ExclUpgrade); err != nil || lk.Held(td) != lwkt.Exclusive {
						t.Errorf("the first: %v, has it %v", err, lk.Held(td))
					}
					if version != before {
						t.Error("somebody was between the share and its upgrade")
					}
					version++
					lk.Unlock(td)
				})
				h.Go("second", func(td *lwkt.Thread) {
					lk.SLock(td)
					before := version
					h.waiters(&lk, 1)
					_, err := lk.Do(td, second)
					switch {
					case second == lockmgr.ExclUpgrade && (!errors.Is(err, lockmgr.ErrBusy) || lk.Held(td) != lwkt.None):
						t.Errorf("the second was not told: %v, has it %v", err, lk.Held(td))
					case second == lockmgr.Upgrade && (err != nil || lk.Held(td) != lwkt.Exclusive || version == before):
						t.Errorf("the second: %v, has it %v, version %d", err, lk.Held(td), version)
					}
					if err == nil {
						lk.Unlock(td)
					}
				})
			})
		})
	}
	t.Run("goes before those who wait", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h *host) {
			var lk lockmgr.Lock
			upgraded := false // written by who has the lock
			h.Go("upgrader", func(td *lwkt.Thread) {
				lk.SLock(td)
				h.waiters(&lk, 1)
				lk.Upgrade(td)
				upgraded = true
				lk.Unlock(td)
			})
			h.Go("sharer", func(td *lwkt.Thread) {
				lk.SLock(td)
				h.waiters(&lk, 2)
				if lk.TrySLock(td) { // its own share is enough
					lk.Unlock(td)
				} else {
					t.Error("a sharer was kept out")
				}
				lk.Unlock(td)
			})
			h.Go("writer", func(td *lwkt.Thread) {
				h.until("both share it", func() bool { return strings.Contains(info(&lk), "shared, 2") })
				lk.XLock(td)
				if !upgraded {
					t.Error("it was before the upgrade")
				}
				lk.Unlock(td)
			})
		})
	})
}

func TestRow38Drain(t *testing.T) {
	onHosts(t, func(t *testing.T, h *host) {
		var lk lockmgr.Lock
		freed := false // guarded by the lock
		var passed counter
		h.Go("sharer", func(td *lwkt.Thread) {
			lk.SLock(td)
			h.waiters(&lk, 1) // the drain
			lk.SLock(td)      // is passed by who shares
			lk.Unlock(td)
			passed.add(1)
			h.waiters(&lk, 2) // and by one who waits
			lk.Unlock(td)
		})
		h.Go("drain", func(td *lwkt.Thread) {
			h.until("it is shared", func() bool { return strings.Contains(info(&lk), "shared") })
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if _, err := lk.Do(td, lockmgr.Drain, lockmgr.Timeout(-1), lockmgr.Context(ctx)); err != nil {
				t.Errorf("the drain ended with %v", err)
			}
			if s := info(&lk); !strings.Contains(s, "exclusive by") || strings.Contains(s, "waiting") {
				t.Errorf("drained, but %s", s)
			}
			freed = true
			if _, err := lk.Do(td, lockmgr.Exclusive|lockmgr.CanRecurse); err != nil {
				t.Error(err)
			}
			lk.Unlock(td)
			lk.Destroy(td)
		})
		h.Go("late", func(td *lwkt.Thread) {
			h.until("the drain was passed", func() bool { return passed.get() > 0 })
			lk.XLock(td)
			if freed {
				t.Error("it came before the drain was granted, and has what is freed")
			}
			lk.Unlock(td)
		})
	})
	t.Run("queues who comes later", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h *host) {
			var lk lockmgr.Lock
			h.Go("drain", func(td *lwkt.Thread) {
				lk.Drain(td)
				h.waiters(&lk, 1)
				if got := outcome(t, func() error { lk.Destroy(td); return nil }); got != "panic" {
					t.Error("destroyed under a waiter")
				}
				lk.Unlock(td)
			})
			h.Go("late", func(td *lwkt.Thread) {
				h.until("it is drained", func() bool { return strings.Contains(info(&lk), "exclusive") })
				if _, err := lk.Do(td, lockmgr.Shared|lockmgr.NoWait); err != lockmgr.ErrBusy {
					t.Errorf("a drained lock: %v", err)
				}
				lk.SLock(td)
				lk.Unlock(td)
			})
		})
	})
}

func TestRow39PassOwnership(t *testing.T) {
	onHosts(t, func(t *testing.T, h *host) {
		var lk lockmgr.Lock
		buffer := ""
		h.Go("starter", func(td *lwkt.Thread) {
			lk.XLock(td)
			buffer = "written"
			if s := info(&lk); !strings.Contains(s, `exclusive by thread "starter"`) {
				t.Error(s)
			}
			lk.Disown(td)
			if got := lk.Status(td); got != lockmgr.ExclOther {
				t.Errorf("status %v", got)
			}
			if got := outcome(t, func() error { lk.Disown(td); return nil }); got != "panic" {
				t.Error("disowned twice")
			}
			lk.XLock(td) // waits for the disk
			if buffer != "done" {
				t.Errorf("the buffer is %s", buffer)
			}
			if got := outcome(t, func() error { _, err := lk.Do(td, lockmgr.Exclusive|lockmgr.CanRecurse); lk.Disown(td); return err }); got != "panic" {
				t.Error("a recursed one was disowned")
			}
			lk.Unlock(td)
			lk.Unlock(td)
		})
		h.Go("done", func(td *lwkt.Thread) {
			h.until("it is disowned", func() bool { return strings.Contains(info(&lk), "nobody in particular") })
			if buffer != "written" && h.m != nil { // on goroutines nothing ordered that yet
				t.Errorf("the buffer is %s", buffer)
			}
			h.waiters(&lk, 1)
			buffer = "done"
			lk.Unlock(td)
			if got := outcome(t, func() error { lk.Unlock(td); return nil }); got != "panic" {
				t.Error("a foreign release of a lock that was not disowned")
			}
		})
	})
}

func TestRow40NoWriterStarvation(t *testing.T) {
	// Readers so many and so long that there is always one; a writer has to get in.
	onHosts(t, func(t *testing.T, h *host) {
		const most = 200 // grants; K failures of a hard waiter, and who was in
		var lk lockmgr.Lock
		var stop, grants, late counter // late: of grants, those asked for when the writer waited
		for i := range 3 {
			h.Go(fmt.Sprint("reader ", i), func(td *lwkt.Thread) {
				for stop.get() == 0 {
					waits := strings.Contains(info(&lk), "waiting")
					lk.SLock(td)
					grants.add(1)
					if waits {
						late.add(1)
					}
					h.until("another one is in, or it is over", func() bool {
						return stop.get() > 0 || !strings.Contains(info(&lk), "shared, 1") || strings.Contains(info(&lk), "waiting")
					})
					lk.Unlock(td)
				}
			})
		}
		h.Go("writer", func(td *lwkt.Thread) {
			h.until("readers are in", func() bool { return grants.get() > 10 })
			lk.XLock(td)
			if n := late.get(); n > most {
				t.Errorf("it waited for %d grants", n)
			}
			stop.add(1)
			lk.Unlock(td)
		})
	})
}

// What is misuse because of the interlock or the context does nothing.
func TestMisuseOfOptions(t *testing.T) {
	lwkt.Run("t", func(td *lwkt.Thread) {
		var lk lockmgr.Lock
		var m lwkt.Mtx
		wants := func(had lwkt.Mode, f lockmgr.Flags, o lockmgr.Option) {
			t.Helper()
			if got := outcome(t, func() error { _, err := lk.Do(td, f, o); return err }); got != "panic" {
				t.Errorf("%v: %s, want a panic", f, got)
			}
			if now := lk.Held(td); now != had {
				t.Errorf("%v: held %v, before %v", f, now, had)
			}
		}
		wants(lwkt.None, lockmgr.Shared, lockmgr.With(&m))
		var none context.Context
		wants(lwkt.None, lockmgr.Shared, lockmgr.Context(none))
		lk.SLock(td)
		for _, f := range []lockmgr.Flags{lockmgr.Upgrade, lockmgr.TryUpgrade, lockmgr.ExclUpgrade, lockmgr.Release} {
			wants(lwkt.Shared, f, lockmgr.With(&m))
		}
		lk.Upgrade(td)
		for _, f := range []lockmgr.Flags{lockmgr.Downgrade, lockmgr.Release} {
			wants(lwkt.Exclusive, f, lockmgr.With(&m))
		}
		lk.Unlock(td)
	})
}

// An upgrade that waited is an acquisition of its own in the profile, and busy.
func TestUpgradeInProfile(t *testing.T) {
	lwkt.SetRecording(true)
	defer lwkt.ResetStats()
	defer lwkt.SetRecording(false)
	onHosts(t, func(t *testing.T, h *host) {
		lwkt.ResetStats()
		var lk lockmgr.Lock
		lk.Init("profiled", 0)
		var shared counter
		h.Go("sharer", func(td *lwkt.Thread) {
			lk.SLock(td)
			shared.add(1)
			h.waiters(&lk, 1)
			lk.Unlock(td)
		})
		h.Go("upgrader", func(td *lwkt.Thread) {
			h.until("it is shared", func() bool { return shared.get() > 0 })
			lk.SLock(td)
			lk.Upgrade(td)
			lk.Unlock(td)
		})
		h.wait()
		busy, all, holds := uint64(0), uint64(0), uint64(0)
		for _, l := range lwkt.LockProfile() {
			if l.Name == "profiled" {
				busy, all, holds = busy+l.Busy, all+l.Wait.Count, holds+l.Hold.Count
			}
		}
		if all != 3 || busy != 1 || holds != 3 {
			t.Errorf("%d acquisitions, %d busy, %d holds, want 3, 1 and 3: %v", all, busy, holds, lwkt.LockProfile())
		}
	})
}
