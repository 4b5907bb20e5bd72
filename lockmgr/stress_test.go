// The lock on goroutines: contended, with what it promises beside exclusion.
package lockmgr_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/lockmgr"
)

func TestStress(t *testing.T) {
	rounds := 4000
	if testing.Short() || invariants.Enabled {
		rounds = 400
	}
	var (
		lk            lockmgr.Lock
		inter         lwkt.Mtx
		tok           lwkt.Token
		sharers, excl atomic.Int32
		n, want       int // under the lock
		tasks         []*lwkt.Task
	)
	write := func() {
		if excl.Add(1) != 1 || sharers.Load() != 0 {
			t.Error("not exclusive")
		}
		n++
		want++
		excl.Add(-1)
	}
	read := func() {
		sharers.Add(1)
		if excl.Load() != 0 {
			t.Error("a share beside exclusive use")
		}
		_ = n
		sharers.Add(-1)
	}
	for i := range 6 {
		tasks = append(tasks, lwkt.Go(fmt.Sprint("t", i), func(td *lwkt.Thread) {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			for range rounds {
				var err error
				switch rng.IntN(9) {
				case 0:
					lk.XLock(td)
				case 1:
					lk.SLock(td)
					if rng.IntN(2) == 0 {
						lk.Upgrade(td)
					}
				case 2:
					lk.SLock(td)
					v := n
					if _, err = lk.ExclUpgrade(td); err == nil && v != n {
						t.Error("somebody was in between")
					}
				case 3:
					_, err = lk.Do(td, lockmgr.Exclusive|lockmgr.SleepFail)
				case 4:
					_, err = lk.Do(td, lockmgr.Exclusive, lockmgr.Timeout(time.Duration(rng.IntN(50))*time.Microsecond))
				case 5:
					inter.Lock(td)
					_, err = lk.Do(td, lockmgr.Exclusive, lockmgr.With(&inter))
				case 6:
					tok.Acquire(td)
					lk.XLock(td)
					tok.Release(td)
				case 7:
					lk.Drain(td)
				case 8:
					if lk.SLock(td); lk.TryUpgrade(td) {
						write()
						lk.Downgrade(td)
					}
				}
				switch {
				case err != nil:
					if lk.Held(td) != lwkt.None {
						t.Errorf("held after %v", err)
					}
					continue
				case lk.Held(td) == lwkt.Exclusive:
					write()
				default:
					read()
				}
				lk.Unlock(td)
			}
		}))
	}
	for _, k := range tasks {
		k.Wait()
	}
	if n != want {
		t.Errorf("%d of %d", n, want)
	}
	lwkt.Run("after", func(td *lwkt.Thread) { lk.Destroy(td) })
}

// A waiting exclusive request keeps out who has no share, and lets in who has one of any
// lock, which the holder may be waiting for.
func TestDeadlockAvoidance(t *testing.T) {
	for _, avoid := range []bool{true, false} {
		onHosts(t, func(t *testing.T, h *host) {
			var a, b lockmgr.Lock
			if !avoid {
				a.Init("a", lockmgr.NoDeadlockTreat)
			}
			var done counter
			h.Go("holder", func(td *lwkt.Thread) {
				a.SLock(td)
				h.until("it is over", func() bool { return done.get() > 0 })
				a.Unlock(td)
			})
			h.Go("writer", func(td *lwkt.Thread) {
				h.until("it is shared", func() bool { return strings.Contains(info(&a), "shared") })
				a.XLock(td)
				a.Unlock(td)
			})
			h.Go("sharer", func(td *lwkt.Thread) {
				h.waiters(&a, 1)
				if a.TrySLock(td) {
					t.Error("a sharer passed the writer")
				}
				b.SLock(td)
				if got := a.TrySLock(td); got != avoid {
					t.Errorf("with a share of another lock: %v", got)
				} else if got {
					a.Unlock(td)
				}
				b.Unlock(td)
				done.add(1)
			})
		})
	}
}

func TestNoShare(t *testing.T) {
	var lk lockmgr.Lock
	lk.Init("exclusive only", lockmgr.NoShare|lockmgr.CanRecurse)
	lwkt.Run("t", func(td *lwkt.Thread) {
		lk.SLock(td)
		lk.Do(td, lockmgr.Shared)
		if !lk.TrySLock(td) || lk.Held(td) != lwkt.Exclusive {
			t.Errorf("has it %v", lk.Held(td))
		}
		for _, f := range []lockmgr.Flags{lockmgr.Upgrade, lockmgr.TryUpgrade, lockmgr.ExclUpgrade, lockmgr.Downgrade} {
			if _, err := lk.Do(td, f); err != nil || lk.Held(td) != lwkt.Exclusive {
				t.Errorf("%v: %v, has it %v", f, err, lk.Held(td))
			}
		}
		for range 3 {
			lk.Unlock(td)
		}
		for _, f := range []lockmgr.Flags{lockmgr.Upgrade, lockmgr.Downgrade, lockmgr.Release} {
			if got := outcome(t, func() error { _, err := lk.Do(td, f); return err }); got != "panic" {
				t.Errorf("%v of what is not held: %s", f, got)
			}
		}
		if got := outcome(t, func() error { lk.Init("again", 0); return nil }); got != "panic" {
			t.Error("initialized twice")
		}
		lk.Destroy(td)
	})
}

// A request says whether a token changed hands, and has it again with the lock in hand.
func TestChanged(t *testing.T) {
	onHosts(t, func(t *testing.T, h *host) {
		var lk lockmgr.Lock
		var tok lwkt.Token
		var taken counter
		h.Go("a", func(td *lwkt.Thread) {
			tok.Acquire(td)
			h.until("b has the lock", func() bool { return strings.Contains(info(&lk), "exclusive") })
			changed, err := lk.Do(td, lockmgr.Shared)
			if !changed || err != nil || tok.Held(td) != lwkt.Exclusive || taken.get() == 0 {
				t.Errorf("changed %v, %v, the token is %v", changed, err, tok.Held(td))
			}
			lk.Unlock(td)
			if changed, _ := lk.Do(td, lockmgr.Exclusive); changed {
				t.Error("changed by nobody")
			}
			lk.Unlock(td)
			tok.Release(td)
		})
		h.Go("b", func(td *lwkt.Thread) {
			lk.XLock(td)
			h.waiters(&lk, 1)
			tok.Acquire(td)
			taken.add(1)
			tok.Release(td)
			lk.Unlock(td)
		})
	})
}

func TestInterlockMisuse(t *testing.T) {
	lwkt.Run("t", func(td *lwkt.Thread) {
		var lk lockmgr.Lock
		var m lwkt.Mtx
		var rw lwkt.RWLock
		m.Init("interlock", lwkt.Recurse)
		ask := func(f lockmgr.Flags, l lwkt.Interlock) string {
			return outcome(t, func() error { _, err := lk.Do(td, f, lockmgr.With(l)); return err })
		}
		if got := ask(lockmgr.Shared, &m); got != "panic" || lk.Held(td) != lwkt.None {
			t.Errorf("an interlock that is not held: %s", got)
		}
		m.Lock(td)
		m.Lock(td)
		if got := ask(lockmgr.Shared, &m); got != "panic" {
			t.Errorf("a recursed interlock: %s", got)
		}
		m.Unlock(td)
		for _, f := range []lockmgr.Flags{lockmgr.Shared, lockmgr.Upgrade, lockmgr.Downgrade, lockmgr.TryUpgrade, lockmgr.Shared, lockmgr.Release} {
			if got := ask(f, &m); m.Held(td) != lwkt.None {
				t.Errorf("%v: %s, and the interlock is held", f, got)
			}
			m.Lock(td)
		}
		m.Unlock(td)
		rw.RLock(td) // in any mode
		if got := ask(lockmgr.Exclusive|lockmgr.NoWait, &rw); got != "ok" || rw.Held(td) != lwkt.None {
			t.Errorf("%s, the interlock is held %v", got, rw.Held(td))
		}
		lk.Unlock(td)
	})
}

func TestDoesNotAllocate(t *testing.T) {
	if invariants.Enabled {
		t.Skip("with invariants each operation finds out its goroutine, which allocates")
	}
	td := lwkt.NewThread(t.Name())
	defer td.End()
	var lk lockmgr.Lock
	var m lwkt.Mtx
	for name, f := range map[string]func(){
		"exclusive": func() { lk.XLock(td); lk.Unlock(td) },
		"shared":    func() { lk.SLock(td); lk.Unlock(td) },
		"do":        func() { lk.Do(td, lockmgr.Exclusive|lockmgr.NoWait); lk.Do(td, lockmgr.Release) },
		"upgrade":   func() { lk.SLock(td); lk.Upgrade(td); lk.Downgrade(td); lk.TryUpgrade(td); lk.Unlock(td) },
		"drain":     func() { lk.Drain(td); lk.Unlock(td) },
		"disown":    func() { lk.XLock(td); lk.Disown(td); lk.Unlock(td) },
		"options": func() {
			m.Lock(td)
			lk.Do(td, lockmgr.Exclusive, lockmgr.With(&m), lockmgr.Timeout(time.Hour), lockmgr.Context(context.Background()))
			lk.Unlock(td)
		},
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestLockers(t *testing.T) {
	lwkt.Run("t", func(td *lwkt.Thread) {
		var lk lockmgr.Lock
		x, s := lk.XLocker(td), lk.SLocker(td)
		x.Lock()
		if lk.Held(td) != lwkt.Exclusive {
			t.Errorf("has it %v", lk.Held(td))
		}
		x.Unlock()
		s.Lock()
		if lk.Held(td) != lwkt.Shared {
			t.Errorf("has it %v", lk.Held(td))
		}
		s.Unlock()
	})
	if got := (lockmgr.Exclusive | lockmgr.NoWait | lockmgr.SleepFail).String() + " " + lockmgr.Flags(0).String(); got != "Exclusive|NoWait|SleepFail 0" {
		t.Error(got)
	}
	if got := (lockmgr.Shared | lockmgr.ExclOther | 1<<20).String(); got != "Shared|ExclOther|0x100000" {
		t.Error(got)
	}
}
