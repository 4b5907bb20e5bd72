// The witness and the locks of this package: acceptance rows 42 to 44, each on every host, and
// that it pays nothing and hides nothing while it is off.
package lwkt_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/witness"
)

// watching switches the witness on for a test and forgets what it knew.
func watching(t *testing.T, o ...witness.Option) {
	witness.Reset()
	witness.Enable(append([]witness.Option{witness.Quiet()}, o...)...)
	t.Cleanup(func() {
		witness.Disable()
		witness.Reset()
	})
}

// reports wants the witness to have found what each of the texts describes, and nothing else.
func reports(t *testing.T, kind string, texts ...[]string) {
	t.Helper()
	found := witness.Reports()
	if len(found) != len(texts) {
		t.Errorf("%d reports, want %d", len(found), len(texts))
		for _, r := range found {
			t.Log(r)
		}
		return
	}
	for i, r := range found {
		if string(r.Kind) != kind {
			t.Errorf("a report of %v, want %v:\n%v", r.Kind, kind, r)
		}
		says(t, r.String(), texts[i]...)
	}
}

// named is a mutex of a class.
func named(class string, o lwkt.Options) *lwkt.Mtx {
	m := new(lwkt.Mtx)
	m.Init(class, o)
	return m
}

func both(td *lwkt.Thread, a, b *lwkt.Mtx) {
	a.Lock(td)
	b.Lock(td)
	b.Unlock(td)
	a.Unlock(td)
}

func TestRow42LockOrder(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		watching(t)
		a, b := named("vnode", 0), named("vmobject", 0)
		h.Go("one", func(td *lwkt.Thread) {
			both(td, a, b)
			both(td, b, a) // nobody else is there: it does not hang
		})
		h.Wait()
		reports(t, "order", []string{"vnode", "vmobject", "possible", "witness_test.go", "both", "TestRow42LockOrder"})
		witness.Reset()
		var first atomic.Bool
		h.Go("one", func(td *lwkt.Thread) {
			both(td, a, b)
			first.Store(true)
		})
		h.Go("two", func(td *lwkt.Thread) {
			h.Until("one has done it", first.Load)
			both(td, b, a)
		})
		h.Wait()
		reports(t, "order", []string{"vnode", "vmobject", "likely", "one", "two"})
	})
	t.Run("silent", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			watching(t)
			a, b, gate := named("a", 0), named("b", 0), named("gate", 0)
			for _, name := range []string{"one", "two"} {
				h.Go(name, func(td *lwkt.Thread) {
					both(td, a, b)
					b.Lock(td)
					if a.TryLock(td) { // a try orders nothing
						a.Unlock(td)
					}
					b.Unlock(td)
				})
			}
			h.Wait()
			c, d := named("c", 0), named("d", 0)
			for i := range 2 {
				h.Go("gated", func(td *lwkt.Thread) {
					gate.Lock(td)
					both(td, []*lwkt.Mtx{c, d}[i], []*lwkt.Mtx{d, c}[i])
					gate.Unlock(td)
				})
			}
			h.Wait()
			var x, y lwkt.Token
			for i := range 2 { // tokens order nothing, among themselves or against locks
				h.Go("tokens", func(td *lwkt.Thread) {
					first, second := []*lwkt.Token{&x, &y}[i], []*lwkt.Token{&y, &x}[i]
					first.Acquire(td)
					a.Lock(td)
					second.Acquire(td)
					lwkt.ReleaseAll(td, first, second)
					a.Unlock(td)
				})
			}
			h.Wait()
			reports(t, "")
		})
	})
}

func TestRow43LockClasses(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		watching(t)
		h.Go("two of a class", func(td *lwkt.Thread) { both(td, named("inode", 0), named("inode", 0)) })
		h.Wait()
		reports(t, "duplicate", []string{"inode"})
		witness.Reset()
		h.Go("meant", func(td *lwkt.Thread) { both(td, named("inode", lwkt.DupOK), named("inode", lwkt.DupOK)) })
		h.Go("unwatched", func(td *lwkt.Thread) { both(td, named("x", lwkt.NoWitness), named("x", lwkt.NoWitness)) })
		h.Wait()
		reports(t, "")
		if err := witness.Order("proc", "session", "tty"); err != nil {
			t.Error(err)
		}
		h.Go("reversed", func(td *lwkt.Thread) { both(td, named("tty", 0), named("proc", 0)) })
		h.Wait()
		reports(t, "order", []string{"tty", "proc", "declared"})
	})
}

func TestRow44SleepingWithMutex(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		watching(t)
		m := named("softc", 0)
		var rw lwkt.RWLock
		var sx lwkt.SX
		h.Go("sleeper", func(td *lwkt.Thread) {
			sx.XLock(td)
			td.Sleep(&sx, -1) // an sx lock may be held
			sx.XUnlock(td)
			m.Lock(td)
			td.SleepOn(m, m, lwkt.SleepOptions{Timeout: -1}) // dropped, so not held
			td.Sleep(m, -1)
			m.Unlock(td)
			rw.Init("route", 0)
			rw.RLock(td)
			td.Block(func() {})
			rw.RUnlock(td)
		})
		h.Wait()
		reports(t, "sleep", []string{"softc", "Sleep", "witness_test.go"}, []string{"route", "Block"})
	})
}

func TestWitnessDeadlock(t *testing.T) {
	watching(t)
	a, b := named("left", 0), named("right", 0)
	h := newSimulated(t, 0, 1)
	for i := range 2 {
		h.m.Go("t", func(td *lwkt.Thread) {
			ms := []*lwkt.Mtx{a, b}
			ms[i].Lock(td)
			h.Yield()
			ms[1-i].Lock(td)
			ms[1-i].Unlock(td)
			ms[i].Unlock(td)
		})
	}
	r := h.m.Run(h)
	if !strings.Contains(r.Err.Error(), "deadlock") {
		t.Skip("this schedule has no deadlock") // of seed 1 it has
	}
	for _, r := range witness.Reports() {
		if r.Kind == "deadlock" {
			return
		}
	}
	t.Errorf("no report of the deadlock: %v", witness.Reports())
}

func TestWitnessHeldAtExit(t *testing.T) {
	watching(t)
	m := named("leaked", 0)
	misuse(t, "End", func() { lwkt.Run("leaker", func(td *lwkt.Thread) { m.Lock(td) }) })
	reports(t, "leak", []string{"leaked", "leaker"})
}

// TestWitnessKnowsStarts: who starts a thread after its own last use of the locks cannot deadlock
// with it.
func TestWitnessKnowsStarts(t *testing.T) {
	watching(t)
	a, b := named("a", 0), named("b", 0)
	lwkt.Run("starter", func(td *lwkt.Thread) {
		both(td, a, b)
		td.Go("started", func(td *lwkt.Thread) { both(td, b, a) }).Join(td)
	})
	reports(t, "")
	lwkt.Run("another", func(td *lwkt.Thread) { both(td, a, b) })
	if len(witness.Reports()) == 0 {
		t.Error("nobody started this one")
	}
}

// TestWitnessMayComeAndGo: locks that were taken while it was off are released while it is on,
// and the other way round.
func TestWitnessMayComeAndGo(t *testing.T) {
	witness.Reset()
	td := newThread(t)
	defer td.End()
	a, b := named("a", 0), named("b", 0)
	a.Lock(td)
	watching(t)
	b.Lock(td)
	a.Unlock(td)
	witness.Disable()
	b.Unlock(td)
	both(td, a, b)
	witness.Enable(witness.Quiet())
	both(td, a, b)
	reports(t, "")
}

func TestWitnessDoesNotAllocate(t *testing.T) {
	if invariants.Enabled || raceEnabled {
		t.Skip("with invariants each operation finds out its goroutine, which allocates")
	}
	watching(t)
	td := newThread(t)
	defer td.End()
	a, b := named("a", 0), named("b", 0)
	both(td, a, b)
	if n := testing.AllocsPerRun(200, func() { both(td, a, b) }); n != 0 {
		t.Errorf("%v allocations for a known order", n)
	}
}

// TestWitnessTellsUsersCode: stacks have neither the lock code nor what started the thread, and
// a lock without a name is called by a place that is short.
func TestWitnessTellsUsersCode(t *testing.T) {
	watching(t)
	var a, b lwkt.Mtx
	var event int
	lwkt.Run("one", func(td *lwkt.Thread) {
		both(td, &a, &b)
		both(td, &b, &a)
		a.Lock(td)
		td.Sleep(&event, -1)
		a.Unlock(td)
	})
	found := witness.Reports()
	if len(found) != 2 {
		t.Fatal(found)
	}
	for _, r := range found {
		says(t, r.String(), "mutex of github.com/serializing-tokens/lwkt_test/witness_test.go:", "TestWitnessTellsUsersCode")
		for _, not := range []string{"goexit", "tRunner", "/internal/", "lwkt.(*Thread)"} {
			if strings.Contains(r.String(), not) {
				t.Errorf("%s in %s", not, r)
			}
		}
	}
}
