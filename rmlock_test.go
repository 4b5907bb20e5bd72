package lwkt_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/mtxpool"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/sim"
)

// over is a context that is done, so that what would wait gives up.
func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// outcome says what an operation on a lock did: "ok", "fails", "waits" or "panics".
func outcome(f func() bool) (what string) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case *lwkt.Misuse:
			what = "panics"
		default:
			panic(v)
		}
	}()
	if f() {
		return "ok"
	}
	return "fails"
}

// waits makes the failure of a context form a wait.
func waits(what string) string {
	if what == "fails" {
		return "waits"
	}
	return what
}

// rmOps are the operations on a read-mostly lock, as columns of its table.
var rmOps = []struct {
	name string
	do   func(l *rmlock.Lock, td *lwkt.Thread) string
}{
	{"RLock", func(l *rmlock.Lock, td *lwkt.Thread) string {
		return waits(outcome(func() bool { _, err := l.RLockContext(over(), td); return err == nil }))
	}},
	{"TryRLock", func(l *rmlock.Lock, td *lwkt.Thread) string { return outcome(func() bool { return l.TryRLock(td) }) }},
	{"WLock", func(l *rmlock.Lock, td *lwkt.Thread) string {
		return waits(outcome(func() bool { _, err := l.WLockContext(over(), td); return err == nil }))
	}},
	{"TryWLock", func(l *rmlock.Lock, td *lwkt.Thread) string { return outcome(func() bool { return l.TryWLock(td) }) }},
	{"RUnlock", func(l *rmlock.Lock, td *lwkt.Thread) string {
		return outcome(func() bool { l.RUnlock(td); return true })
	}},
	{"WUnlock", func(l *rmlock.Lock, td *lwkt.Thread) string {
		return outcome(func() bool { l.WUnlock(td); return true })
	}},
	{"Destroy", func(l *rmlock.Lock, td *lwkt.Thread) string {
		return outcome(func() bool { l.Destroy(td); return true })
	}},
}

func TestRMLockStates(t *testing.T) {
	want := map[string][]string{ // as the doc comment has it
		"free":                {"ok", "ok", "ok", "ok", "panics", "panics", "ok"},
		"read by others":      {"ok", "ok", "waits", "fails", "panics", "panics", "panics"},
		"read by it too":      {"ok", "ok", "panics", "fails", "ok", "panics", "panics"},
		"read by it and more": {"ok", "ok", "panics", "fails", "ok", "panics", "panics"},
		"written by it":       {"panics", "fails", "panics", "fails", "panics", "ok", "panics"},
		"written by another":  {"waits", "fails", "waits", "fails", "panics", "panics", "panics"},
		"destroyed":           {"panics", "panics", "panics", "panics", "panics", "panics", "panics"},
	}
	for _, options := range []lwkt.Options{0, rmlock.Sleepable} {
		for state, row := range want {
			for i, op := range rmOps {
				t.Run(fmt.Sprintf("%v/%s/%s", options, state, op.name), func(t *testing.T) {
					td, other := newThread(t), newThread(t)
					var l rmlock.Lock
					if options != 0 {
						l.Init("L", options)
					}
					undo := func() {}
					switch state {
					case "read by it and more":
						l.RLock(td)
						fallthrough
					case "read by it too":
						l.RLock(td)
						fallthrough
					case "read by others":
						l.RLock(other)
						undo = func() { l.RUnlock(other) }
					case "written by it":
						l.WLock(td)
					case "written by another":
						l.WLock(other)
						undo = func() { l.WUnlock(other) }
					case "destroyed":
						l.Destroy(td)
					}
					if got := op.do(&l, td); got != row[i] {
						t.Errorf("%s, want %s", got, row[i])
					}
					for l.Held(td) == lwkt.Shared {
						l.RUnlock(td)
					}
					if l.Held(td) == lwkt.Exclusive {
						l.WUnlock(td)
					}
					undo()
					if state != "destroyed" && (op.name != "Destroy" || row[i] != "ok") {
						if !l.TryWLock(td) {
							t.Error("something is left of it")
						} else {
							l.WUnlock(td)
						}
					}
					td.End()
					other.End()
				})
			}
		}
	}
}

func TestRMLockMisuse(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var l rmlock.Lock
	l.Init("table", 0)
	says(t, misuse(t, "Init", func() { l.Init("again", 0) }).Error(), `rmlock "table"`, "initialized before")
	says(t, misuse(t, "Init", func() { new(rmlock.Lock).Init("", lwkt.Recurse) }).Error(), "option")
	says(t, misuse(t, "RUnlock", func() { l.RUnlock(td) }).Error(), "nobody has it")
	misuse(t, "RUnlock", func() { l.RUnlock(nil) })
	misuse(t, "RLock", func() { l.RLock(nil) })
	misuse(t, "WLock", func() { l.WLock(new(lwkt.Thread)) })
	l.RLock(td)
	says(t, misuse(t, "WLock", func() { l.WLock(td) }).Error(), "wait for itself")
	says(t, misuse(t, "WUnlock", func() { l.WUnlock(td) }).Error(), "shared, not exclusive")
	l.RUnlock(td)
	l.WLock(td)
	says(t, misuse(t, "WLock", func() { l.WLock(td) }).Error(), "do not recurse")
	says(t, misuse(t, "RLock", func() { l.RLock(td) }).Error(), "exclusively already")
	l.WUnlock(td)
	l.Destroy(td)
	says(t, misuse(t, "RLock", func() { l.RLock(td) }).Error(), "destroyed")
	says(t, misuse(t, "Destroy", func() { l.Destroy(td) }).Error(), "destroyed")
	l.Init("anew", rmlock.Sleepable)
	if got := l.String(); got != `sleepable rmlock "anew"` {
		t.Error(got)
	}
	// What a thread still reads when it ends is released, and told.
	reader := newThread(t)
	for range 6 {
		l.RLock(reader)
	}
	says(t, misuse(t, "End", func() { reader.End() }).Error(), `sleepable rmlock "anew"`)
	if !l.TryWLock(td) {
		t.Error("it is still read")
	}
	l.WUnlock(td)
}

// Slots are few; the locks, and the depth of reading, are not.
func TestRMLockManyReads(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		var locks [7]rmlock.Lock
		n, reading := 0, 0
		h.Go("reader", func(td *lwkt.Thread) {
			for round := range 20 {
				for i := range locks {
					locks[i].RLock(td)
					locks[(i+round)%len(locks)].RLock(td)
				}
				reading = n
				for i := range locks {
					locks[(i+round)%len(locks)].RUnlock(td)
				}
				h.Yield()
				if n != reading {
					t.Error("a writer came in")
				}
				for i := range locks {
					locks[i].RUnlock(td)
				}
			}
		})
		for i := range 2 {
			h.Go("writer", func(td *lwkt.Thread) {
				for round := range 40 {
					l := &locks[(i+round)%len(locks)]
					locks[0].WLock(td)
					if l != &locks[0] {
						l.WLock(td)
					}
					n++
					if l != &locks[0] {
						l.WUnlock(td)
					}
					locks[0].WUnlock(td)
				}
			})
		}
	})
}

// rmPrograms are small programs whose every schedule is right.
var rmPrograms = map[string]func(m *sim.Machine){
	"two readers and a writer": func(m *sim.Machine) {
		var l rmlock.Lock
		n := 0
		var readers atomic.Int32
		for range 2 {
			m.Go("reader", func(td *lwkt.Thread) {
				l.RLock(td)
				readers.Add(1)
				was := n
				m.Yield(td)
				l.RLock(td) // whoever waits
				m.Assert(n == was, "a writer came in")
				l.RUnlock(td)
				readers.Add(-1)
				l.RUnlock(td)
			})
		}
		m.Go("writer", func(td *lwkt.Thread) {
			l.WLock(td)
			m.Assert(readers.Load() == 0, "readers are in")
			n++
			l.WUnlock(td)
		})
	},
	"two writers and a reader": func(m *sim.Machine) {
		var l rmlock.Lock
		n, inside := 0, 0
		for range 2 {
			m.Go("writer", func(td *lwkt.Thread) {
				l.WLock(td)
				m.Assert(inside == 0, "%d are in", inside)
				inside++
				m.Yield(td)
				n++
				inside--
				l.WUnlock(td)
			})
		}
		m.Go("reader", func(td *lwkt.Thread) {
			l.RLock(td)
			m.Assert(inside == 0, "a writer is in")
			l.RUnlock(td)
		})
		m.Finally(func() { m.Assert(n == 2, "n is %d", n) })
	},
	"try forms": func(m *sim.Machine) {
		var l rmlock.Lock
		inside := 0
		m.Go("reader", func(td *lwkt.Thread) {
			if l.TryRLock(td) {
				m.Assert(inside == 0, "a writer is in")
				l.RUnlock(td)
			}
			l.RLock(td)
			m.Assert(inside == 0, "a writer is in")
			l.RUnlock(td)
		})
		for range 2 {
			m.Go("writer", func(td *lwkt.Thread) {
				if l.TryWLock(td) {
					inside++
					m.Assert(inside == 1, "two are in")
					m.Yield(td)
					inside--
					l.WUnlock(td)
				}
			})
		}
	},
	"cancelled": func(m *sim.Machine) {
		var l rmlock.Lock
		ctx, cancel := context.WithCancel(context.Background())
		inside := 0
		m.Go("reader", func(td *lwkt.Thread) {
			l.RLock(td)
			m.Assert(inside == 0, "a writer is in")
			m.Yield(td)
			l.RUnlock(td)
		})
		m.Go("writer", func(td *lwkt.Thread) {
			if _, err := l.WLockContext(ctx, td); err == nil {
				inside++
				m.Yield(td)
				inside--
				l.WUnlock(td)
			}
		})
		m.Go("canceller", func(td *lwkt.Thread) {
			m.Yield(td)
			cancel()
			l.RLock(td)
			m.Assert(inside == 0, "a writer is in")
			l.RUnlock(td)
		})
	},
	"with a token": func(m *sim.Machine) {
		var l rmlock.Lock
		tok := lwkt.NewToken("T")
		n := 0
		m.Go("reader", func(td *lwkt.Thread) {
			l.RLock(td)
			tok.Acquire(td)
			n++
			tok.Release(td)
			l.RUnlock(td)
		})
		m.Go("writer", func(td *lwkt.Thread) {
			tok.Acquire(td)
			was := n
			changed := l.WLock(td)
			m.Assert(changed || n == was, "the token changed hands, and nobody said so")
			l.WUnlock(td)
			tok.Release(td)
		})
	},
	"more readers than slots": func(m *sim.Machine) {
		var l rmlock.Lock
		inside := false
		m.Go("reader", func(td *lwkt.Thread) {
			for range 5 {
				l.RLock(td)
			}
			for range 5 {
				m.Assert(!inside, "a writer is in")
				l.RUnlock(td)
			}
		})
		m.Go("writer", func(td *lwkt.Thread) {
			l.WLock(td)
			inside = true
			m.Yield(td)
			inside = false
			l.WUnlock(td)
		})
	},
	"sleepable": func(m *sim.Machine) {
		var l rmlock.Lock
		l.Init("L", rmlock.Sleepable)
		inside := false
		for range 2 {
			m.Go("reader", func(td *lwkt.Thread) {
				l.RLock(td)
				m.Assert(!inside, "a writer is in")
				l.RUnlock(td)
			})
		}
		m.Go("writer", func(td *lwkt.Thread) {
			l.WLock(td)
			inside = true
			td.Pause(1000)
			inside = false
			l.WUnlock(td)
		})
	},
}

func TestRMLockExplored(t *testing.T) {
	for name, program := range rmPrograms {
		t.Run(name, func(t *testing.T) { granularities(t, program) })
		t.Run(name+", on CPUs", func(t *testing.T) { // at random, since who spins makes endless schedules
			explore.Test(t, program, explore.On(sim.Options{CPUs: 2}), explore.Random(), explore.Runs(200))
		})
	}
}

// rmModel is the read-mostly lock as its table has it, one operation after the other.
type rmModel struct {
	reads  [3]int // by thread
	writer int    // thread+1, or 0
}

func (m *rmModel) others(td int) bool {
	for i, n := range m.reads {
		if i != td && n > 0 {
			return true
		}
	}
	return false
}

// step says what the operation, an index of rmOps, does, and does it.
func (m *rmModel) step(op, td int) string {
	mine, readers := m.writer == td+1, m.others(td) || m.reads[td] > 0
	yes := func(ok bool, no string) string {
		if ok {
			return "ok"
		}
		return no
	}
	switch rmOps[op].name {
	case "RLock", "TryRLock":
		try := op == 1
		switch {
		case mine && !try:
			return "panics"
		case m.writer != 0:
			return yes(false, []string{"waits", "fails"}[op])
		}
		m.reads[td]++
		return "ok"
	case "WLock", "TryWLock":
		switch {
		case op == 2 && (mine || m.reads[td] > 0):
			return "panics"
		case m.writer != 0 || readers:
			return []string{"waits", "fails"}[op-2]
		}
		m.writer = td + 1
		return "ok"
	case "RUnlock":
		if m.reads[td] == 0 {
			return "panics"
		}
		m.reads[td]--
		return "ok"
	case "WUnlock":
		if !mine {
			return "panics"
		}
		m.writer = 0
		return "ok"
	}
	return "" // Destroy is not done
}

// FuzzRMLock runs strings of operations by three threads against the model.
func FuzzRMLock(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 13, 4, 4, 4, 4, 4, 4, 13, 5}, false)
	f.Add([]byte{2, 7, 14, 5, 7, 15, 11, 13}, true)
	f.Fuzz(func(t *testing.T, ops []byte, sleepable bool) {
		var l [2]rmlock.Lock
		if sleepable {
			l[0].Init("A", rmlock.Sleepable)
			l[1].Init("B", rmlock.Sleepable)
		}
		var model [2]rmModel
		var tds [3]*lwkt.Thread
		for i := range tds {
			tds[i] = lwkt.NewThread(fmt.Sprint("t", i))
		}
		for i, b := range ops {
			op, td, n := int(b)%6, int(b)/6%3, int(b)/18%2
			if sleepable && (op == 0 || op == 2) && model[n].writer != 0 && model[1-n].reads[td] > 0 {
				continue // it must not wait then for a writer that may sleep
			}
			want := model[n].step(op, td)
			if got := rmOps[op].do(&l[n], tds[td]); got != want {
				t.Fatalf("step %d: %s of lock %d by thread %d: %s, want %s", i, rmOps[op].name, n, td, got, want)
			}
		}
		for n := range l {
			for i, td := range tds {
				for range model[n].reads[i] {
					l[n].RUnlock(td)
				}
				if model[n].writer == i+1 {
					l[n].WUnlock(td)
				}
			}
			if !l[n].TryWLock(tds[0]) {
				t.Fatal("something is left of it")
			}
			l[n].WUnlock(tds[0])
		}
		for _, td := range tds {
			td.End()
		}
	})
}

// Readers and writers, some of which give up, with a plain word between them.
func TestRMLockStress(t *testing.T) {
	for _, options := range []lwkt.Options{0, rmlock.Sleepable} {
		onHosts(t, func(t *testing.T, h host) {
			var locks [2]rmlock.Lock
			for i := range locks {
				locks[i].Init("L", options)
			}
			tok := lwkt.NewToken("T")
			var data [2][2]int
			under, rounds := 0, scale(8000)
			look := func(td *lwkt.Thread, i int) {
				if d := data[i]; d[0] != d[1] {
					t.Errorf("a reader saw %v", d)
				}
			}
			for i := range 4 {
				h.Go("reader", func(td *lwkt.Thread) {
					for n := range rounds {
						a := &locks[(i+n)%2]
						switch {
						case n%7 == 0:
							if !a.TryRLock(td) {
								continue
							}
						case n%11 == 0:
							if _, err := a.RLockContext(over(), td); err != nil {
								continue
							}
						default:
							a.RLock(td)
						}
						look(td, (i+n)%2)
						if n%5 == 0 {
							a.RLock(td) // again, whoever waits
							look(td, (i+n)%2)
							a.RUnlock(td)
						}
						a.RUnlock(td)
					}
				})
			}
			for i := range 2 {
				h.Go("writer", func(td *lwkt.Thread) {
					for n := range rounds / 4 {
						a := &locks[(i+n)%2]
						was := 0
						if n%3 == 0 {
							tok.Acquire(td)
							was = under
						}
						ok, changed := true, false
						switch {
						case n%5 == 0:
							ok = a.TryWLock(td)
						case n%7 == 0:
							var err error
							changed, err = a.WLockContext(over(), td)
							ok = err == nil
						default:
							changed = a.WLock(td)
						}
						if n%3 == 0 {
							if !changed && under != was {
								t.Error("the token changed hands, and nobody said so")
							}
							under++
							tok.Release(td)
						}
						if ok {
							d := &data[(i+n)%2]
							d[0]++
							if n%16 == 0 {
								h.Yield()
							}
							d[1]++
							a.WUnlock(td)
						}
					}
				})
			}
		})
	}
}

// A reader waits for a writer, and a writer for readers, without a new object each time.
func TestRMLockAllocates(t *testing.T) {
	if raceEnabled || invariants.Enabled {
		t.Skip("the race detector, and notes of where locks were acquired, allocate")
	}
	td, other := newThread(t), newThread(t)
	defer td.End()
	defer other.End()
	ctx := over()
	var l, held, written rmlock.Lock
	var s lwkt.SpinMtx
	var p mtxpool.Pool
	key := new(int)
	held.RLock(other)
	written.WLock(other)
	for what, f := range map[string]func(){
		"read":           func() { l.RLock(td); l.RUnlock(td) },
		"try read":       func() { l.TryRLock(td); l.RUnlock(td) },
		"write":          func() { l.WLock(td); l.WUnlock(td) },
		"wait to read":   func() { _, _ = written.RLockContext(ctx, td) },
		"wait to write":  func() { _, _ = held.WLockContext(ctx, td) },
		"spin mutex":     func() { s.Lock(td); s.Unlock(td) },
		"mutex pool":     func() { p.Lock(td, key); p.Unlock(td, key) },
		"critical":       func() { td.CritEnter(); td.CritExit() },
		"more than four": func() { many(&l, td) },
	} {
		f()
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", what, n)
		}
	}
	held.RUnlock(other)
	written.WUnlock(other)
}

func many(l *rmlock.Lock, td *lwkt.Thread) {
	for range 6 {
		l.RLock(td)
	}
	for range 6 {
		l.RUnlock(td)
	}
}

// A sleep drops the lock, and takes it back as it was; the waker holds it, so it is not missed.
func TestSleepDropsRMLockAndSpinMtx(t *testing.T) {
	type takes = func(td *lwkt.Thread)
	for name, newLock := range map[string]func() (l lwkt.Interlock, take, give takes){
		"read":            func() (lwkt.Interlock, takes, takes) { return rmSleep(0, lwkt.Shared) },
		"written":         func() (lwkt.Interlock, takes, takes) { return rmSleep(0, lwkt.Exclusive) },
		"sleepable, read": func() (lwkt.Interlock, takes, takes) { return rmSleep(rmlock.Sleepable, lwkt.Shared) },
		"spin": func() (lwkt.Interlock, takes, takes) {
			s := new(lwkt.SpinMtx)
			return s, s.Lock, s.Unlock
		},
	} {
		program := func(m *sim.Machine) {
			l, take, give := newLock()
			ready := new(bool)
			m.Go("sleeper", func(td *lwkt.Thread) {
				take(td)
				for !*ready {
					if _, err := td.SleepOn(ready, l, lwkt.SleepOptions{}); err != nil {
						m.Assert(false, "%v", err)
					}
				}
				give(td)
			})
			m.Go("waker", func(td *lwkt.Thread) {
				exclusively(l, td, func() { *ready = true })
				td.Wakeup(ready)
			})
		}
		t.Run(name, func(t *testing.T) {
			granularities(t, program)
			explore.Test(t, program, explore.On(sim.Options{CPUs: 2}), explore.Random(), explore.Runs(100))
		})
	}
}

func rmSleep(o lwkt.Options, m lwkt.Mode) (l lwkt.Interlock, take, give func(td *lwkt.Thread)) {
	rm := new(rmlock.Lock)
	rm.Init("L", o)
	if m == lwkt.Shared {
		return rm, func(td *lwkt.Thread) { rm.RLock(td) }, rm.RUnlock
	}
	return rm, func(td *lwkt.Thread) { rm.WLock(td) }, rm.WUnlock
}

// exclusively calls f with the lock held so that nobody else has it.
func exclusively(l lwkt.Interlock, td *lwkt.Thread, f func()) {
	switch l := l.(type) {
	case *rmlock.Lock:
		l.WLock(td)
		f()
		l.WUnlock(td)
	case *lwkt.SpinMtx:
		l.Lock(td)
		f()
		l.Unlock(td)
	}
}
