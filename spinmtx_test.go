package lwkt_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/mtxpool"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/sim"
)

// impatient makes who spins give up at once, for a test.
func impatient(t *testing.T, p lock.Patience) {
	old := lock.SpinPatience
	lock.SpinPatience = p
	t.Cleanup(func() { lock.SpinPatience = old })
}

// warnings collects what would be told on the standard error, for a test.
func warnings(t *testing.T) *[]string {
	old := thread.Warn
	all := new([]string)
	thread.Warn = func(text string) { *all = append(*all, text) }
	t.Cleanup(func() { thread.Warn = old })
	return all
}

func TestSpinMtxStates(t *testing.T) {
	impatient(t, lock.Patience{})
	ops := []struct {
		name string
		do   func(m *lwkt.SpinMtx, td *lwkt.Thread) string
	}{
		{"Lock", func(m *lwkt.SpinMtx, td *lwkt.Thread) (what string) {
			defer func() {
				if v, ok := recover().(*lwkt.Misuse); ok {
					if what = "panics"; strings.Contains(v.Why, "stuck") {
						what = "spins"
					}
				}
			}()
			m.Lock(td)
			return "ok"
		}},
		{"TryLock", func(m *lwkt.SpinMtx, td *lwkt.Thread) string { return outcome(func() bool { return m.TryLock(td) }) }},
		{"Unlock", func(m *lwkt.SpinMtx, td *lwkt.Thread) string {
			return outcome(func() bool { m.Unlock(td); return true })
		}},
		{"Destroy", func(m *lwkt.SpinMtx, td *lwkt.Thread) string {
			return outcome(func() bool { m.Destroy(td); return true })
		}},
	}
	want := map[string][]string{ // as the doc comment has it
		"free":         {"ok", "ok", "panics", "ok"},
		"own":          {"panics", "fails", "ok", "ok"},
		"own, recurse": {"ok", "ok", "ok", "ok"},
		"own, twice":   {"ok", "ok", "ok", "panics"},
		"not newest":   {"panics", "fails", "panics", "ok"},
		"another's":    {"spins", "fails", "panics", "panics"},
		"destroyed":    {"panics", "panics", "panics", "panics"},
	}
	for state, row := range want {
		for i, op := range ops {
			t.Run(state+"/"+op.name, func(t *testing.T) {
				td, other := newThread(t), newThread(t)
				var m, n lwkt.SpinMtx
				undo := func() {}
				switch state {
				case "own":
					m.Lock(td)
				case "own, recurse", "own, twice":
					m.Init("M", lwkt.Recurse)
					m.Lock(td)
					if state == "own, twice" {
						m.Lock(td)
					}
				case "not newest":
					m.Lock(td)
					n.Lock(td)
					undo = func() { n.Unlock(td) }
				case "another's":
					m.Lock(other)
					undo = func() { m.Unlock(other) }
				case "destroyed":
					m.Destroy(td)
				}
				if got := op.do(&m, td); got != row[i] {
					t.Errorf("%s, want %s", got, row[i])
				}
				undo()
				for m.Held(td) != lwkt.None {
					m.Unlock(td)
				}
				misuse(t, "CritExit", func() { td.CritExit() }) // no section is left
				td.End()
				other.End()
			})
		}
	}
}

func TestRow20SpinMtx(t *testing.T) {
	t.Run("waiting inside panics", func(t *testing.T) {
		td, other := newThread(t), newThread(t)
		defer td.End()
		defer other.End()
		tok := lwkt.NewToken("T")
		var s lwkt.SpinMtx
		s.Init("S", 0)
		var mu lwkt.Mtx
		var rm rmlock.Lock
		var sx lwkt.SX
		mu.Lock(other)
		rm.RLock(other)
		sx.XLock(other)
		tok.Acquire(other)
		s.Lock(td)
		for op, f := range map[string]func(){
			"Block":   func() { td.Block(runtime.Gosched) },
			"Pause":   func() { td.Pause(1) },
			"Lock":    func() { mu.Lock(td) },
			"WLock":   func() { rm.WLock(td) },
			"XLock":   func() { sx.XLock(td) },
			"Acquire": func() { tok.Acquire(td) },
		} {
			says(t, misuse(t, op, f).Error(), `spin mutex "S"`)
		}
		if rm.TryWLock(td) || tok.TryAcquire(td) || mu.TryLock(td) {
			t.Error("a try form succeeded")
		}
		s.Unlock(td)
		tok.Release(other)
		sx.XUnlock(other)
		rm.RUnlock(other)
		mu.Unlock(other)
		if !rm.TryWLock(td) {
			t.Error("the attempt left something")
		} else {
			rm.WUnlock(td)
		}
	})
	t.Run("recursion panics", func(t *testing.T) {
		td := newThread(t)
		defer td.End()
		var s lwkt.SpinMtx
		s.Lock(td)
		says(t, misuse(t, "Lock", func() { s.Lock(td) }).Error(), "does not recurse")
		s.Unlock(td)
	})
	t.Run("a stuck holder is named", func(t *testing.T) {
		told := warnings(t)
		td, other := newThread(t), lwkt.NewThread("stuck")
		defer td.End()
		var s lwkt.SpinMtx
		s.Init("S", 0)
		s.Lock(other)
		impatient(t, lock.Patience{Panic: 1000})
		says(t, misuse(t, "Lock", func() { s.Lock(td) }).Error(), `spin mutex "S"`, `thread "stuck"`, "1µs of spinning")
		if len(*told) != 1 || !strings.Contains((*told)[0], `thread "stuck"`) {
			t.Errorf("%q", *told)
		}
		s.Unlock(other)
		s.Lock(td) // it was only tried
		s.Unlock(td)
		other.End()
	})
	t.Run("at the end of a thread", func(t *testing.T) {
		var s, r lwkt.SpinMtx
		s.Init("S", 0)
		r.Init("R", lwkt.Recurse)
		td := newThread(t)
		s.Lock(td)
		r.Lock(td)
		r.Lock(td)
		td.CritEnter()
		says(t, misuse(t, "End", func() { td.End() }).Error(), `spin mutex "S"`, `"R"`, "a critical section")
		td = newThread(t)
		if !s.TryLock(td) || !r.TryLock(td) {
			t.Error("they were not released")
		}
		r.Unlock(td)
		s.Unlock(td)
		td.End()
	})
	t.Run("sum", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var s lwkt.SpinMtx
			tok := lwkt.NewToken("T")
			n, k, rounds := 0, 0, scale(4000)
			for i := range 4 {
				h.Go("adder", func(td *lwkt.Thread) {
					for range rounds {
						if i%2 == 0 {
							tok.Acquire(td)
							k++
						}
						s.Lock(td)
						n++
						s.Unlock(td)
						if i%2 == 0 {
							tok.Release(td)
						}
					}
				})
			}
			h.Wait()
			if n != 4*rounds || k != 2*rounds {
				t.Errorf("%d and %d, want %d", n, k, 4*rounds)
			}
		})
	})
	t.Run("explored", func(t *testing.T) {
		for _, o := range []sim.Options{{}, {Attempts: true}} {
			explore.Test(t, func(m *sim.Machine) {
				var a, b lwkt.SpinMtx
				tok := lwkt.NewToken("T")
				n := 0
				for i := range 3 {
					m.Go("t", func(td *lwkt.Thread) {
						if i > 0 {
							tok.Acquire(td)
						}
						a.Lock(td)
						if i < 2 && b.TryLock(td) {
							n++
							b.Unlock(td)
						} else {
							n++
						}
						a.Unlock(td)
						if i > 0 {
							tok.Release(td)
						}
					})
				}
				m.Finally(func() { m.Assert(n == 3, "n is %d", n) })
			}, explore.On(o))
		}
	})
}

func TestRow41CriticalSection(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		h.Go("t", func(td *lwkt.Thread) {
			td.CritEnter()
			td.CritEnter()
			td.Block(h.Yield) // it lapses
			td.CritExit()
			td.CritExit()
			says(t, misuse(t, "CritExit", func() { td.CritExit() }).Error(), "no CritEnter")
			var s lwkt.SpinMtx
			s.Lock(td)
			says(t, misuse(t, "CritExit", func() { td.CritExit() }).Error(), "Unlock ends")
			s.Unlock(td)
		})
	})
	td := newThread(t)
	td.CritEnter()
	says(t, misuse(t, "End", func() { td.End() }).Error(), "a critical section")
	misuse(t, "CritEnter", func() { td.CritEnter() })
}

func TestRow24MtxPool(t *testing.T) {
	t.Run("many objects", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var p mtxpool.Pool
			p.Init("objects", 1024)
			objects := make([]int, scale(100_000))
			for range 4 {
				h.Go("adder", func(td *lwkt.Thread) {
					for i := range objects {
						p.Lock(td, &objects[i])
						objects[i]++
						p.Unlock(td, &objects[i])
					}
				})
			}
			h.Wait()
			used := map[*lwkt.Mtx]int{}
			for i := range objects {
				if objects[i] != 4 {
					t.Fatalf("object %d was counted %d times", i, objects[i])
				}
				used[p.Find(&objects[i])]++
			}
			if most := len(objects)/1024*3 + 40; len(objects) > 4096 && len(used) < 900 {
				t.Errorf("%d of 1024 mutexes are used", len(used))
			} else {
				for m, n := range used {
					if n > most {
						t.Errorf("%d objects have %v", n, m)
					}
				}
			}
		})
	})
	t.Run("nesting is reported", func(t *testing.T) {
		td := newThread(t)
		defer td.End()
		var p, q mtxpool.Pool
		p.Init("P", 1)
		p.Lock(td, 1)
		for _, pool := range []*mtxpool.Pool{&p, &q} { // the same mutex for another key, another pool
			says(t, misuse(t, "Lock", func() { pool.Lock(td, 2) }).Error(), "mutex of a pool already")
		}
		misuse(t, "Unlock", func() { q.Unlock(td, 1) })
		p.Unlock(td, 2) // the mutex of key 1
		var m lwkt.Mtx
		m.Lock(td)
		p.Lock(td, 1)
		p.Unlock(td, 1)
		m.Unlock(td)
	})
	t.Run("nesting by Find and Alloc is reported too", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			lwkt.SetHierarchyChecks(true)
			defer lwkt.SetHierarchyChecks(false)
			var p, q mtxpool.Pool
			p.Init("P", 2)
			h.Go("nests", func(td *lwkt.Thread) {
				a, b := p.Alloc(), p.Alloc()
				says(t, misuse(t, "Lock", func() { a.Lock(td); a.Lock(td) }).Error(), "does not recurse")
				for _, m := range []*lwkt.Mtx{b, q.Find("key")} {
					says(t, misuse(t, "Lock", func() { m.Lock(td) }).Error(), "mutex of a pool already")
					says(t, misuse(t, "LockContext", func() { m.LockContext(t.Context(), td) }).Error(), "mutex of a pool already")
					if !m.TryLock(td) {
						t.Error("the try form is forbidden")
					}
					m.Unlock(td)
				}
				var event int
				td.SleepOn(&event, a, lwkt.SleepOptions{Timeout: -1})
				var m lwkt.Mtx
				m.Lock(td) // of no pool
				m.Unlock(td)
				a.Unlock(td)
				m.Lock(td)
				b.Lock(td)
				b.Unlock(td)
				m.Unlock(td)
			})
			h.Wait()
		})
	})
	t.Run("the witness reports it", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			watching(t)
			var p, q mtxpool.Pool
			p.Init("P", 2)
			q.Init("Q", 2)
			h.Go("nests", func(td *lwkt.Thread) {
				both(td, p.Alloc(), q.Alloc()) // two classes, in one order
				both(td, p.Alloc(), named("M", 0))
				reports(t, "duplicate")
				both(td, p.Alloc(), p.Alloc())
			})
			h.Wait()
			reports(t, "duplicate", []string{"P", "spinmtx_test.go"})
		})
	})
	t.Run("sizes", func(t *testing.T) {
		told := warnings(t)
		for size, want := range map[int]int{1: 1, 64: 64, 1024: 1024, 0: 128, -4: 128, 100: 128} {
			var p mtxpool.Pool
			*told = nil
			p.Init("P", size)
			if p.Size() != want {
				t.Errorf("Size is %d, want %d", p.Size(), want)
			}
			if bad := size != want; bad != (len(*told) == 1) || bad && !strings.Contains((*told)[0], fmt.Sprint("size ", size, " is no power of two")) {
				t.Errorf("of %d: told %q", size, *told)
			}
			misuse(t, "Init", func() { p.Init("again", 2) })
		}
		var p mtxpool.Pool
		if p.Size() != 128 {
			t.Error(p.Size())
		}
		seen := map[*lwkt.Mtx]bool{}
		for range 128 {
			seen[p.Alloc()] = true
		}
		if len(seen) != 128 {
			t.Errorf("the rover gave %d different ones", len(seen))
		}
		if k, seven := p.Find("k"), p.Find(7); k != p.Find("k") || seven != p.Find(7) {
			t.Error("a key has two mutexes")
		}
	})
}

func ExampleSpinMtx() {
	lwkt.Run("main", func(td *lwkt.Thread) {
		var s lwkt.SpinMtx
		n := 0
		s.Lock(td)
		n++ // a few instructions; nothing here may wait
		s.Unlock(td)
		fmt.Println(n)
	})
	// Output: 1
}
