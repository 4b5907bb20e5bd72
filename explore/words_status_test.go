//go:build lwkt_words

// What looks at a word may see it while somebody visits.
package explore_test

import (
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/lockmgr"
	"github.com/serializing-tokens/lwkt/sim"
)

// TestWordsStatus: a lock that another one has exclusively is not told as shared because of a visitor.
func TestWordsStatus(t *testing.T) {
	r := explore.Run(func(m *sim.Machine) {
		var lk lockmgr.Lock
		var has sim.Var[bool]
		m.Go("visitor", func(td *lwkt.Thread) {
			lk.SLock(td)
			lk.Unlock(td)
		})
		m.Go("owner", func(td *lwkt.Thread) {
			lk.XLock(td)
			has.Store(td, true)
			has.Store(td, false)
			lk.Unlock(td)
		})
		m.Go("looker", func(td *lwkt.Thread) {
			if has.Load(td) {
				if s := lk.Status(td); has.Load(td) {
					m.Assert(s == lockmgr.ExclOther, "owned by another one, and the status is %v", s)
				}
			}
		})
	}, explore.Words(), explore.Preempt(3), explore.Runs(20000))
	if !r.OK() {
		t.Error(r.String())
	}
	t.Log(r.String())
}
