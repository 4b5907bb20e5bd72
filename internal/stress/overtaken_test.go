package stress_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/serializing-tokens/lwkt"
)

// TestOvertakenOutlivesNoWait is what round 6 of -stress.seed=8459098640235580120
// found: a wait that was given up told the count of the wait before, even that of
// another thread whose record it used again.
func TestOvertakenOutlivesNoWait(t *testing.T) {
	defer lwkt.SetBypass(lwkt.SetBypass(100))
	g := newGuarded("overtaken")
	lwkt.Run("holder", func(h *lwkt.Thread) {
		g.tok.Acquire(h)
		waiter := lwkt.Go("waiter", func(td *lwkt.Thread) {
			g.tok.Acquire(td)
			g.tok.Release(td)
		})
		for len(g.core.Waiters()) == 0 {
			runtime.Gosched()
		}
		for range 50 {
			g.tok.Release(h)
			if !g.tok.TryAcquire(h) {
				g.tok.Acquire(h)
			}
		}
		g.tok.Release(h)
		waiter.Wait()

		lwkt.SetBypass(0)
		g.tok.Acquire(h)
		lwkt.Go("canceller", func(td *lwkt.Thread) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if _, err := g.tok.AcquireContext(ctx, td); err == nil {
				t.Error("got a token that is held")
			}
			if n := td.Stats().MaxOvertaken; n > 0 {
				t.Errorf("overtaken %d times at K=0", n)
			}
		}).Wait()
		g.tok.Release(h)
	})
}
