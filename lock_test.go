package lwkt_test

import (
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/sim"
)

func TestTmpCounter(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		var m lwkt.Mtx
		var rw lwkt.RWLock
		n, k := 0, 0
		const rounds = 20000
		for range 8 {
			h.Go("adder", func(td *lwkt.Thread) {
				for i := range scale(rounds) {
					m.Lock(td)
					n++
					m.Unlock(td)
					if i%4 == 0 {
						rw.WLock(td)
						k++
						rw.WUnlock(td)
					} else {
						rw.RLock(td)
						_ = k
						rw.RUnlock(td)
					}
				}
			})
		}
		h.Wait()
		if n != 8*scale(rounds) {
			t.Errorf("%d", n)
		}
	})
}

func TestTmpExplore(t *testing.T) {
	explore.Test(t, func(m *sim.Machine) {
		var a, b lwkt.Mtx
		var tok lwkt.Token
		n := 0
		for range 2 {
			m.Go("t", func(td *lwkt.Thread) {
				tok.Acquire(td)
				a.Lock(td)
				b.Lock(td)
				n++
				b.Unlock(td)
				a.Unlock(td)
				tok.Release(td)
			})
		}
		m.Finally(func() { m.Assert(n == 2, "n %d", n) })
	})
	explore.Test(t, func(m *sim.Machine) {
		var a lwkt.RWLock
		n := 0
		for i := range 3 {
			m.Go("t", func(td *lwkt.Thread) {
				if i < 2 {
					a.RLock(td)
					a.RLock(td)
					if i == 0 {
						a.RUnlock(td)
						if a.TryUpgrade(td) {
							n++
							a.Downgrade(td)
						}
						a.RLock(td)
					}
					a.RUnlock(td)
					a.RUnlock(td)
				} else {
					a.WLock(td)
					n++
					a.WUnlock(td)
				}
			})
		}
	}, explore.On(sim.Options{Attempts: true}))
}
