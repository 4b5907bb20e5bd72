// The acceptance rows of tokens: each feature that the sources of this package
// promise is one test, which carries the number of its row.
package lwkt_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
)

// overlap detects two threads in a section that is for one.
type overlap struct{ inside, seen atomic.Int32 }

func (o *overlap) enter() {
	if o.inside.Add(1) != 1 {
		o.seen.Add(1)
	}
}

func (o *overlap) leave() { o.inside.Add(-1) }

func (o *overlap) check(t *testing.T) {
	t.Helper()
	if n := o.seen.Load(); n != 0 {
		t.Errorf("sections overlapped %d times", n)
	}
}

func TestRow01SerializingToken(t *testing.T) {
	processors(t, 8)
	onHosts(t, func(t *testing.T, h host) {
		var tok lwkt.Token
		count, each := 0, scale(40_000)
		for range 8 {
			h.Go("adder", func(td *lwkt.Thread) {
				for range each {
					tok.Acquire(td)
					count++
					tok.Release(td)
				}
			})
		}
		h.Wait()
		if count != 8*each {
			t.Errorf("count is %d, want %d", count, 8*each)
		}
	})
}

func TestRow02DroppedWhileBlocked(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		tok := lwkt.NewToken("T")
		var event int // also the wait channel
		h.Go("A", func(td *lwkt.Thread) {
			tok.Acquire(td)
			changed, err := td.Sleep(&event, 0)
			if !changed || err != nil {
				t.Errorf("Sleep = %v, %v; want changed", changed, err)
			}
			if tok.Held(td) != lwkt.Exclusive {
				t.Errorf("resumed holding the token %v", tok.Held(td))
			}
			if event != 2 {
				t.Errorf("resumed inside B's section: event is %d", event)
			}
			tok.Release(td)
		})
		h.Go("B", func(td *lwkt.Thread) {
			h.Until("A sleeps", func() bool { return lwkt.SleepersOn(&event) == 1 })
			tok.Acquire(td)
			if lwkt.SleepersOn(&event) != 1 {
				t.Error("A does not sleep any more")
			}
			event = 1
			if n := td.Wakeup(&event); n != 1 {
				t.Errorf("woke %d threads, want A", n)
			}
			h.Until("A, awake, waits for its token", func() bool { return lwkt.WaitersOf(tok) == 1 })
			event = 2
			tok.Release(td)
		})
	})
}

func TestRow03AllTokenWakeup(t *testing.T) {
	processors(t, 4)
	onHosts(t, func(t *testing.T, h host) {
		var tok [2]lwkt.Token
		var in [2]int // who is in the section of each; plain, so that a race is seen
		enter := func(who, i int) {
			if in[i] != 0 {
				t.Errorf("thread %d was let in while thread %d had token %d", who, in[i], i)
			}
			in[i] = who
		}
		for who := 1; who <= 3; who++ { // need both, and block with both
			h.Go(fmt.Sprint("both ", who), func(td *lwkt.Thread) {
				for n := range scale(2000) {
					if n%2 == 0 {
						lwkt.AcquireAll(td, &tok[0], &tok[1])
					} else {
						tok[1].Acquire(td)
						tok[0].Acquire(td)
					}
					for range 3 {
						enter(who, 0)
						enter(who, 1)
						in = [2]int{}
						td.Block(h.Yield)
						if tok[0].Held(td) != lwkt.Exclusive || tok[1].Held(td) != lwkt.Exclusive {
							t.Errorf("resumed holding %v and %v", tok[0].Held(td), tok[1].Held(td))
						}
					}
					lwkt.ReleaseAll(td, &tok[0], &tok[1])
				}
			})
		}
		for who := 4; who <= 7; who++ { // keep one of them busy
			h.Go(fmt.Sprint("one ", who), func(td *lwkt.Thread) {
				i := who % 2
				for range scale(6000) {
					tok[i].Acquire(td)
					enter(who, i)
					h.Yield()
					in[i] = 0
					tok[i].Release(td)
				}
			})
		}
	})
}

func TestRow05AskForBothAtStart(t *testing.T) {
	processors(t, 4)
	onHosts(t, func(t *testing.T, h host) {
		t1, t2 := lwkt.NewToken("T1"), lwkt.NewToken("T2")
		// One by one there is a window: T1 was held, and another one had it before T2 was.
		var holding, inside atomic.Bool
		h.Go("one by one", func(td *lwkt.Thread) {
			h.Until("T2 is busy", holding.Load)
			t1.Acquire(td)
			inside.Store(true)
			if !t2.Acquire(td) {
				t.Error("T1 changed hands and nobody said so")
			}
			lwkt.ReleaseAll(td, t1, t2)
		})
		h.Go("between", func(td *lwkt.Thread) {
			t2.Acquire(td)
			holding.Store(true)
			h.Until("the other one waits for T2", func() bool { return inside.Load() && lwkt.WaitersOf(t2) == 1 })
			if !t1.TryAcquire(td) {
				t.Error("a thread that waits for T2 keeps T1")
			}
			lwkt.ReleaseAll(td, t1, t2)
		})
		h.Wait()

		// Both at once: what was true of both when asked for stays true.
		var version [2]int
		var have [2]*lwkt.Token = [2]*lwkt.Token{t1, t2}
		for n := range 4 {
			h.Go("both", func(td *lwkt.Thread) {
				for range scale(4000) {
					changed := lwkt.AcquireAll(td, have[n%2], have[1-n%2])
					if changed {
						t.Error("a window between the two: changed, though nothing was held before")
					}
					if t1.Held(td) != lwkt.Exclusive || t2.Held(td) != lwkt.Exclusive {
						t.Error("not both are held")
					}
					if version[0] != version[1] {
						t.Errorf("half of a section was seen: %v", version)
					}
					version[0]++
					h.Yield()
					version[1]++
					lwkt.ReleaseAll(td, t1, t2)
				}
			})
			h.Go("one", func(td *lwkt.Thread) {
				for range scale(4000) {
					have[n%2].Acquire(td)
					h.Yield()
					have[n%2].Release(td)
				}
			})
		}
	})
}

func TestRow06AnyOrderNoDeadlock(t *testing.T) {
	processors(t, 4)
	t.Run("random", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var tok [6]lwkt.Token
			var count [6]int
			var want [6]atomic.Int64
			for n := range 8 {
				h.Go(fmt.Sprint("random ", n), func(td *lwkt.Thread) {
					rng := rand.New(rand.NewPCG(6, uint64(n)))
					for range scale(3000) {
						set := rng.Perm(len(tok))[:1+rng.IntN(4)]
						for _, i := range set {
							if rng.IntN(3) == 0 {
								tok[i].AcquireShared(td) // and, below, perhaps an upgrade
							}
							if rng.IntN(3) > 0 {
								tok[i].Acquire(td)
								count[i]++
								want[i].Add(1)
								tok[i].Release(td)
							}
							tok[i].Acquire(td) // kept
						}
						rng.Shuffle(len(set), func(i, j int) { set[i], set[j] = set[j], set[i] })
						for _, i := range set {
							for tok[i].Held(td) != lwkt.None {
								tok[i].Release(td)
							}
						}
					}
				})
			}
			h.Wait()
			for i := range count {
				if int64(count[i]) != want[i].Load() {
					t.Errorf("token %d: count %d, want %d", i, count[i], want[i].Load())
				}
			}
		})
	})

	// The dinner: everybody has the fork at the left when all ask for the right one.
	const n = 5
	t.Run("tokens", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var fork [n]lwkt.Token
			var seated atomic.Int32
			meals := [n]int{}
			for i := range n {
				h.Go(fmt.Sprint("philosopher ", i), func(td *lwkt.Thread) {
					left, right := &fork[i], &fork[(i+1)%n]
					left.Acquire(td)
					seated.Add(1)
					h.Until("all have a fork, or had", func() bool { return seated.Load() == n })
					right.Acquire(td)
					meals[i]++
					lwkt.ReleaseAll(td, left, right)
				})
			}
			h.Wait()
			if meals != [n]int{1, 1, 1, 1, 1} {
				t.Errorf("meals: %v", meals)
			}
		})
	})
	t.Run("mutexes", func(t *testing.T) {
		var fork [n]sync.Mutex
		var waitsFor waitGraph
		var seated, ready sync.WaitGroup
		reports := make(chan string, n)
		seated.Add(n)
		for i := range n {
			ready.Go(func() {
				fork[i].Lock()
				defer fork[i].Unlock()
				waitsFor.owns(i, i)
				seated.Done()
				seated.Wait()
				if report := waitsFor.lock(i, (i+1)%n, &fork[(i+1)%n]); report != "" {
					reports <- report
					return
				}
				fork[(i+1)%n].Unlock()
			})
		}
		ready.Wait() // they gave up when they were told of the cycle; nobody is left behind
		close(reports)
		found := 0
		for r := range reports {
			found++
			for i := range n {
				says(t, r, fmt.Sprintf("%d waits for mutex %d", i, (i+1)%n))
			}
		}
		if found == 0 { // who is told gives up, and with that some of the others go on
			t.Error("a deadlock that nobody reported")
		}
		// The detector is silent where there is nothing to detect.
		var one sync.Mutex
		waitsFor = waitGraph{}
		if r := waitsFor.lock(0, 0, &one); r != "" {
			t.Errorf("a deadlock with a free mutex: %s", r)
		}
	})
}

// waitGraph knows who owns which mutex and who waits for which.
type waitGraph struct {
	mu    sync.Mutex
	owner map[int]int // (mu) thread by mutex
	waits map[int]int // (mu) mutex by thread
	cycle string      // (mu) the deadlock, once there was one
}

func (g *waitGraph) owns(thread, mutex int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.owner == nil {
		g.owner, g.waits = map[int]int{}, map[int]int{}
	}
	g.owner[mutex] = thread
}

// lock locks mutex, or returns the cycle of waits that it would close or has.
func (g *waitGraph) lock(thread, mutex int, l *sync.Mutex) (deadlock string) {
	for !l.TryLock() {
		g.mu.Lock()
		g.waits[thread] = mutex
		if g.cycle == "" {
			g.cycle = g.find(thread)
		}
		deadlock = g.cycle
		g.mu.Unlock()
		if deadlock != "" {
			return deadlock
		}
		runtime.Gosched()
	}
	g.owns(thread, mutex)
	return ""
}

func (g *waitGraph) find(from int) string {
	var b strings.Builder
	for at := from; ; {
		mutex, ok := g.waits[at]
		if !ok {
			return ""
		}
		fmt.Fprintf(&b, "%d waits for mutex %d of %d; ", at, mutex, g.owner[mutex])
		if at = g.owner[mutex]; at == from {
			return b.String()
		}
	}
}

func TestRow07Composability(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		mine, cache := lwkt.NewToken("mine"), lwkt.NewToken("cache")
		var value, arrived int
		// lookup takes a token and blocks, and its caller knows nothing of either.
		lookup := func(td *lwkt.Thread) int {
			cache.Acquire(td)
			defer cache.Release(td)
			for arrived == 0 {
				td.Sleep(&arrived, 0)
			}
			return arrived
		}
		h.Go("caller", func(td *lwkt.Thread) {
			mine.Acquire(td)
			m := td.Mark()
			got := lookup(td)
			if mine.Held(td) != lwkt.Exclusive {
				t.Error("the callee lost the caller's token")
			}
			if !td.ChangedSince(m) || got != 7 || value != 1 {
				t.Errorf("changed %v, got %d, value %d; want true, 7, 1", td.ChangedSince(m), got, value)
			}
			mine.Release(td)
		})
		h.Go("producer", func(td *lwkt.Thread) {
			h.Until("the callee sleeps", func() bool { return lwkt.SleepersOn(&arrived) == 1 })
			mine.Acquire(td) // needed to produce
			value = 1
			cache.Acquire(td)
			arrived = 7
			td.Wakeup(&arrived)
			lwkt.ReleaseAll(td, cache, mine)
		})
	})
	// With a mutex the callee must know of it, or the producer cannot run.
	t.Run("mutex", func(t *testing.T) {
		var mine sync.Mutex
		lookup := func(passed *sync.Mutex, block func()) {
			if passed != nil {
				passed.Unlock()
				defer passed.Lock()
			}
			block()
		}
		produced := false
		produce := func() {
			if mine.TryLock() {
				produced = true
				mine.Unlock()
			}
		}
		mine.Lock()
		lookup(nil, produce)
		if produced {
			t.Error("the producer had the mutex of a blocked caller")
		}
		lookup(&mine, produce)
		if !produced {
			t.Error("the mutex was passed down and still not free")
		}
		mine.Unlock()
	})
}

func TestRow08TimeslicingWorks(t *testing.T) {
	processors(t, 2)
	work := func(h host, o *overlap, lock, unlock func()) {
		for range scale(1500) {
			lock()
			o.enter()
			for n := range 40 {
				if n%8 == 0 {
					h.Yield() // the end of a quantum, in the middle of the section
				}
			}
			o.leave()
			unlock()
		}
	}
	t.Run("token", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var o overlap
			var tok lwkt.Token
			for range 6 {
				h.Go("sliced", func(td *lwkt.Thread) {
					work(h, &o, func() { tok.Acquire(td) }, func() { tok.Release(td) })
					if d := td.Stats().Drops; d != 0 {
						t.Errorf("a thread that only yielded lost its token %d times", d)
					}
				})
			}
			h.Wait()
			o.check(t)
		})
	})
	t.Run("mutex", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var o overlap
			mu := h.Mutex()
			for range 6 {
				h.Go("sliced", func(td *lwkt.Thread) { work(h, &o, func() { mu.Lock(td) }, func() { mu.Unlock(td) }) })
			}
			h.Wait()
			o.check(t)
		})
	})
}

func TestRow09ConcurrentExecutionWorks(t *testing.T) {
	processors(t, max(2, runtime.NumCPU()))
	onHosts(t, func(t *testing.T, h host) {
		var o, detects overlap
		var tok lwkt.Token
		for range 6 {
			h.Go("concurrent", func(td *lwkt.Thread) {
				for range scale(40_000) {
					tok.Acquire(td)
					o.enter()
					o.leave()
					tok.Release(td)
				}
			})
		}
		h.Wait()
		o.check(t)
		// The detector can fire: sharers do overlap.
		var met atomic.Int32
		for range 2 {
			h.Go("shared", func(td *lwkt.Thread) {
				tok.AcquireShared(td)
				detects.enter()
				met.Add(1)
				h.Until("both are inside", func() bool { return met.Load() == 2 })
				tok.Release(td)
			})
		}
		h.Wait()
		if detects.seen.Load() == 0 {
			t.Error("the detector is blind")
		}
	})
}

func TestRow11VoluntaryBlock(t *testing.T) {
	// The invariant: a+b is 10. It holds whenever nobody is in a section.
	t.Run("token fails and says so", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var tok lwkt.Token
			a, b := 5, 5
			var looked, moved atomic.Bool
			h.Go("sleeper", func(td *lwkt.Thread) {
				tok.Acquire(td)
				read := a
				changed := td.Block(func() {
					looked.Store(true)
					h.Until("the other one is done", moved.Load)
				})
				if !changed {
					t.Error("the token changed hands and nobody said so")
				}
				if read+b == 10 {
					t.Error("what was read before the block is still true; the test shows nothing")
				}
				if read = a; read+b != 10 {
					t.Errorf("read again, a+b = %d+%d", read, b)
				}
				tok.Release(td)
			})
			h.Go("mover", func(td *lwkt.Thread) {
				h.Until("the other one has looked", looked.Load)
				tok.Acquire(td)
				a, b = a-3, b+3
				tok.Release(td)
				moved.Store(true)
			})
		})
	})
	t.Run("mutex works", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			mu := h.Mutex()
			a, b := 5, 5
			var looked, tried atomic.Bool
			h.Go("sleeper", func(td *lwkt.Thread) {
				mu.Lock(td)
				read := a
				td.Block(func() {
					looked.Store(true)
					h.Until("the other one has tried", tried.Load)
				})
				if read+b != 10 {
					t.Errorf("a+b = %d+%d under one hold of a mutex", read, b)
				}
				mu.Unlock(td)
			})
			h.Go("mover", func(td *lwkt.Thread) {
				h.Until("the other one has looked", looked.Load)
				if mu.TryLock(td) {
					t.Error("the mutex was free while its holder slept")
					mu.Unlock(td)
				}
				tried.Store(true)
				mu.Lock(td)
				a, b = a-3, b+3
				mu.Unlock(td)
			})
		})
	})
}

func TestRow14DarwinFunnel(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		kernel, network := lwkt.NewFunnel("kernel"), lwkt.NewFunnel("network")
		var event int
		h.Go("A", func(td *lwkt.Thread) {
			if prev := td.SetFunnel(kernel); prev != nil {
				t.Error("a new thread has a funnel")
			}
			prev := td.SetFunnel(kernel) // a callee that wants the same: no depth is counted
			td.SetFunnel(prev)
			if td.Funnel() != kernel {
				t.Error("the idiom lost the funnel")
			}
			m := misuse(t, "SetFunnel", func() { td.SetFunnel(network) })
			says(t, m.Error(), "kernel", "network", "A")
			if td.Funnel() != kernel {
				t.Error("the refused second funnel cost the first")
			}
			td.SwitchFunnel(network)
			if td.Funnel() != network {
				t.Error("no switch")
			}
			td.SwitchFunnel(kernel)
			changed, _ := td.Sleep(&event, 0) // dropped here
			if !changed || event != 1 || td.Funnel() != kernel {
				t.Errorf("changed %v, event %d, funnel %v", changed, event, td.Funnel())
			}
			td.SetFunnel(nil)
			if td.Funnel() != nil {
				t.Error("the funnel stayed")
			}
		})
		h.Go("B", func(td *lwkt.Thread) {
			h.Until("A sleeps", func() bool { return lwkt.SleepersOn(&event) == 1 })
			td.SetFunnel(kernel)
			event = 1
			td.Wakeup(&event)
			td.SetFunnel(nil)
		})
		h.Wait()
		h.Go("merge", func(td *lwkt.Thread) {
			lwkt.MergeFunnels(td, kernel, network)
			td.SetFunnel(kernel)
			td.SetFunnel(network) // the same now
			lwkt.Run("other", func(other *lwkt.Thread) {
				if lwkt.TokenOf(network).TryAcquire(other) || lwkt.TokenOf(kernel).TryAcquire(other) {
					t.Error("merged funnels are two")
				}
			})
			td.SetFunnel(nil)
		})
	})
}

func TestRow17SharedToken(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		tok := lwkt.NewToken("T")
		const readers = 4
		// Readers overlap, a writer is kept out, and all of them can become writers.
		var inside, tried, writers atomic.Int32
		value, changes := 0, 0
		for range readers {
			h.Go("reader", func(td *lwkt.Thread) {
				tok.AcquireShared(td)
				inside.Add(1)
				h.Until("all readers are inside", func() bool { return inside.Load() == readers })
				h.Until("a writer has tried", func() bool { return tried.Load() == 1 })
				if value != 0 {
					t.Error("a writer among the readers")
				}
				changed := tok.Acquire(td)
				if n := writers.Add(1); (n > 1) != changed || value != int(n-1) {
					t.Errorf("upgrade %d found %d written before, and changed is %v", n, value, changed)
				}
				if changed {
					changes++
				}
				value++
				tok.Release(td)
				tok.Release(td)
			})
		}
		h.Go("writer", func(td *lwkt.Thread) {
			h.Until("all readers are inside", func() bool { return inside.Load() == readers })
			if tok.TryAcquire(td) {
				t.Error("a writer got in among readers")
				tok.Release(td)
			}
			if !tok.TryAcquireShared(td) {
				t.Error("one more reader was not let in")
			} else {
				tok.Release(td)
			}
			tried.Store(1)
		})
		h.Wait()
		if value != readers || changes != readers-1 {
			t.Errorf("%d upgrades, %d of them told of a change; want %d and %d", value, changes, readers, readers-1)
		}
		// A sole sharer upgrades in place.
		h.Go("sole", func(td *lwkt.Thread) {
			tok.AcquireShared(td)
			if tok.Acquire(td) || tok.Held(td) != lwkt.Exclusive || td.Stats().Drops != 0 {
				t.Errorf("a sole sharer's upgrade dropped %d times", td.Stats().Drops)
			}
			tok.Release(td)
			tok.Release(td)
		})
	})
}

func TestRow18PoolToken(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		type object struct {
			_ [1 << 10]byte
		}
		var pool lwkt.Pool[*object]
		var head atomic.Pointer[object]
		head.Store(new(object))
		var held atomic.Bool
		var acquired atomic.Int32
		for range 4 { // wait for an object that is freed before they get there
			h.Go("late", func(td *lwkt.Thread) {
				o := head.Load()
				h.Until("the object is being freed", held.Load)
				acquired.Add(1)
				pool.Acquire(td, o)
				if head.Load() != nil {
					t.Error("the object was not freed under its token")
				}
				pool.Release(td, o)
			})
		}
		h.Go("free", func(td *lwkt.Thread) {
			o := head.Load()
			pool.Acquire(td, o)
			held.Store(true)
			h.Until("the others ask", func() bool { return acquired.Load() == 4 })
			h.Yield()
			head.Store(nil)
			runtime.GC()
			pool.Release(td, o)
		})
		h.Wait()
		h.Go("collide", func(td *lwkt.Thread) {
			var ints lwkt.Pool[int]
			ints.Acquire(td, 0)
			other := 1
			for ; !ints.Held(td, other); other++ { // until another key has the same token
				if other > 1<<20 {
					t.Fatal("no two keys share a token")
				}
			}
			ints.Acquire(td, other) // recursion, not deadlock
			ints.Release(td, 0)
			if !ints.Held(td, 0) || !ints.Held(td, other) {
				t.Error("two keys of one token, released once: not held any more")
			}
			ints.Release(td, other)
			if ints.Held(td, 0) {
				t.Error("still held")
			}
		})
	})
	// Shared use is refused: there is no way to ask for it.
	typ := reflect.TypeFor[*lwkt.Pool[int]]()
	for i := range typ.NumMethod() {
		if name := typ.Method(i).Name; strings.Contains(name, "Shared") {
			t.Errorf("a pool offers %s", name)
		}
	}
}

func TestRow19HardwareCASBase(t *testing.T) {
	processors(t, max(2, runtime.NumCPU()))
	onHosts(t, func(t *testing.T, h host) {
		epochs := 1_000_000
		if scale(8) != 8 {
			epochs = 100_000
		}
		const threads = 4
		var tok lwkt.Token
		epoch := 0
		owner := make([]uint8, epochs) // of each epoch
		for n := range threads {
			h.Go("owner", func(td *lwkt.Thread) {
				for range epochs / threads {
					tok.Acquire(td)
					if owner[epoch] != 0 {
						t.Errorf("epoch %d has two owners", epoch)
					}
					owner[epoch] = uint8(n + 1)
					epoch++
					tok.Release(td)
				}
			})
		}
		h.Wait()
		if epoch != epochs {
			t.Errorf("%d epochs of %d", epoch, epochs)
		}
		for e, o := range owner {
			if o == 0 {
				t.Errorf("epoch %d has no owner", e)
				break
			}
		}
	})
}
