package lwkt_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// simulated is the host of package sim: the threads run when Wait is called, one at a
// time, and at each operation a random one goes on.
type simulated struct {
	t    *testing.T
	m    *sim.Machine
	cpus int
	rng  *rand.Rand
}

func newSimulated(t *testing.T, cpus int, seed uint64) *simulated {
	h := &simulated{t: t, cpus: cpus, rng: rand.New(rand.NewPCG(seed, 0))}
	h.renew()
	return h
}

func (h *simulated) renew() {
	h.m = sim.New(sim.Options{CPUs: h.cpus, Attempts: true, Steps: 1 << 30, Stall: 2 * time.Minute})
}

func (h *simulated) Go(name string, f func(td *lwkt.Thread)) { h.m.Go(name, f) }

func (h *simulated) Wait() {
	h.t.Helper()
	if r := h.m.Run(h); r.Outcome != sim.Done {
		h.t.Errorf("%v after %d events: %v", r.Outcome, r.Steps, r.Err)
	}
	h.renew()
}

func (h *simulated) Choose(p *sim.Point) int { return h.rng.IntN(len(p.Enabled)) }

func (h *simulated) Until(what string, cond func() bool) { h.m.Until(nil, what, cond) }
func (h *simulated) Yield()                              { h.m.Yield(nil) }
func (h *simulated) Mutex() mutex                        { return new(sim.Mutex) }

// mutex is a plain mutex of a host.
type mutex interface {
	Lock(td *lwkt.Thread)
	TryLock(td *lwkt.Thread) bool
	Unlock(td *lwkt.Thread)
}

// realMutex is that of goroutines.
type realMutex struct{ mu sync.Mutex }

func (m *realMutex) Lock(*lwkt.Thread)         { m.mu.Lock() }
func (m *realMutex) TryLock(*lwkt.Thread) bool { return m.mu.TryLock() }
func (m *realMutex) Unlock(*lwkt.Thread)       { m.mu.Unlock() }

// simulating says that the threads of the test are simulated ones, for scale.
var simulating bool

// onSimulated runs a body on simulated machines: with free interleaving, and on CPUs.
func onSimulated(t *testing.T, body func(t *testing.T, h host)) {
	simulating = true
	defer func() { simulating = false }()
	for _, cpus := range []int{0, 2} {
		t.Run(fmt.Sprintf("simulated, %d CPUs", cpus), func(t *testing.T) {
			h := newSimulated(t, cpus, 1)
			body(t, h)
			h.Wait()
		})
	}
}
