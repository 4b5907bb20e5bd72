// Faults of the locks that were found by reading their code with suspicion, each with the smallest
// program that showed it.
package lwkt_test

import (
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
)

// A reader and a writer waited when the owner became a reader. With WakeAll the writer was called, for whom
// the lock was not free, again and again, with SharersFirst for ever; and the reader was not let in. With
// SharersFirst alone it was not, if the writer was older, as long as new readers came.
func TestSharersBesideSharer(t *testing.T) {
	for _, c := range []struct {
		o           lwkt.Options
		readerFirst bool
	}{{0, true}, {lwkt.WakeAll, true}, {lwkt.SharersFirst, false}, {lwkt.WakeAll | lwkt.SharersFirst, true}, {lwkt.WakeAll | lwkt.SharersFirst, false}} {
		onHosts(t, func(t *testing.T, h host) {
			var l rw
			l.Init("l", c.o)
			var locked, read atomic.Bool
			comes := func(first bool) {
				n := 0
				if !first {
					n = 1
				}
				h.Until("it is its turn", func() bool { return locked.Load() && l.waiters() == n })
			}
			h.Go("owner", func(td *lwkt.Thread) {
				l.WLock(td)
				locked.Store(true)
				h.Until("both wait", func() bool { return l.waiters() == 2 })
				l.Downgrade(td)
				h.Until("the reader is in", read.Load)
				l.RUnlock(td)
			})
			h.Go("reader", func(td *lwkt.Thread) {
				comes(c.readerFirst)
				l.RLock(td)
				read.Store(true)
				l.RUnlock(td)
			})
			h.Go("writer", func(td *lwkt.Thread) {
				comes(!c.readerFirst)
				l.WLock(td)
				l.WUnlock(td)
			})
			h.Wait()
		})
	}
}
