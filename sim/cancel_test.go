package sim_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/lockmgr"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/sim"
)

// spunOn is a lock that is waited for by looking at it while its owner runs.
type spunOn struct {
	lock, unlock func(td *lwkt.Thread)
	wait         func(ctx context.Context, td *lwkt.Thread) (changed bool, err error)
	undo         func(td *lwkt.Thread) // of wait
}

// spunOns makes the locks, by name and how they are waited for.
func spunOns() map[string]spunOn {
	var mtx lwkt.Mtx
	var rw lwkt.RWLock
	var sx lwkt.SX
	var lk lockmgr.Lock
	var rm rmlock.Lock
	ofRW, ofSX := func(td *lwkt.Thread) { rw.WLock(td) }, func(td *lwkt.Thread) { sx.XLock(td) }
	ofLk, ofRM := func(td *lwkt.Thread) { lk.XLock(td) }, func(td *lwkt.Thread) { rm.WLock(td) }
	return map[string]spunOn{
		"Mtx":             {func(td *lwkt.Thread) { mtx.Lock(td) }, mtx.Unlock, mtx.LockContext, mtx.Unlock},
		"RWLock, read":    {ofRW, rw.WUnlock, rw.RLockContext, rw.RUnlock},
		"RWLock, write":   {ofRW, rw.WUnlock, rw.WLockContext, rw.WUnlock},
		"SX, shared":      {ofSX, sx.XUnlock, sx.SLockContext, sx.SUnlock},
		"SX, exclusive":   {ofSX, sx.XUnlock, sx.XLockContext, sx.XUnlock},
		"lockmgr, shared": {ofLk, lk.Unlock, lk.SLockContext, lk.Unlock},
		"lockmgr, excl":   {ofLk, lk.Unlock, lk.XLockContext, lk.Unlock},
		"rmlock, read":    {ofRM, rm.WUnlock, rm.RLockContext, rm.RUnlock},
		"rmlock, write":   {ofRM, rm.WUnlock, rm.WLockContext, rm.WUnlock},
	}
}

// TestCancelledWhileItSpins: who looks at a lock again and again because its owner runs gives up
// when it is cancelled, and not only when the owner lets go. So it is on goroutines, where nobody
// looks for long.
func TestCancelledWhileItSpins(t *testing.T) {
	for name := range spunOns() {
		t.Run(name+"/time passes", func(t *testing.T) {
			l := spunOns()[name]
			m := sim.New(sim.Options{CPUs: 3, Timed: true})
			ctx, cancel := m.WithCancel(t.Context())
			m.Go("owner", func(td *lwkt.Thread) {
				l.lock(td)
				m.Work(td, 10_000*us)
				l.unlock(td)
			}, sim.OnCPU(0))
			m.Go("waiter", func(td *lwkt.Thread) {
				m.Work(td, 100*us)
				_, err := l.wait(ctx, td)
				m.Assert(errors.Is(err, context.Canceled), "the wait ended with %v", err)
				m.Assert(m.Now() < 2000*us, "it was cancelled after a millisecond, and gave up after %v", m.Now())
			}, sim.OnCPU(1))
			m.Go("canceller", func(td *lwkt.Thread) {
				m.Work(td, 1000*us)
				cancel(td)
			}, sim.OnCPU(2))
			done(t, m)
		})
		t.Run(name+"/every schedule", func(t *testing.T) {
			in := 0 // schedules in which the owner had it when the waiter gave up
			got := exhaust(t, sim.Options{CPUs: 3}, func(m *sim.Machine) {
				l, has := spunOns()[name], new(atomic.Bool)
				ctx, cancel := m.WithCancel(t.Context())
				m.Go("owner", func(td *lwkt.Thread) {
					l.lock(td)
					has.Store(true)
					m.Yield(td)
					has.Store(false)
					l.unlock(td)
				}, sim.OnCPU(0))
				m.Go("waiter", func(td *lwkt.Thread) {
					if _, err := l.wait(ctx, td); err != nil && has.Load() {
						in++
					} else if err == nil {
						l.undo(td)
					}
				}, sim.OnCPU(1))
				m.Go("canceller", cancel, sim.OnCPU(2))
			})
			if got[sim.Done] == 0 || len(got) != 1 || in == 0 {
				t.Errorf("outcomes %v; in %d schedules the waiter gave up while the owner had it", got, in)
			}
		})
		t.Run(name+"/goroutines", func(t *testing.T) {
			l := spunOns()[name]
			ctx, cancel := context.WithCancel(t.Context())
			has, gaveUp, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
			go lwkt.Run("owner", func(td *lwkt.Thread) {
				defer close(ended)
				l.lock(td)
				close(has)
				for open := true; open; runtime.Gosched() { // it runs
					select {
					case <-gaveUp:
						open = false
					default:
					}
				}
				l.unlock(td)
			})
			<-has
			go cancel()
			lwkt.Run("waiter", func(td *lwkt.Thread) {
				if _, err := l.wait(ctx, td); !errors.Is(err, context.Canceled) {
					t.Errorf("the wait ended with %v", err)
				}
			})
			close(gaveUp)
			<-ended
		})
	}
}
