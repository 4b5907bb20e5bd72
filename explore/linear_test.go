package explore

import (
	"math/rand/v2"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// register is the sequential object: Write(x) for x > 0, Read for 0.
var register = Spec[int, int, int]{Step: func(s, in, out int) (int, bool) {
	if in > 0 {
		return in, true
	}
	return s, out == s
}}

func TestLinearize(t *testing.T) {
	type c = call[int, int]
	for _, x := range []struct {
		name  string
		calls []c
		want  bool
	}{
		{"nothing", nil, true},
		{"a read of what was written", []c{{in: 1, called: 1, ending: 2}, {out: 1, called: 3, ending: 4}}, true},
		{"a read of what was not yet written", []c{{out: 1, called: 1, ending: 2}, {in: 1, called: 3, ending: 4}}, false},
		{"a read at the same time", []c{{out: 1, called: 1, ending: 4}, {in: 1, called: 2, ending: 3}}, true},
		{"a read of what was overwritten", []c{{in: 1, called: 1, ending: 2}, {in: 2, called: 3, ending: 4}, {out: 1, called: 5, ending: 6}}, false},
		{"new and then old", []c{{in: 1, called: 1, ending: 9}, {out: 1, called: 2, ending: 3}, {out: 0, called: 4, ending: 5}}, false},
	} {
		if got := linearize(register, x.calls); got != x.want {
			t.Errorf("%s: %v", x.name, got)
		}
	}
}

// TestLinearizeAgainstAllOrders compares with a search that tries every order.
func TestLinearizeAgainstAllOrders(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	yes, no := 0, 0
	for range 3000 {
		var calls []call[int, int]
		h := History[int, int]{}
		var open []int
		for h.clock < 12 || len(open) > 0 {
			if h.clock < 8 && len(open) < 3 && r.IntN(2) == 0 {
				open = append(open, h.Call("t", r.IntN(3)))
			} else if len(open) > 0 {
				i := r.IntN(len(open))
				h.Return(open[i], r.IntN(3))
				open = append(open[:i], open[i+1:]...)
			} else {
				h.clock++
			}
		}
		calls = h.calls()
		want := anyOrder(calls, nil, 0)
		if got := linearize(register, calls); got != want {
			t.Fatalf("%v, want %v:\n%s", got, want, &h)
		}
		if want {
			yes++
		} else {
			no++
		}
	}
	if yes < 100 || no < 100 {
		t.Errorf("%d are linearizable and %d are not", yes, no)
	}
}

func anyOrder(left, order []call[int, int], s int) bool {
	if len(left) == 0 {
		return true
	}
	for i, c := range left {
		next, ok := register.Step(s, c.in, c.out)
		for _, o := range left {
			ok = ok && o.ending > c.called
		}
		if !ok {
			continue
		}
		rest := append(append([]call[int, int]{}, left[:i]...), left[i+1:]...)
		if anyOrder(rest, append(order, c), next) {
			return true
		}
	}
	return false
}

// counter has an operation that adds one and returns the sum.
var counter = Spec[int, struct{}, int]{Step: func(s int, _ struct{}, out int) (int, bool) { return s + 1, out == s+1 }}

func counting(locked bool) func(m *sim.Machine) {
	return func(m *sim.Machine) {
		var n sim.Var[int]
		var mu sim.Mutex
		h := &History[struct{}, int]{}
		for _, name := range []string{"t1", "t2"} {
			m.Go(name, func(td *lwkt.Thread) {
				for range 2 {
					op := h.Call(name, struct{}{})
					if locked {
						mu.Lock(td)
					}
					x := n.Load(td) + 1
					n.Store(td, x)
					if locked {
						mu.Unlock(td)
					}
					h.Return(op, x)
				}
			})
		}
		Linearizable(m, counter, h)
	}
}

func TestLinearizable(t *testing.T) {
	if r := Run(counting(true)); !r.OK() || !r.Exhaustive {
		t.Errorf("%s", r.String())
	}
	r := Run(counting(false))
	if r.Failure == nil || r.Failure.Outcome != sim.AssertFailed || r.Failure.Switches > 2 {
		t.Errorf("%s", r.String())
	}
}

// cache is a value with a copy for readers, which a writer forgets to renew before its put returns.
type cache struct {
	db, copy      lwkt.Mtx
	value, cached int
}

func (c *cache) put(td *lwkt.Thread, v int) {
	c.db.Lock(td)
	c.value = v
	c.db.Unlock(td)
}

func (c *cache) renew(td *lwkt.Thread) {
	c.db.Lock(td)
	v := c.value
	c.db.Unlock(td)
	c.copy.Lock(td)
	c.cached = v
	c.copy.Unlock(td)
}

func (c *cache) get(td *lwkt.Thread) int {
	c.copy.Lock(td)
	defer c.copy.Unlock(td)
	return c.cached
}

// caching has a writer, and a reader that gets so often; late says that the copy is renewed only
// when the put has returned, and first who is started first.
func caching(gets int, late bool, first string) func(m *sim.Machine) {
	return func(m *sim.Machine) {
		c, h := new(cache), new(History[int, int])
		writer := func(td *lwkt.Thread) {
			op := h.Call("writer", 7)
			c.put(td, 7)
			if late {
				h.Return(op, 0)
				c.renew(td)
			} else {
				c.renew(td)
				h.Return(op, 0)
			}
		}
		reader := func(td *lwkt.Thread) {
			for range gets {
				op := h.Call("reader", 0)
				h.Return(op, c.get(td))
			}
		}
		if first == "writer" {
			m.Go("writer", writer)
		}
		m.Go("reader", reader)
		if first == "reader" {
			m.Go("writer", writer)
		}
		Linearizable(m, register, h)
	}
}

// TestLinearizableOrders has histories that are wrong only if one operation returns before another is
// called, though they have nothing to do with each other.
func TestLinearizableOrders(t *testing.T) {
	for _, gets := range []int{1, 2} {
		for _, first := range []string{"writer", "reader"} {
			for name, strategy := range map[string]Option{"auto": Auto(), "exhaustive": Exhaustive()} {
				if r := Run(caching(gets, true, first), strategy, MustFinish()); r.Failure == nil || r.Failure.Outcome != sim.AssertFailed {
					t.Errorf("%d gets, %s first, %s: %s", gets, first, name, r.String())
				}
				if r := Run(caching(gets, false, first), strategy, MustFinish()); !r.OK() {
					t.Errorf("%d gets, %s first, %s, in order: %s", gets, first, name, r.String())
				}
			}
		}
	}
}

// TestLinearizableReplays has a failure found, shrunk and repeated from its line.
func TestLinearizableReplays(t *testing.T) {
	r := Run(caching(2, true, "reader"))
	if r.Failure == nil {
		t.Fatal(r.String())
	}
	again := Run(caching(2, true, "reader"), Replay(r.Failure.Replay))
	if again.Failure == nil || again.Diverged != "" || again.Failure.Err.Error() != r.Failure.Err.Error() {
		t.Errorf("%s\n%s", r.String(), again.String())
	}
}

func BenchmarkLinearize(b *testing.B) {
	for _, n := range []int{9, 32} {
		h := &History[int, int]{}
		for i := range n / 3 {
			x, y, z := h.Call("a", i%2+1), h.Call("b", 0), h.Call("c", 0)
			h.Return(y, i%2+1)
			h.Return(x, 0)
			h.Return(z, i%2+1)
		}
		b.Run("", func(b *testing.B) {
			for range b.N {
				if !linearize(register, h.calls()) {
					b.Fatal("not linearizable")
				}
			}
		})
	}
}
