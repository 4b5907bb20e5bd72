package lwkt_test

import (
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/giant"
	"github.com/serializing-tokens/lwkt/lockmgr"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/serializer"
)

// TestDepth takes each lock once, and again where that is allowed.
func TestDepth(t *testing.T) {
	var (
		mtx, recursive lwkt.Mtx
		spin           lwkt.SpinMtx
		rw, read       lwkt.RWLock
		sx, share      lwkt.SX
		lk             lockmgr.Lock
		rm             rmlock.Lock
		g              giant.Mtx
		ser            serializer.Serializer
	)
	recursive.Init("recursive", lwkt.Recurse)
	lwkt.Run("t", func(td *lwkt.Thread) {
		for _, c := range []struct {
			name    string
			l       lwkt.Interlock
			lock    func()
			unlock  func()
			recurse bool
		}{
			{"Mtx", &mtx, func() { mtx.Lock(td) }, func() { mtx.Unlock(td) }, false},
			{"Mtx that recurses", &recursive, func() { recursive.Lock(td) }, func() { recursive.Unlock(td) }, true},
			{"SpinMtx", &spin, func() { spin.Lock(td) }, func() { spin.Unlock(td) }, false},
			{"RWLock written", &rw, func() { rw.WLock(td) }, func() { rw.WUnlock(td) }, false},
			{"RWLock read", &read, func() { read.RLock(td) }, func() { read.RUnlock(td) }, true},
			{"SX", &sx, func() { sx.XLock(td) }, func() { sx.XUnlock(td) }, false},
			{"SX shared", &share, func() { share.SLock(td) }, func() { share.SUnlock(td) }, true},
			{"lockmgr", &lk, func() { lk.Do(td, lockmgr.Exclusive|lockmgr.CanRecurse) }, func() { lk.Unlock(td) }, true},
			{"rmlock written", &rm, func() { rm.WLock(td) }, func() { rm.WUnlock(td) }, false},
			{"rmlock read", &rm, func() { rm.RLock(td) }, func() { rm.RUnlock(td) }, true},
			{"giant", &g, func() { g.Lock(td) }, func() { g.Unlock(td) }, true},
			{"serializer", &ser, func() { ser.Enter(td) }, func() { ser.Exit(td) }, false},
		} {
			want := func(n int) {
				t.Helper()
				if got := td.Depth(c.l); got != n {
					t.Errorf("%s: depth %d, want %d", c.name, got, n)
				}
			}
			want(0)
			c.lock()
			want(1)
			if c.recurse {
				c.lock()
				want(2)
				c.unlock()
				want(1)
			}
			c.unlock()
			want(0)
		}
		says(t, misuse(t, "Depth", func() { td.Depth(nil) }).Error(), "there is no lock")
	})
	misuse(t, "Depth", func() { (*lwkt.Thread)(nil).Depth(&mtx) })
}
