//go:build lwkt_words

package explore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/sim"
)

// TestWordsOfLocks explores the words of the locks that are not tokens.
func TestWordsOfLocks(t *testing.T) {
	for name, lock := range map[string]func() (lock, unlock func(td *lwkt.Thread)){
		"Mtx": func() (lock, unlock func(td *lwkt.Thread)) {
			l := new(lwkt.Mtx)
			return func(td *lwkt.Thread) { l.Lock(td) }, func(td *lwkt.Thread) { l.Unlock(td) }
		},
		"RWLock": func() (lock, unlock func(td *lwkt.Thread)) {
			l := new(lwkt.RWLock)
			return func(td *lwkt.Thread) { l.WLock(td) }, func(td *lwkt.Thread) { l.WUnlock(td) }
		},
		"SX": func() (lock, unlock func(td *lwkt.Thread)) {
			l := new(lwkt.SX)
			return func(td *lwkt.Thread) { l.XLock(td) }, func(td *lwkt.Thread) { l.XUnlock(td) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := explore.Run(func(m *sim.Machine) {
				lock, unlock := lock()
				n := new(sim.Var[int])
				for i := range 2 {
					m.Go(fmt.Sprintf("t%d", i+1), func(td *lwkt.Thread) {
						lock(td)
						n.Store(td, n.Load(td)+1)
						unlock(td)
					})
				}
				m.Finally(func() { m.Assert(n.Value() == 2, "%d of 2 sections", n.Value()) })
			}, explore.Words(), explore.DPOR(), explore.Budget(20*time.Second))
			t.Log(&r)
			if !r.OK() || !r.Exhaustive {
				t.Error("not all tried")
			}
		})
	}
}
