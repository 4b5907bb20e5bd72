package sim_test

import (
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

func TestChannels(t *testing.T) {
	for _, size := range []int{0, 1, 2} {
		for _, cpus := range []int{0, 2} {
			got := exhaust(t, sim.Options{CPUs: cpus}, func(m *sim.Machine) {
				ch, quit := make(chan int, size), make(chan struct{})
				var tok lwkt.Token
				sum, open := 0, true
				m.Go("sender", func(td *lwkt.Thread) {
					tok.Acquire(td)
					for i := 1; i <= 2; i++ {
						lwkt.Send(td, ch, i)
						m.Assert(tok.Held(td) == lwkt.Exclusive, "lost the token")
					}
					tok.Release(td)
					close(quit)
				})
				m.Go("receiver", func(td *lwkt.Thread) {
					v, ok, _ := lwkt.Recv(td, ch)
					m.Assert(ok && v == 1, "received %d, %v", v, ok)
					sum += v
					for open || sum < 3 {
						lwkt.Select(td, lwkt.OnRecv(ch, func(v int, ok bool) { sum += v }),
							lwkt.OnRecv(quit, func(struct{}, bool) { open = false }))
					}
				})
				m.Finally(func() { m.Assert(sum == 3, "sum is %d", sum) })
			})
			if len(got) != 1 || got[sim.Done] == 0 {
				t.Errorf("size %d, %d CPUs: %v", size, cpus, got)
			}
		}
	}
	t.Run("nobody sends", func(t *testing.T) {
		m := sim.New(sim.Options{})
		m.Go("receiver", func(td *lwkt.Thread) { lwkt.Recv(td, make(chan int)) })
		if r := m.Run(&first{}); r.Outcome != sim.Deadlock {
			t.Errorf("%v: %v", r.Outcome, r.Err)
		}
	})
	t.Run("closed", func(t *testing.T) {
		m := sim.New(sim.Options{})
		m.Go("sender", func(td *lwkt.Thread) {
			ch := make(chan int, 1)
			close(ch)
			if _, ok, _ := lwkt.Recv(td, ch); ok {
				t.Error("received from a closed channel")
			}
			lwkt.Send(td, ch, 1)
		})
		if r := m.Run(&first{}); r.Outcome != sim.Panic {
			t.Errorf("%v: %v", r.Outcome, r.Err)
		}
	})
	t.Run("join", func(t *testing.T) {
		m := sim.New(sim.Options{})
		done := make(chan struct{})
		m.Go("joiner", func(td *lwkt.Thread) { lwkt.Recv(td, done) })
		m.Go("joined", func(td *lwkt.Thread) { m.Yield(td); close(done) })
		if r := m.Run(&first{}); r.Outcome != sim.Done {
			t.Errorf("%v: %v", r.Outcome, r.Err)
		}
	})
}
