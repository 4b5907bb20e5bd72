package explore_test

import (
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/sim"
)

// TestTasksAreExplored has threads start and join others: the reduction must see what the
// end of a task does to who joins it.
func TestTasksAreExplored(t *testing.T) {
	var traces []int
	for _, o := range []explore.Option{explore.Exhaustive(), explore.DPOR()} {
		r := explore.Run(func(m *sim.Machine) {
			tok, n := new(lwkt.Token), new(sim.Var[int])
			add := func(td *lwkt.Thread) { n.Store(td, n.Load(td)+1) }
			m.Go("parent", func(td *lwkt.Thread) {
				tok.Acquire(td)
				task := td.Go("child", func(td *lwkt.Thread) {
					tok.Acquire(td)
					add(td)
					tok.Release(td)
				})
				task.Join(td)
				add(td)
				tok.Release(td)
			})
			m.Go("other", func(td *lwkt.Thread) {
				tok.Acquire(td)
				add(td)
				tok.Release(td)
			})
			m.Finally(func() { m.Assert(n.Value() == 3, "%d", n.Value()) })
		}, o)
		t.Log(&r)
		if !r.OK() || !r.Exhaustive {
			t.Error("not all tried")
		}
		traces = append(traces, r.Traces)
	}
	if traces[0] != traces[1] {
		t.Errorf("%d traces, and reduced %d", traces[0], traces[1])
	}

	stray := explore.Run(func(m *sim.Machine) {
		m.Go("parent", func(td *lwkt.Thread) { lwkt.Go("goroutine", func(*lwkt.Thread) {}).Join(td) })
	})
	if stray.OK() || !strings.Contains(stray.String(), "td.Go starts one") {
		t.Errorf("joins a goroutine: %s", stray.String())
	}
	r := explore.Run(func(m *sim.Machine) {
		m.Go("parent", func(td *lwkt.Thread) { td.Go("child", func(*lwkt.Thread) { panic("boom") }) })
	})
	if r.Failure == nil || r.Failure.Outcome != sim.Panic {
		t.Errorf("the panic of a task that nobody waits for: %v", &r)
	}
}
