// What known orders cost, and what does not grow.
package engine_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"unsafe"
	"weak"

	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
)

func newLocks(e *engine.Engine, n int) []engine.Tag {
	list := make([]engine.Tag, n)
	c := e.Class(0, engine.ClassSpec{Name: "l", Kind: engine.Sleepable})
	for i := range list {
		e.Enroll(&list[i], c)
	}
	return list
}

func TestKnownOrdersAllocateNothing(t *testing.T) {
	e := engine.New(engine.Env{}, engine.Options{})
	th := e.Thread(engine.Origin{}, "")
	l := newLocks(e, 4)
	pairs := func() {
		th.Locked(&l[0], ex, 1)
		th.Locked(&l[1], ex, 2)
		th.Want(&l[2], sh, 3)
		th.Got(&l[2], sh, 3)
		th.Tried(&l[3], ex, 4)
		for i := range l {
			th.Unlocked(&l[3-i], []engine.Mode{ex, ex, sh, ex}[3-i], 5)
		}
	}
	pairs()
	if n := testing.AllocsPerRun(100, pairs); n != 0 {
		t.Errorf("%v allocations", n)
	}
	contended := func() {
		th.Locked(&l[0], ex, 1)
		th.Want(&l[1], ex, 2)
		th.Block(&l[1], ex, 2)
		th.Unblock()
		th.Got(&l[1], ex, 2)
		th.Unlocked(&l[1], ex, 2)
		th.Unlocked(&l[0], ex, 2)
	}
	contended()
	if n := testing.AllocsPerRun(100, contended); n != 0 {
		t.Errorf("%v allocations with a wait", n)
	}
}

// TestNothingIsForgotten has 70,000 other pairs between one order and its opposite, in which locks are
// new, or are met again in an order that is only learned.
func TestNothingIsForgotten(t *testing.T) {
	w := newWorld(t, engine.Options{})
	w.do("1 lock a b; unlock b a")
	th := w.thread("1")
	few := newLocks(w.e, 2000)
	order := rand.New(rand.NewPCG(1, 2)).Perm(len(few))
	many := newLocks(w.e, 70_000)
	for i := range 70_000 {
		x, y := &many[i], &many[(i+1)%len(many)] // a chain, in the end
		if i == len(many)-1 {
			x, y = &many[0], &many[i]
		}
		if i%2 == 0 {
			j, k := order[rand.IntN(len(order))], order[rand.IntN(len(order))]
			if j == k {
				continue
			}
			x, y = &few[min(j, k)], &few[max(j, k)]
		}
		th.Locked(x, ex, 1)
		th.Locked(y, ex, 2)
		th.Unlocked(y, ex, 3)
		th.Unlocked(x, ex, 4)
	}
	w.expect("")
	w.do("2 lock b a").expect("likely order b,a")
}

// TestBackwards learns a long chain from its end.
func TestBackwards(t *testing.T) {
	w := newWorld(t, engine.Options{})
	th := w.thread("1")
	l := newLocks(w.e, 20_000)
	for i := len(l) - 2; i >= 0; i-- {
		th.Locked(&l[i], ex, 1)
		th.Locked(&l[i+1], ex, 2)
		th.Unlocked(&l[i+1], ex, 3)
		th.Unlocked(&l[i], ex, 4)
	}
	w.expect("")
}

// object has a lock somewhere inside, as objects do.
type object struct {
	_   [6]uint64
	tag engine.Tag
}

// weakEnv finds out that locks are gone.
func weakEnv() engine.Env { return engine.Env{Weak: weakOf, Alive: alive} }

// The engine calls these with its lock held, of which the race detector sees nothing.
//
//go:norace
func weakOf(p unsafe.Pointer) unsafe.Pointer {
	w := weak.Make((*engine.Tag)(p))
	return unsafe.Pointer(&w)
}

//go:norace
func alive(p unsafe.Pointer) bool { return (*weak.Pointer[engine.Tag])(p).Value() != nil }

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestMillionLocks(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 100_000
	}
	// What is dead is dropped after a collection, so what there is between two depends on how
	// often there is one, and that on what other tests have left. This is about what stays.
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	e := engine.New(weakEnv(), engine.Options{})
	th := e.Thread(engine.Origin{}, "")
	server := newLocks(e, 2)
	c := e.Class(0, engine.ClassSpec{Name: "conn", Kind: engine.Sleepable})
	before := heap()
	var most uint64
	for i := range n {
		o := new(object)
		e.Enroll(&o.tag, c)
		switch i % 3 {
		case 0: // never nested
			th.Locked(&o.tag, ex, 1)
		case 1: // inside another, with a third inside
			th.Locked(&server[0], ex, 1)
			th.Locked(&o.tag, ex, 2)
			th.Locked(&server[1], ex, 3)
			th.Unlocked(&server[1], ex, 1)
			th.Unlocked(&server[0], ex, 1)
		case 2: // destroyed
			th.Locked(&server[0], ex, 1)
			th.Locked(&o.tag, ex, 2)
			th.Unlocked(&server[0], ex, 1)
		}
		th.Unlocked(&o.tag, ex, 1)
		if i%3 == 2 {
			e.Forget(&o.tag)
		}
		if i%(n/8) == n/8-1 {
			if now := heap(); now > before {
				most = max(most, now-before)
			}
		}
	}
	t.Logf("at most %d bytes", most)
	if most > 4<<20 {
		t.Errorf("%d bytes are kept", most)
	}
	if r := e.Reports(); len(r) != 0 {
		t.Errorf("%s", r[0].AppendText(nil, nil))
	}
	runtime.KeepAlive(th)
}

// TestLocksTakeTheirOrdersAlong nests locks of which nothing leads on. It is told of no lock that is gone, and yet nothing is left.
func TestLocksTakeTheirOrdersAlong(t *testing.T) {
	n := 100_000
	e := engine.New(engine.Env{}, engine.Options{})
	th := e.Thread(engine.Origin{}, "")
	c := e.Class(0, engine.ClassSpec{Name: "conn", Kind: engine.Sleepable})
	before := heap()
	for range n {
		o, p := new(object), new(object)
		e.Enroll(&o.tag, c)
		e.Enroll(&p.tag, c)
		th.Locked(&o.tag, ex, 1)
		th.Locked(&p.tag, ex, 2)
		th.Unlocked(&p.tag, ex, 3)
		th.Unlocked(&o.tag, ex, 4)
	}
	if now := heap(); now > before+1<<18 {
		t.Errorf("%d bytes are kept", now-before)
	}
	runtime.KeepAlive(th)
}

// TestMillionThreads starts goroutines that nest locks, each by the one before it or all by one
// which joins them; the same locks, or locks of their own.
func TestMillionThreads(t *testing.T) {
	n := 300_000
	if testing.Short() {
		n = 30_000
	}
	for i := range 4 {
		chain, own := i&1 == 0, i&2 != 0
		e := engine.New(weakEnv(), engine.Options{})
		l := newLocks(e, 3)
		work := func(th *engine.Thread) {
			if own {
				l = append([]engine.Tag(nil), l...)
				e.Enroll(&l[0], 0)
				e.Enroll(&l[1], 0)
				e.Enroll(&l[2], 0)
			}
			th.Locked(&l[0], ex, 1)
			th.Locked(&l[1], ex, 2)
			th.Unlocked(&l[1], ex, 3)
			th.Unlocked(&l[0], ex, 3)
		}
		th := e.Thread(engine.Origin{}, "")
		work(th)
		before := heap()
		for i := range n + 100 {
			if i == n {
				heap() // what is gone is noticed by who starts next
			}
			next := e.Thread(th.Fork(), "")
			work(next)
			next.Done(&l[2])
			if chain {
				th.Exit()
				th = next
			} else {
				next.Exit()
				th.Joined(&l[2])
			}
		}
		if now := heap(); now > before+1<<20 {
			t.Errorf("chain %v, own locks %v: %d bytes are kept", chain, own, now-before)
		}
		runtime.KeepAlive(th)
	}
}

func BenchmarkPlainMutex(b *testing.B) {
	var m sync.Mutex
	for b.Loop() {
		m.Lock()
		m.Unlock() //lint:ignore SA2001 that is what is measured
	}
}

func BenchmarkPair(b *testing.B) {
	e := engine.New(engine.Env{}, engine.Options{})
	th := e.Thread(engine.Origin{}, "")
	l := newLocks(e, 1)
	for b.Loop() {
		th.Locked(&l[0], ex, 1)
		th.Unlocked(&l[0], ex, 2)
	}
}

// BenchmarkNestedPair is one more pair with so many locks held, and with so many frames on
// the stack and a million pairs known besides.
func BenchmarkNestedPair(b *testing.B) {
	for _, depth := range []int{1, 2, 8, 32} {
		b.Run(fmt.Sprint("held=", depth), func(b *testing.B) {
			e := engine.New(engine.Env{}, engine.Options{})
			th := e.Thread(engine.Origin{}, "")
			l := newLocks(e, depth+1)
			for i := range depth {
				th.Locked(&l[i], ex, 1)
			}
			for b.Loop() {
				th.Locked(&l[depth], ex, 1)
				th.Unlocked(&l[depth], ex, 2)
			}
		})
	}
	b.Run("others=100000", func(b *testing.B) {
		e := engine.New(engine.Env{}, engine.Options{})
		th := e.Thread(engine.Origin{}, "")
		l := newLocks(e, 100_000)
		for i := range l[1:] {
			th.Locked(&l[i], ex, 1)
			th.Locked(&l[i+1], ex, 1)
			th.Unlocked(&l[i+1], ex, 1)
			th.Unlocked(&l[i], ex, 1)
		}
		th.Locked(&l[0], ex, 1)
		for b.Loop() {
			th.Locked(&l[1], ex, 1)
			th.Unlocked(&l[1], ex, 2)
		}
	})
}

// BenchmarkNewPair is a pair with a lock that is new each time.
func BenchmarkNewPair(b *testing.B) {
	for _, env := range []engine.Env{{}, weakEnv()} {
		b.Run(fmt.Sprint("weak=", env.Weak != nil), func(b *testing.B) {
			b.ReportAllocs()
			e := engine.New(env, engine.Options{})
			th := e.Thread(engine.Origin{}, "")
			l := newLocks(e, 1)
			th.Locked(&l[0], ex, 1)
			for b.Loop() {
				g := new(object)
				e.Enroll(&g.tag, l[0].ID().Class())
				th.Locked(&g.tag, ex, 1)
				th.Unlocked(&g.tag, ex, 2)
			}
		})
	}
}

// BenchmarkNewThread is a goroutine that takes one pair.
func BenchmarkNewThread(b *testing.B) {
	b.ReportAllocs()
	e := engine.New(engine.Env{}, engine.Options{})
	l := newLocks(e, 2)
	for b.Loop() {
		th := e.Thread(engine.Origin{}, "")
		th.Locked(&l[0], ex, 1)
		th.Locked(&l[1], ex, 1)
		th.Unlocked(&l[1], ex, 2)
		th.Unlocked(&l[0], ex, 2)
		th.Exit()
	}
}

func BenchmarkPairParallel(b *testing.B) {
	e := engine.New(engine.Env{}, engine.Options{})
	b.RunParallel(func(pb *testing.PB) {
		th := e.Thread(engine.Origin{}, "")
		l := newLocks(e, 2)
		for pb.Next() {
			th.Locked(&l[0], ex, 1)
			th.Locked(&l[1], ex, 1)
			th.Unlocked(&l[1], ex, 2)
			th.Unlocked(&l[0], ex, 2)
		}
	})
}
