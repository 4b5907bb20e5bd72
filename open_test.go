// Open RWLocks: those that are read by slots of the readers. What a lock does is the same as if it were not open, so what is
// tested here is that, in the states that an open lock can be in, and that it comes to be open.
package lwkt_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/rmlock"
)

// opening makes locks open after each 64 reads of a thread, until the test ends.
func opening(t *testing.T) {
	old := lock.SetCalmness(0)
	t.Cleanup(func() { lock.SetCalmness(old) })
}

// open opens a lock by reading it.
func open(t *testing.T, rw *lwkt.RWLock) {
	t.Helper()
	lwkt.Run("opens", func(td *lwkt.Thread) {
		for range 200 {
			rw.RLock(td)
			rw.RUnlock(td)
		}
	})
	if !lwkt.IsOpen(rw) {
		t.Fatal("the lock is not open")
	}
}

func expect[T comparable](t *testing.T, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

// reader is a thread that reads a lock until it is told to stop.
func reader(t *testing.T, rw *lwkt.RWLock) (stop func()) {
	t.Helper()
	has, over, done := make(chan bool), make(chan bool), make(chan bool)
	lwkt.Go("reader", func(td *lwkt.Thread) {
		rw.RLock(td)
		has <- true
		<-over
		rw.RUnlock(td)
		close(done)
	})
	<-has
	return func() { close(over); <-done }
}

// TestOpens: a lock is opened by some thousand reads without a write, and not by fewer, and a write closes it.
func TestOpens(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var rw lwkt.RWLock
	read := func(n int) {
		for range n {
			rw.RLock(td)
			rw.RUnlock(td)
		}
	}
	for range 20 {
		read(900)
		if lwkt.IsOpen(&rw) {
			t.Fatal("open after too few reads")
		}
		rw.WLock(td)
		rw.WUnlock(td)
	}
	read(20000)
	if !lwkt.IsOpen(&rw) {
		t.Fatal("not open after 20000 reads")
	}
	rw.WLock(td)
	if lwkt.IsOpen(&rw) {
		t.Error("open, and written")
	}
	rw.WUnlock(td)
	read(900)
	if lwkt.IsOpen(&rw) {
		t.Error("open again after too few reads")
	}
}

// TestOpensInTurn: which reads are counted does not depend on what else a loop does.
func TestOpensInTurn(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var first, second, other lwkt.RWLock
	var sx lwkt.SX
	for range 20000 {
		first.RLock(td)
		first.RUnlock(td)
		sx.SLock(td)
		sx.SUnlock(td)
	}
	for range 20000 {
		second.RLock(td)
		second.RUnlock(td)
		other.RLock(td)
		other.RUnlock(td)
		other.WLock(td)
		other.WUnlock(td)
	}
	if !lwkt.IsOpen(&first) || !lwkt.IsOpen(&second) || lwkt.IsOpen(&other) {
		t.Errorf("open: %v %v, want true; %v, want false", lwkt.IsOpen(&first), lwkt.IsOpen(&second), lwkt.IsOpen(&other))
	}
}

// TestOpenInit: an Init of a lock that is read sees that, also while somebody closes it.
func TestOpenInit(t *testing.T) {
	opening(t)
	for range 300 {
		var rw lwkt.RWLock
		open(t, &rw)
		stop := reader(t, &rw)
		tried := make(chan bool)
		go func() {
			lwkt.Run("closes", func(td *lwkt.Thread) { rw.TryWLock(td) })
			close(tried)
		}()
		for range 30 {
			misuse(t, "Init", func() { rw.Init("", 0) })
		}
		<-tried
		stop()
	}
}

// TestOpenTable walks the table of RWLock for a lock that is open and read by others.
func TestOpenTable(t *testing.T) {
	opening(t)
	var rw lwkt.RWLock
	var td *lwkt.Thread
	for name, f := range map[string]func(t *testing.T){
		"RLock":    func(t *testing.T) { rw.RLock(td); rw.RUnlock(td) },
		"TryRLock": func(t *testing.T) { expect(t, rw.TryRLock(td), true); rw.RUnlock(td) },
		"RLockContext": func(t *testing.T) {
			_, err := rw.RLockContext(t.Context(), td)
			expect(t, err, nil)
			rw.RUnlock(td)
		},
		"read it too":  func(t *testing.T) { rw.RLock(td); rw.RLock(td); rw.RUnlock(td); rw.RUnlock(td) },
		"TryWLock":     func(t *testing.T) { expect(t, rw.TryWLock(td), false) },
		"WLockContext": func(t *testing.T) { _, err := rw.WLockContext(over(), td); expect(t, err != nil, true) },
		"TryUpgrade": func(t *testing.T) {
			rw.RLock(td)
			expect(t, rw.TryUpgrade(td), false)
			expect(t, rw.Held(td), lwkt.Shared)
			rw.RUnlock(td)
		},
		"RUnlock": func(t *testing.T) { says(t, misuse(t, "RUnlock", func() { rw.RUnlock(td) }).Why, "others share it") },
		"WUnlock": func(t *testing.T) { says(t, misuse(t, "WUnlock", func() { rw.WUnlock(td) }).Why, "others share it") },
		"Destroy": func(t *testing.T) { says(t, misuse(t, "Destroy", func() { rw.Destroy(td) }).Why, "held shared") },
		"Init":    func(t *testing.T) { says(t, misuse(t, "Init", func() { rw.Init("", 0) }).Why, "in use") },
	} {
		t.Run(name, func(t *testing.T) {
			td = newThread(t)
			defer td.End()
			open(t, &rw)
			stop := reader(t, &rw)
			f(t)
			expect(t, rw.Held(td), lwkt.None)
			stop()
			expect(t, rw.TryWLock(td), true) // nothing is left
			rw.WUnlock(td)
		})
	}
	td = newThread(t)
	defer td.End()
	open(t, &rw)
	rw.RLock(td)
	expect(t, rw.TryUpgrade(td), true) // nobody else
	rw.Downgrade(td)
	rw.RUnlock(td)
	open(t, &rw)
	rw.Destroy(td)
}

// TestOpenNests has more locks read at once than there are slots, released in any order, with other locks between.
func TestOpenNests(t *testing.T) {
	opening(t)
	td := newThread(t)
	defer td.End()
	var rws [6]lwkt.RWLock
	var m lwkt.Mtx
	var rm rmlock.Lock
	for i := range rws {
		open(t, &rws[i])
	}
	for first := range rws {
		for _, step := range []int{1, len(rws) - 1} { // each comes to all
			for i := range rws {
				if i == 2 {
					m.Lock(td)
					rm.RLock(td)
				}
				rws[i].RLock(td)
				rws[i].RLock(td)
			}
			rm.RUnlock(td)
			for i := range rws {
				rw := &rws[(first+i*step)%len(rws)]
				rw.RUnlock(td)
				expect(t, rw.TryUpgrade(td), true)
				expect(t, rw.Held(td), lwkt.Exclusive)
				rw.Downgrade(td)
				rw.RUnlock(td)
				expect(t, rw.Held(td), lwkt.None)
				expect(t, rw.TryWLock(td), true)
				rw.WUnlock(td)
			}
			m.Unlock(td)
			for i := range rws {
				open(t, &rws[i])
			}
		}
	}
}

// TestOpenLeak: a thread that ends with a hold in a slot is told, and the lock is free.
func TestOpenLeak(t *testing.T) {
	opening(t)
	var rw lwkt.RWLock
	rw.Init("leaked", 0)
	open(t, &rw)
	says(t, misuse(t, "End", func() { lwkt.Run("leaker", func(td *lwkt.Thread) { rw.RLock(td) }) }).Why, "leaked")
	lwkt.Run("after", rw.Destroy)
}

// TestOpenAllocates: reads in slots, and the closing of a lock, make no objects.
func TestOpenAllocates(t *testing.T) {
	if raceEnabled || invariants.Enabled {
		t.Skip("the race detector, and notes of where locks were acquired, allocate")
	}
	opening(t)
	td := newThread(t)
	defer td.End()
	var rw lwkt.RWLock
	open(t, &rw)
	if n := testing.AllocsPerRun(100, func() {
		for range 100 {
			rw.RLock(td)
			rw.RUnlock(td)
		}
		rw.WLock(td)
		rw.WUnlock(td)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestOpenStress has goroutines do everything with locks that are opened all the time.
func TestOpenStress(t *testing.T) {
	opening(t)
	var (
		rw    lwkt.RWLock
		n     int
		event int
		inner atomic.Int32 // readers
		wrote atomic.Int64
		all   sync.WaitGroup
		turns = 400
	)
	if testing.Short() || raceEnabled || invariants.Enabled {
		turns = 80
	}
	write := func() {
		if inner.Load() != 0 {
			t.Error("somebody reads what is written")
		}
		n++
		wrote.Add(1)
	}
	read := func() {
		inner.Add(1)
		defer inner.Add(-1)
		if was := n; was != n || int64(was) != wrote.Load() {
			t.Error("somebody writes what is read")
		}
	}
	for i := range 6 {
		all.Go(func() {
			lwkt.Run("stress", func(td *lwkt.Thread) {
				x := uint32(i + 1)
				for range turns {
					for range 300 {
						rw.RLock(td)
						if x = x*1664525 + 1013904223; x>>24 < 4 {
							rw.RLock(td)
							read()
							rw.RUnlock(td)
						}
						read()
						rw.RUnlock(td)
					}
					switch x >> 8 % 8 {
					case 0:
						rw.WLock(td)
						write()
						rw.Downgrade(td)
						read()
						rw.RUnlock(td)
					case 1:
						rw.RLock(td)
						if rw.TryUpgrade(td) {
							write()
							rw.WUnlock(td)
						} else {
							rw.RUnlock(td)
						}
					case 2:
						if rw.TryWLock(td) {
							write()
							rw.WUnlock(td)
						}
					case 3:
						rw.RLock(td)
						td.SleepOn(&event, &rw, lwkt.SleepOptions{Timeout: 100 * time.Microsecond})
						read()
						rw.RUnlock(td)
					case 4:
						td.Wakeup(&event)
					case 5:
						if _, err := rw.WLockContext(over(), td); err == nil {
							write()
							rw.WUnlock(td)
						}
					default:
						rw.WLock(td)
						write()
						rw.WUnlock(td)
					}
				}
			})
		})
	}
	all.Wait()
	lwkt.Run("after", rw.Destroy)
	if int64(n) != wrote.Load() || n == 0 {
		t.Errorf("%d writes, and %d seen", wrote.Load(), n)
	}
}
