package explore_test

import (
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/sim"
)

// merging is two threads that merge three funnels, while others use them.
func merging(others int) func(m *sim.Machine) {
	return func(m *sim.Machine) {
		var f [3]lwkt.Funnel
		n := new(sim.Var[int])
		use := func(td *lwkt.Thread, f *lwkt.Funnel) {
			td.SetFunnel(f)
			n.Store(td, n.Load(td)+1)
			td.SetFunnel(nil)
		}
		m.Go("ab", func(td *lwkt.Thread) {
			lwkt.MergeFunnels(td, &f[0], &f[1])
			use(td, &f[1])
		})
		m.Go("ba", func(td *lwkt.Thread) {
			lwkt.MergeFunnels(td, &f[1], &f[0])
			use(td, &f[0])
		})
		if others > 0 {
			m.Go("bc", func(td *lwkt.Thread) {
				lwkt.MergeFunnels(td, &f[1], &f[2])
			})
		}
		m.Finally(func() {
			m.Assert(n.Value() == 2, "%d of 2 sections", n.Value())
			lwkt.Run("free", func(td *lwkt.Thread) {
				for i := range f {
					td.SetFunnel(&f[i])
					td.SetFunnel(nil)
				}
			})
		})
	}
}

// TestMergingIsExplored has threads pause wherever a merge may wait, others merging the same
// funnels meanwhile.
func TestMergingIsExplored(t *testing.T) {
	for _, k := range []int{0, 1, lwkt.DefaultBypass} {
		old := lwkt.SetBypass(k)
		for others := range 2 {
			for _, attempts := range []bool{false, true} {
				r := explore.Run(merging(others), explore.On(sim.Options{Attempts: attempts}), explore.Budget(3*time.Second))
				t.Logf("K=%d, %d others, attempts %v: %v", k, others, attempts, &r)
				if !r.OK() {
					t.Error("failed")
				}
			}
		}
		if sim.HasWords {
			r := explore.Run(merging(0), explore.Words(), explore.DPOR(), explore.Budget(3*time.Second))
			t.Logf("K=%d, words: %v", k, &r)
			if !r.OK() {
				t.Error("failed")
			}
		}
		lwkt.SetBypass(old)
	}
}
