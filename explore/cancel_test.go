package explore_test

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/sim"
)

// TestReductionSeesCancel wants the reduction to try a cancellation wherever it makes a
// difference: before and after the grant, and before and after the wakeup.
func TestReductionSeesCancel(t *testing.T) {
	for name, body := range map[string]func(ctx context.Context, td *lwkt.Thread, tok *lwkt.Token) error{
		"acquire": func(ctx context.Context, td *lwkt.Thread, tok *lwkt.Token) error {
			_, err := tok.AcquireContext(ctx, td)
			return err
		},
		"sleep": func(ctx context.Context, td *lwkt.Thread, tok *lwkt.Token) error {
			tok.Acquire(td)
			_, err := td.SleepContext(ctx, tok)
			return err
		},
	} {
		for _, attempts := range []bool{false, true} {
			seen := map[string]map[string]bool{}
			for _, o := range []explore.Option{explore.Exhaustive(), explore.DPOR()} {
				ends := map[string]bool{}
				r := explore.Run(func(m *sim.Machine) {
					var tok lwkt.Token
					ctx, cancel := m.WithCancel(t.Context())
					var err error
					m.Go("waits", func(td *lwkt.Thread) {
						if err = body(ctx, td, &tok); tok.Held(td) != lwkt.None {
							tok.Release(td)
						}
					})
					m.Go("holds", func(td *lwkt.Thread) {
						tok.Acquire(td)
						td.Wakeup(&tok)
						tok.Release(td)
					})
					m.Go("cancels", func(td *lwkt.Thread) { cancel(td) })
					m.Finally(func() { ends[fmt.Sprint(err)] = true })
				}, explore.On(sim.Options{Attempts: attempts}), o)
				if !r.OK() || !r.Exhaustive {
					t.Errorf("%s: %v", name, &r)
				}
				seen[r.Strategy] = ends
			}
			if all := seen["exhaustive"]; len(all) != 2 || !maps.Equal(all, seen["dpor"]) {
				t.Errorf("%s, attempts %v: ends %v, and reduced %v", name, attempts, all, seen["dpor"])
			}
		}
	}
}
