// What the fast paths promise: nothing is allocated, by a wait neither, and the
// operations inline into their callers.
package lwkt_test

import (
	"os/exec"
	"regexp"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/invariants"
)

func TestFastPathsDoNotAllocate(t *testing.T) {
	if invariants.Enabled {
		t.Skip("with invariants each operation finds out its goroutine, which allocates")
	}
	td := newThread(t)
	defer td.End()
	var a, b, c lwkt.Token
	f := lwkt.NewFunnel("f")
	g := lwkt.NewGuarded("g", 1)
	m := td.Mark()
	nothing := func() {}
	ready := make(chan int, 1)
	var pool lwkt.Pool[int]
	for name, f := range map[string]func(){
		"exclusive": func() { a.Acquire(td); a.Release(td) },
		"shared":    func() { a.AcquireShared(td); a.Release(td) },
		"recursive": func() {
			a.Acquire(td)
			a.Acquire(td)
			a.AcquireShared(td)
			a.Release(td)
			a.Release(td)
			a.Release(td)
		},
		"recursive shared": func() {
			a.AcquireShared(td)
			a.AcquireShared(td)
			a.Release(td)
			a.Release(td)
		},
		"nested": func() {
			a.Acquire(td)
			b.Acquire(td)
			c.AcquireShared(td)
			c.Release(td)
			b.Release(td)
			a.Release(td)
		},
		"out of order": func() { a.Acquire(td); b.Acquire(td); a.Release(td); b.Release(td) },
		"upgrade":      func() { a.AcquireShared(td); a.Acquire(td); a.Release(td); a.Release(td) },
		"try":          func() { a.TryAcquire(td); b.TryAcquireShared(td); a.Release(td); b.Release(td) },
		"all":          func() { lwkt.AcquireAll(td, &a, &b, &c); lwkt.ReleaseAll(td, &a, &b, &c) },
		"context":      func() { a.AcquireContext(t.Context(), td); a.Release(td) },
		"mark":         func() { a.Acquire(td); m = td.Mark(); td.ChangedSince(m); a.Release(td) },
		"held":         func() { a.Held(td) },
		"block":        func() { a.Acquire(td); td.Block(nothing); a.Release(td) },
		"guarded":      func() { g.Acquire(td); r := g.Ref(td); *r.Write()++; r.Stale(); g.Release(td) },
		"funnel":       func() { td.SetFunnel(td.SetFunnel(f)) },
		"ready":        func() { lwkt.Send(td, ready, 1); lwkt.Recv(td, ready) },
		"pool":         func() { pool.Acquire(td, 7); pool.Release(td, 7) },
	} {
		f() // what is made once is made now
		if n := testing.AllocsPerRun(200, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestWaitsDoNotAllocate(t *testing.T) {
	if invariants.Enabled {
		t.Skip("with invariants each operation finds out its goroutine, which allocates")
	}
	bypass(t, 0) // hand over, so that each acquisition by one of two waits for the other
	var a, b lwkt.Token
	waits := func(td *lwkt.Thread, n uint64, enough *atomic.Bool) { // by either of two
		b.AcquireShared(td) // given up in each wait
		for begun := td.Stats().Waits; !enough.Load(); {
			a.Acquire(td)
			runtime.Gosched()
			a.Release(td)
			if td.Stats().Waits-begun >= n {
				enough.Store(true)
			}
		}
		b.Release(td)
	}
	round := func(n uint64) (allocs uint64) {
		var before, after runtime.MemStats
		start, stop := make(chan bool), make(chan bool)
		var warm, enough atomic.Bool
		for range 2 {
			lwkt.Go("waiter", func(td *lwkt.Thread) {
				waits(td, 20, &warm) // each has waited now
				stop <- true
				<-start
				waits(td, n, &enough)
				stop <- true
			})
		}
		<-stop
		<-stop
		runtime.ReadMemStats(&before)
		start <- true
		start <- true
		<-stop
		<-stop
		runtime.ReadMemStats(&after)
		return after.Mallocs - before.Mallocs
	}
	const n = 2000
	round(100)
	// The runtime allocates now and then on its own account, as for a new thread of
	// the system or the queue entry of a goroutine on a channel, so not exactly 0.
	if got := round(n); got > n/50 {
		t.Errorf("%d allocations in at least %d waits", got, n)
	}
}

func TestFastPathsInline(t *testing.T) {
	if testing.Short() {
		t.Skip("calls the compiler")
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip(err)
	}
	for pkg, funcs := range inlined {
		out, err := exec.Command(tool, "build", "-gcflags=-m=2", pkg).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, f := range funcs {
			if !regexp.MustCompile(`(?m): can inline ` + regexp.QuoteMeta(f) + ` with cost`).Match(out) {
				why := regexp.MustCompile(`(?m)^.*: cannot inline ` + regexp.QuoteMeta(f) + `:.*$`).Find(out)
				t.Errorf("%s: %s does not inline: %s", pkg, f, why)
			}
		}
	}
}

// inlined is what inlines, by package: so that between its caller and the one attempt on the word there is one call, or
// of tokens none. Not among it are a share of lockmgr, which may be a lock without shares; a semaphore,
// whose operations are sections of a mutex; a mutex pool, which hashes a key; and what sleeps.
var inlined = map[string][]string{
	".": {
		"(*Token).Acquire", "(*Token).AcquireShared", "(*Token).Release",
		"(*Mtx).Lock", "(*Mtx).TryLock", "(*Mtx).Unlock", "(*SpinMtx).Lock", "(*SpinMtx).TryLock", "(*SpinMtx).Unlock",
		"(*RWLock).RLock", "(*RWLock).RUnlock", "(*RWLock).WLock", "(*RWLock).WUnlock",
		"(*SX).SLock", "(*SX).SUnlock", "(*SX).XLock", "(*SX).XUnlock",
	},
	"./rmlock":     {"(*Lock).RLock", "(*Lock).RUnlock", "(*Lock).WLock", "(*Lock).WUnlock"},
	"./lockmgr":    {"(*Lock).XLock", "(*Lock).Unlock"},
	"./giant":      {"(*Mtx).Lock", "(*Mtx).Unlock"},
	"./serializer": {"(*Serializer).Enter", "(*Serializer).Exit"},
}
