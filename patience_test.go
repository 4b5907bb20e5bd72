package lwkt_test

import (
	"fmt"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/sim"
)

// TestPatience: with little patience every schedule of three threads comes to waiters that
// are hard, and to the locks that are handed over to them.
func TestPatience(t *testing.T) {
	for _, patience := range []int{0, 1} {
		t.Run(fmt.Sprint(patience), func(t *testing.T) {
			if old := lock.SetPatience(patience); old != lock.DefaultPatience {
				t.Errorf("the patience was %d", old)
			}
			defer lock.SetPatience(lock.DefaultPatience)
			explore.Test(t, func(m *sim.Machine) {
				var mu lwkt.Mtx
				n := 0
				for range 3 {
					m.Go("adder", func(td *lwkt.Thread) {
						mu.Lock(td)
						n++
						mu.Unlock(td)
					})
				}
				m.Finally(func() { m.Assert(n == 3, "%d of 3 were counted", n) })
			}, explore.On(sim.Options{Attempts: true}))
			explore.Test(t, func(m *sim.Machine) {
				var rw lwkt.RWLock
				n := 0
				for range 2 {
					m.Go("writer", func(td *lwkt.Thread) {
						rw.WLock(td)
						n++
						rw.Downgrade(td)
						rw.RUnlock(td)
					})
				}
				m.Go("reader", func(td *lwkt.Thread) {
					rw.RLock(td)
					rw.RLock(td)
					rw.RUnlock(td)
					rw.RUnlock(td)
				})
				m.Finally(func() { m.Assert(n == 2, "%d of 2 were counted", n) })
			}, explore.On(sim.Options{Attempts: true}))
		})
	}
}
