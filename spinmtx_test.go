package lwkt_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
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

// spinOps are the operations on a spin mutex, of a thread that is impatient.
var spinOps = []struct {
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

func TestSpinMtxStates(t *testing.T) {
	impatient(t, lock.Patience{})
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
		for i, op := range spinOps {
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

// spinModel is a spin mutex as one thread after the other sees it.
type spinModel struct {
	recurse, dead bool
	owner, depth  int
}

// step is what an operation by the thread does, as spinOps say it. newest says whether the
// mutex is the one that the thread has taken last.
func (m *spinModel) step(op string, td int, newest bool) string {
	mine, others := m.depth > 0 && m.owner == td, m.depth > 0 && m.owner != td
	switch {
	case m.dead:
		return "panics"
	case op == "Lock" && others:
		return "spins"
	case op == "Lock" && mine && !m.recurse:
		return "panics"
	case op == "TryLock" && (others || mine && !m.recurse):
		return "fails"
	case op == "Lock", op == "TryLock":
		m.owner = td
		m.depth++
	case op == "Unlock" && (!mine || !newest):
		return "panics"
	case op == "Unlock":
		m.depth--
	case others || m.depth > 1: // Destroy
		return "panics"
	default:
		m.dead, m.depth = true, 0
	}
	return "ok"
}

// FuzzSpinMtx runs strings of operations by three threads on three mutexes against the model: a byte
// is operation + 5*(thread + 3*mutex), and the fifth operation is Init.
func FuzzSpinMtx(f *testing.F) {
	b := func(recurse byte, trios ...byte) []byte { // op, thread, mutex ...
		s := []byte{recurse}
		for i := 0; i < len(trios); i += 3 {
			s = append(s, trios[i]+5*(trios[i+1]+3*trios[i+2]))
		}
		return s
	}
	f.Add(b(0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 1, 0, 2, 0, 0, 2, 0, 0))
	f.Add(b(1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 2, 0, 0, 3, 0, 0, 0, 1, 0, 4, 1, 0, 1, 1, 0))
	f.Add(b(0, 0, 2, 0, 0, 2, 1, 2, 2, 0, 0, 2, 2, 2, 2, 2, 2, 2, 1, 2, 2, 0))
	f.Add(b(7, 0, 0, 0, 1, 0, 1, 0, 0, 0, 2, 0, 1, 2, 0, 0, 2, 0, 1, 3, 0, 1, 4, 0, 1))
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) == 0 {
			return
		}
		impatient(t, lock.Patience{})
		var tds [3]*lwkt.Thread
		var held [3][]int // by thread: the mutexes that it has taken, the newest last
		for i := range tds {
			tds[i] = lwkt.NewThread("player")
			defer tds[i].End()
		}
		var l [3]lwkt.SpinMtx
		var model [3]spinModel
		for i := range l {
			if model[i].recurse = ops[0]>>i&1 == 1; model[i].recurse {
				l[i].Init("L", lwkt.Recurse)
			}
		}
		step := func(op, td, n int) {
			if op == len(spinOps) {
				if model[n].dead {
					l[n].Init("L", lwkt.Recurse)
					model[n].dead, model[n].recurse = false, true
				}
				return
			}
			name, mine := spinOps[op].name, &held[td]
			newest := len(*mine) > 0 && (*mine)[len(*mine)-1] == n
			want := model[n].step(name, td, newest)
			if got := spinOps[op].do(&l[n], tds[td]); got != want {
				t.Fatalf("%s of lock %d by thread %d: %s, want %s", name, n, td, got, want)
			}
			if want == "ok" {
				switch name {
				case "Unlock":
					*mine = (*mine)[:len(*mine)-1]
				case "Destroy":
					*mine = slices.DeleteFunc(*mine, func(o int) bool { return o == n })
				default:
					*mine = append(*mine, n)
				}
			}
			for n := range l {
				for i, td := range tds {
					if got, want := l[n].Held(td) != lwkt.None, model[n].depth > 0 && model[n].owner == i; got != want {
						t.Fatalf("after %s thread %d has lock %d: %v, want %v", name, i, n, got, want)
					}
				}
			}
		}
		for _, b := range ops[1:min(len(ops), 300)] {
			step(int(b)%5, int(b)/5%3, int(b)/15%3)
		}
		for i, td := range tds {
			for len(held[i]) > 0 {
				step(2, i, held[i][len(held[i])-1])
			}
			misuse(t, "CritExit", func() { td.CritExit() }) // no section is left
		}
	})
}

// FuzzMtxPool runs strings of operations by three threads on two pools, one of them with two mutexes: a
// byte is operation + 6*(thread + 3*(pool + 2*key)).
func FuzzMtxPool(f *testing.F) {
	b := func(quads ...byte) (s []byte) { // op, thread, pool, key ...
		for i := 0; i < len(quads); i += 4 {
			s = append(s, quads[i]+6*(quads[i+1]+3*(quads[i+2]+2*quads[i+3])))
		}
		return s
	}
	f.Add(b(0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0))
	f.Add(b(2, 0, 0, 0, 2, 1, 0, 1, 3, 1, 1, 0, 4, 1, 0, 1, 4, 1, 1, 0, 4, 0, 0, 0))
	f.Add(b(3, 0, 0, 0, 3, 0, 1, 1, 0, 0, 1, 2, 5, 1, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1))
	f.Fuzz(func(t *testing.T, ops []byte) {
		lwkt.SetHierarchyChecks(true)
		defer lwkt.SetHierarchyChecks(false)
		var tds [3]*lwkt.Thread
		for i := range tds {
			tds[i] = lwkt.NewThread("player")
			defer tds[i].End()
		}
		var pools [2]mtxpool.Pool
		pools[0].Init("small", 2)
		owner := map[*lwkt.Mtx]*lwkt.Thread{}
		has := func(td *lwkt.Thread) (n int) {
			for _, o := range owner {
				if o == td {
					n++
				}
			}
			return n
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for _, b := range ops[:min(len(ops), 300)] {
			op, td, p, key := b%6, tds[b/6%3], &pools[b/18%2], int(b/36)
			m := p.Find(key)
			mine, others := owner[m] == td, owner[m] != nil && owner[m] != td
			want, got := "ok", ""
			switch op {
			case 0: // unless it would wait
				switch {
				case has(td) > 0:
					want = "panics"
				case others:
					continue
				}
				got = outcome(func() bool { p.Lock(td, key); return true })
			case 1:
				if !mine {
					want = "panics"
				}
				got = outcome(func() bool { p.Unlock(td, key); return true })
			case 2: // directly
				switch {
				case has(td) > 0:
					want = "panics"
				case others:
					want = "fails"
				}
				got = outcome(func() bool { _, err := m.LockContext(gone, td); return err == nil })
			case 3:
				if mine || others {
					want = "fails"
				}
				got = outcome(func() bool { return m.TryLock(td) })
			case 4:
				if !mine {
					want = "panics"
				}
				got = outcome(func() bool { m.Unlock(td); return true })
			case 5: // one after the other
				if m = p.Alloc(); owner[m] != nil {
					want = "fails"
				}
				got = outcome(func() bool { return m.TryLock(td) })
			}
			if got != want {
				t.Fatalf("%d of key %d: %s, want %s", op, key, got, want)
			}
			if got == "ok" {
				if op == 1 || op == 4 {
					owner[m] = nil
				} else {
					owner[m] = td
				}
			}
			for m, o := range owner {
				for _, td := range tds {
					if got, want := m.Held(td) != lwkt.None, o == td; got != want {
						t.Fatalf("after %d a thread has %v: %v, want %v", op, m, got, want)
					}
				}
			}
		}
		for m, o := range owner {
			if o != nil {
				m.Unlock(o)
			}
		}
	})
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
		granularities(t, func(m *sim.Machine) {
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
		})
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

// TestMtxPoolTable walks the table of Pool.
func TestMtxPoolTable(t *testing.T) {
	var p mtxpool.Pool
	p.Init("two", 2)
	keys := []int{0, 1}
	for p.Find(keys[1]) == p.Find(keys[0]) {
		keys[1]++ // until it is another mutex
	}
	ops := map[string]func(td *lwkt.Thread, key any){
		"Lock":   func(td *lwkt.Thread, key any) { p.Lock(td, key) },
		"Unlock": func(td *lwkt.Thread, key any) { p.Unlock(td, key) },
	}
	for _, c := range []struct {
		op   string
		held bool // that of the first key
		key  int
		want string
	}{
		{"Lock", false, keys[0], "ok"}, {"Lock", true, keys[0], "panics"}, {"Lock", true, keys[1], "panics"},
		{"Unlock", false, keys[0], "panics"}, {"Unlock", true, keys[0], "ok"}, {"Unlock", true, keys[1], "panics"},
	} {
		td := newThread(t)
		if c.held {
			p.Lock(td, keys[0])
		}
		if got := outcome(func() bool { ops[c.op](td, c.key); return true }); got != c.want {
			t.Errorf("%s of %d with one held %v: %s, want %s", c.op, c.key, c.held, got, c.want)
		}
		if m := p.Find(keys[0]); m.Held(td) != lwkt.None {
			m.Unlock(td)
		}
		td.End()
	}
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
	t.Run("explored", func(t *testing.T) {
		granularities(t, func(m *sim.Machine) { // two keys with one mutex
			var p mtxpool.Pool
			p.Init("P", 1)
			tok := lwkt.NewToken("T")
			n, under := 0, 0
			for i := range 3 {
				m.Go("t", func(td *lwkt.Thread) {
					was := 0
					if i == 0 {
						tok.Acquire(td)
						was = under
					}
					changed := p.Lock(td, i)
					if i == 0 {
						m.Assert(changed || was == under, "the token changed hands, and nobody said so")
					}
					v := n
					m.Yield(td)
					n = v + 1
					p.Unlock(td, i)
					if i == 0 {
						tok.Release(td)
					} else if i == 1 && tok.TryAcquire(td) {
						under++
						tok.Release(td)
					}
				})
			}
			m.Finally(func() { m.Assert(n == 3, "n is %d", n) })
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
