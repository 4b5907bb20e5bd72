// Funnels: one at a time, the idiom of setting the previous one, the exchange in
// one step, and merging under threads that wait.
package lwkt_test

import (
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
)

func TestFunnelIdiom(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var f lwkt.Funnel // the zero one works
	var called int
	callee := func() {
		prev := td.SetFunnel(&f)
		called++
		td.SetFunnel(prev)
	}
	callee()
	if td.Funnel() != nil {
		t.Error("left with a funnel, entered without")
	}
	free(t, lwkt.TokenOf(&f))
	prev := td.SetFunnel(&f)
	callee()
	if td.Funnel() != &f || prev != nil {
		t.Error("entered with a funnel, left without")
	}
	td.SetFunnel(prev)
	if td.Funnel() != nil || td.SetFunnel(nil) != nil || called != 2 {
		t.Error("giving up nothing is not nothing")
	}
	free(t, lwkt.TokenOf(&f))
}

func TestFunnelOneAtATime(t *testing.T) {
	td := lwkt.NewThread("culprit")
	defer td.End()
	f, g := lwkt.NewFunnel("kernel"), lwkt.NewFunnel("network")
	says(t, misuse(t, "SwitchFunnel", func() { td.SwitchFunnel(f) }).Error(), `"culprit"`)
	td.SetFunnel(f)
	says(t, misuse(t, "SetFunnel", func() { td.SetFunnel(g) }).Error(), `"kernel"`, `"network"`, `"culprit"`)
	says(t, misuse(t, "SwitchFunnel", func() { td.SwitchFunnel(nil) }).Error(), `"culprit"`)
	says(t, misuse(t, "MergeFunnels", func() { lwkt.MergeFunnels(td, f, g) }).Error(), `"culprit"`)
	if td.Funnel() != f {
		t.Error("a refused operation took the funnel")
	}
	free(t, lwkt.TokenOf(g))
	td.SetFunnel(nil)
	free(t, lwkt.TokenOf(f))
}

func TestFunnelSwitch(t *testing.T) {
	td := newThread(t)
	defer td.End()
	f, g := lwkt.NewFunnel("f"), lwkt.NewFunnel("g")
	var tok lwkt.Token
	td.SetFunnel(f)
	tok.Acquire(td)
	if td.SwitchFunnel(f) || td.Funnel() != f {
		t.Error("to the same")
	}
	if td.SwitchFunnel(g) || td.Funnel() != g || td.Stats().Drops != 0 {
		t.Errorf("to a free one: dropped %d times", td.Stats().Drops)
	}
	free(t, lwkt.TokenOf(f))
	// To a busy one: the old one is free while the thread waits, as are its tokens.
	h := hold(t, lwkt.Exclusive, lwkt.TokenOf(f))
	k := lwkt.Go("watch", func(td *lwkt.Thread) {
		queued(t, lwkt.TokenOf(f), 1)
		td.SetFunnel(g)
		had(t, &tok)
		td.SetFunnel(nil)
		h.release(t)
	})
	if !td.SwitchFunnel(f) || td.Funnel() != f || tok.Held(td) != lwkt.Exclusive {
		t.Error("to a busy one: a token changed hands and nobody said so")
	}
	join(t, k)
	td.SetFunnel(nil)
	tok.Release(td)
	free(t, lwkt.TokenOf(f), lwkt.TokenOf(g), &tok)
}

func TestFunnelDroppedByBlock(t *testing.T) {
	td := lwkt.NewThread("culprit")
	defer td.End()
	f, g := lwkt.NewFunnel("f"), lwkt.NewFunnel("g")
	td.SetFunnel(f)
	inside := func(change bool) func() {
		return func() {
			if td.Funnel() != nil {
				t.Error("a funnel inside Block")
			}
			free(t, lwkt.TokenOf(f))
			prev := td.SetFunnel(g) // one at a time, and this is another time
			td.Block(func() {})
			if td.Funnel() != g {
				t.Error("lost inside Block")
			}
			td.SetFunnel(prev)
		}
	}
	if !td.Block(inside(true)) || td.Funnel() != f {
		t.Error("not changed, though another thread had the funnel")
	}
	if td.Block(func() { td.SetFunnel(f); td.SetFunnel(nil) }) {
		t.Error("changed by what the thread did itself")
	}
	m := misuse(t, "Block", func() { td.Block(func() { td.SetFunnel(g) }) }) // left inside
	says(t, m.Error(), `"g"`)
	free(t, lwkt.TokenOf(g))
	if td.Funnel() != f {
		t.Error("not taken back")
	}
	if panics(func() { td.Block(func() { panic(1) }) }) != 1 || td.Funnel() != f {
		t.Error("not taken back after a panic")
	}
	td.SetFunnel(nil)
	free(t, lwkt.TokenOf(f))
}

func TestFunnelMerge(t *testing.T) {
	for _, k := range []int{0, 1, 1000} {
		bypass(t, k)
		f, g := lwkt.NewFunnel("f"), lwkt.NewFunnel("g")
		sum := 0        // (f and g, once they are one)
		var each [2]int // (one of them)
		hf, hg := hold(t, lwkt.Exclusive, lwkt.TokenOf(f)), hold(t, lwkt.Exclusive, lwkt.TokenOf(g))
		var tasks []*lwkt.Task
		merge := func() {
			tasks = append(tasks, lwkt.Go("merge", func(td *lwkt.Thread) { lwkt.MergeFunnels(td, f, g) }))
		}
		merge()
		queued(t, lwkt.TokenOf(g), 1)
		for i := range 6 {
			own := []*lwkt.Funnel{f, g}[i%2]
			count := &each[i%2]
			tasks = append(tasks, lwkt.Go("waiter", func(td *lwkt.Thread) {
				for range 50 {
					prev := td.SetFunnel(own)
					*count++
					td.Block(func() {})
					*count++
					if k == 0 { // by age the merger came first, so all of this is in one funnel
						sum++
					}
					td.SetFunnel(prev)
				}
			}))
		}
		until(t, "all wait", func() bool { return lwkt.WaitersOf(lwkt.TokenOf(f))+lwkt.WaitersOf(lwkt.TokenOf(g)) == 8 })
		if k != 0 {
			merge() // a second one, at the same time
		}
		hf.release(t)
		hg.release(t)
		for _, k := range tasks {
			join(t, k)
		}
		if lwkt.TokenOf(f) != lwkt.TokenOf(g) {
			t.Error("not merged")
		}
		if k == 0 && sum != 6*50 || each != [2]int{300, 300} {
			t.Errorf("K=%d: sum %d of %d, each %d of 300", k, sum, 6*50, each)
		}
		free(t, lwkt.TokenOf(f))
		lwkt.Run("later", func(td *lwkt.Thread) {
			td.SetFunnel(g)
			if td.SetFunnel(f) != g || td.SwitchFunnel(g) {
				t.Error("merged funnels are not one")
			}
			td.SetFunnel(nil)
			if lwkt.MergeFunnels(td, f, g) || lwkt.MergeFunnels(td, f, f) {
				t.Error("a second merge is not nothing")
			}
		})
		free(t, lwkt.TokenOf(f))
	}
}

func TestFunnelMergeWhileBlockedWithIt(t *testing.T) {
	// A thread that gave its funnel up to block finds that another had it: the merger.
	for _, which := range []int{0, 1} {
		td := newThread(t)
		f, g := lwkt.NewFunnel("f"), lwkt.NewFunnel("g")
		own := []*lwkt.Funnel{f, g}[which]
		td.SetFunnel(own)
		if !td.Block(func() {
			join(t, lwkt.Go("merge", func(td *lwkt.Thread) { lwkt.MergeFunnels(td, f, g) }))
		}) {
			t.Errorf("funnel %d of 2: not changed, though the merger had it", which)
		}
		if td.Funnel() != own {
			t.Error("not taken back")
		}
		td.SetFunnel(nil)
		free(t, lwkt.TokenOf(f))
		td.End()
	}
}

func TestFunnelMergeTwiceWhileBlockedInside(t *testing.T) {
	// Blocks are nested, with a funnel of three at each level, and all become one.
	td := newThread(t)
	defer td.End()
	f, g, h := lwkt.NewFunnel("f"), lwkt.NewFunnel("g"), lwkt.NewFunnel("h")
	td.SetFunnel(h)
	if !td.Block(func() {
		td.SetFunnel(g)
		if !td.Block(func() {
			join(t, lwkt.Go("merge", func(td *lwkt.Thread) {
				lwkt.MergeFunnels(td, g, h)
				lwkt.MergeFunnels(td, f, g)
			}))
		}) {
			t.Error("inside: not changed, though the merger had it")
		}
		if td.Funnel() != g || lwkt.TokenOf(f).Held(td) != lwkt.Exclusive {
			t.Error("inside: not taken back")
		}
		td.SetFunnel(nil)
		free(t, lwkt.TokenOf(f))
	}) {
		t.Error("not changed, though the merger had it")
	}
	if td.Funnel() != h || lwkt.TokenOf(f).Held(td) != lwkt.Exclusive {
		t.Error("not taken back")
	}
	td.SetFunnel(nil)
	free(t, lwkt.TokenOf(f), lwkt.TokenOf(g), lwkt.TokenOf(h))
}

func TestFunnelMergeDropsTokens(t *testing.T) {
	td := newThread(t)
	defer td.End()
	f, g := lwkt.NewFunnel("f"), lwkt.NewFunnel("g")
	var tok lwkt.Token
	var in atomic.Bool
	tok.Acquire(td)
	h := lwkt.Go("holder", func(td *lwkt.Thread) {
		td.SetFunnel(g)
		in.Store(true)
		queued(t, lwkt.TokenOf(g), 1)
		had(t, &tok)
		td.SetFunnel(nil)
	})
	until(t, "the funnel is busy", in.Load)
	if !lwkt.MergeFunnels(td, f, g) {
		t.Error("not changed")
	}
	join(t, h)
	tok.Release(td)
}

func TestFunnelSwitchInsideNoBlock(t *testing.T) {
	td := newThread(t)
	defer td.End()
	f, g := lwkt.NewFunnel("f"), lwkt.NewFunnel("g")
	h := hold(t, lwkt.Exclusive, lwkt.TokenOf(g))
	var tok lwkt.Token
	tok.Acquire(td) // so that a wait is noticed, whatever becomes of the funnel
	td.SetFunnel(f)
	misuse(t, "", func() { td.NoBlock(func() { td.SwitchFunnel(g) }) })
	if td.Funnel() != f || lwkt.TokenOf(f).Held(td) != lwkt.Exclusive {
		t.Errorf("a refused switch left funnel %p with its token held %v", td.Funnel(), lwkt.TokenOf(f).Held(td))
	}
	if v := panics(func() { td.SetFunnel(nil) }); v != nil {
		t.Errorf("the funnel cannot be given up any more: %v", v)
	}
	tok.Release(td)
	h.release(t)
}

func TestFunnelAloneSwitchInsideNoBlock(t *testing.T) {
	f, g := lwkt.NewFunnel("f"), lwkt.NewFunnel("g")
	h := hold(t, lwkt.Exclusive, lwkt.TokenOf(g))
	var refused atomic.Bool
	k := lwkt.Go("switch", func(td *lwkt.Thread) {
		td.SetFunnel(f)
		v := panics(func() { td.NoBlock(func() { td.SwitchFunnel(g) }) })
		refused.Store(v != nil)
		if td.Funnel() != nil && lwkt.TokenOf(td.Funnel()).Held(td) == lwkt.Exclusive {
			td.SetFunnel(nil)
		}
	})
	until(t, "it waits, or was refused", func() bool {
		return lwkt.WaitersOf(lwkt.TokenOf(g)) == 1 || refused.Load()
	})
	if !refused.Load() {
		t.Error("a funnel was given up inside NoBlock")
	}
	h.release(t)
	join(t, k)
}
