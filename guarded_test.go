// Guarded values: access without the token, or through a reference from before a
// change, is a panic in builds with invariants and is told by Stale in all.
package lwkt_test

import (
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/invariants"
)

// checked wants f to panic with a misuse that says so in builds with invariants,
// and to pass in others.
func checked(t *testing.T, f func(), text ...string) {
	t.Helper()
	v := panics(f)
	m, ok := v.(*lwkt.Misuse)
	if ok != invariants.Enabled || v != nil && !ok {
		t.Errorf("panicked with %v; invariants are on: %v", v, invariants.Enabled)
	}
	if ok {
		says(t, m.Error(), text...)
	}
}

func TestGuardedWithItsToken(t *testing.T) {
	td := newThread(t)
	defer td.End()
	g := lwkt.NewGuarded("balance", 5)
	g.Acquire(td)
	r := g.Ref(td)
	*r.Write() += 2
	if *r.Read() != 7 || r.Stale() {
		t.Errorf("value %d, stale %v", *r.Read(), r.Stale())
	}
	g.AcquireShared(td)
	*r.Write()++ // still exclusively
	g.Release(td)
	td.Block(func() { shared(t, &g.Token) })
	td.Block(func() { // what the thread does itself does not make it stale
		g.Acquire(td)
		*g.Ref(td).Write()++
		g.Release(td)
	})
	if r.Stale() || *r.Read() != 9 {
		t.Errorf("value %d, stale %v", *r.Read(), r.Stale())
	}
	g.Release(td)

	g.AcquireShared(td)
	r = g.Ref(td)
	if *r.Read() != 9 {
		t.Errorf("value %d", *r.Read())
	}
	g.Acquire(td) // in place
	*r.Write() = 1
	g.Release(td)
	if *r.Read() != 1 || r.Stale() {
		t.Errorf("value %d, stale %v", *r.Read(), r.Stale())
	}
	g.Release(td)

	var zero lwkt.Guarded[map[string]int]
	zero.Acquire(td)
	if *zero.Ref(td).Read() != nil {
		t.Error("the zero Guarded holds something")
	}
	zero.Release(td)
}

func TestGuardedWithout(t *testing.T) {
	td := lwkt.NewThread("culprit")
	defer td.End()
	g := lwkt.NewGuarded("balance", 5)
	checked(t, func() { g.Ref(td) }, `"balance"`, `"culprit"`, "without its token")
	g.Acquire(td)
	r := g.Ref(td)
	g.Release(td)
	if !r.Stale() {
		t.Error("not stale without the token")
	}
	checked(t, func() { r.Read() }, `"balance"`, `"culprit"`, "without its token", "guarded_test.go:")
	checked(t, func() { r.Write() }, "without its token")

	g.AcquireShared(td)
	r = g.Ref(td)
	r.Read()
	checked(t, func() { r.Write() }, `"balance"`, "shared")
	td.Block(func() {
		if !r.Stale() {
			t.Error("not stale inside Block")
		}
		checked(t, func() { r.Read() }, "without its token")
	})
	if r.Stale() {
		t.Error("stale after a block in which nobody had it")
	}
	g.Release(td)
}

func TestGuardedStale(t *testing.T) {
	td := newThread(t)
	defer td.End()
	g, other := lwkt.NewGuarded("balance", 5), lwkt.NewGuarded("other", 1)
	for _, c := range []struct {
		name  string
		event func()
	}{
		{"block", func() { td.Block(func() { had(t, &g.Token) }) }},
		{"acquire", func() {
			var busy lwkt.Token
			dropByAcquire(t, td, &busy, func() { had(t, &g.Token) })
		}},
		{"release", func() { g.Release(td); had(t, &g.Token); g.Acquire(td) }},
		{"forced drop", func() {
			lwkt.SetForcedDrops(true)
			defer lwkt.SetForcedDrops(false)
			td.Block(func() {})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			td = newThread(t)
			defer td.End()
			g.Acquire(td)
			other.AcquireShared(td)
			r, o := g.Ref(td), other.Ref(td)
			c.event()
			if !r.Stale() {
				t.Error("not stale")
			}
			checked(t, func() { r.Read() }, `"balance"`, "stale")
			checked(t, func() { r.Write() }, `"balance"`, "stale")
			if c.name != "forced drop" {
				if o.Stale() {
					t.Error("stale, though only another token changed hands")
				}
				o.Read()
			}
			r = g.Ref(td) // a new one is good
			if r.Stale() {
				t.Error("a new reference is stale")
			}
			*r.Write()++
			g.Release(td)
			other.Release(td)
		})
	}
}
