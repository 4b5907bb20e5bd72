//go:build lwkt_words

package explore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/sim"
)

// parking is a mutex of the usual form: a word with a bit for the holder and one that says
// that somebody waits, and a list of those who do.
type parking struct {
	fault string
	word  hw.Uint32
	guard hw.SpinLock
	queue []*thread.Record // (guard)
}

const (
	taken   = 1
	awaited = 2
)

func (l *parking) lock(td *lwkt.Thread) {
	r := thread.Enter(thread.HandleOf(td), "lock")
	defer r.Leave()
	r.PreparePark()
	for !l.word.CompareAndSwap(0, taken) && !l.word.CompareAndSwap(awaited, awaited|taken) {
		if l.enqueue(r) {
			r.Park(nil, 0)
		}
	}
}

// enqueue makes r wait, unless the mutex has become free.
func (l *parking) enqueue(r *thread.Record) bool {
	if l.fault == "waits without looking again" {
		if l.word.Load()&taken == 0 {
			return false
		}
		l.guard.Lock()
		defer l.guard.Unlock()
		l.word.Or(awaited)
	} else {
		l.guard.Lock()
		defer l.guard.Unlock()
		if l.word.Or(awaited)&taken == 0 {
			return false
		}
	}
	l.queue = append(l.queue, r)
	return true
}

func (l *parking) unlock() {
	if l.fault == "looks before it releases" {
		if l.word.Load()&awaited == 0 {
			l.word.And(^uint32(taken))
			return
		}
		l.word.And(^uint32(taken))
	} else if l.word.And(^uint32(taken))&awaited == 0 {
		return
	}
	l.guard.Lock()
	defer l.guard.Unlock()
	if len(l.queue) > 0 {
		r := l.queue[0]
		l.queue = l.queue[1:]
		r.Unpark()
	}
	if len(l.queue) == 0 {
		l.word.And(^uint32(awaited))
	}
}

func parkingProgram(fault string, threads int) func(m *sim.Machine) {
	return func(m *sim.Machine) {
		l, n := &parking{fault: fault}, new(sim.Var[int])
		for i := range threads {
			m.Go(fmt.Sprintf("t%d", i+1), func(td *lwkt.Thread) {
				l.lock(td)
				n.Store(td, n.Load(td)+1)
				l.unlock()
			})
		}
		m.Finally(func() { m.Assert(n.Value() == threads, "%d of %d sections", n.Value(), threads) })
	}
}

// TestWordsFindLostWakeups plants the two ways in which a wakeup gets lost between two
// words, which steps of whole operations cannot show.
func TestWordsFindLostWakeups(t *testing.T) {
	for _, fault := range []string{"looks before it releases", "waits without looking again"} {
		p := parkingProgram(fault, 2)
		if r := explore.Run(p); !r.OK() || !r.Exhaustive {
			t.Errorf("%s: found without words: %v", fault, &r)
		}
		r := explore.Run(p, explore.Words())
		f := r.Failure
		if f == nil || f.Outcome != sim.Deadlock {
			t.Fatalf("%s: not found: %v", fault, &r)
		}
		t.Logf("%s: run %d, %d switches, %s\n%s", fault, f.Run, f.Switches, f.Replay, f.Lanes)
		if f.Switches > 4 {
			t.Errorf("%s: %d switches", fault, f.Switches)
		}
		if !strings.Contains(f.Lanes, "words_planted_test.go:") || !strings.Contains(f.Lanes, "spin lock") {
			t.Errorf("the lanes do not tell the lines of the lock")
		}
		again := explore.Run(p, explore.Words(), explore.Replay(f.Replay))
		if again.Failure == nil || again.Diverged != "" {
			t.Errorf("%s: the replay does not fail: %v", fault, &again)
		}
	}
	r := explore.Run(parkingProgram("", 2), explore.Words(), explore.DPOR())
	t.Logf("without a fault, 2 threads: %v", &r)
	if !r.OK() || !r.Exhaustive {
		t.Error("not silent")
	}
	r = explore.Run(parkingProgram("", 3), explore.Words(), explore.DPOR(), explore.Budget(20*time.Second))
	t.Logf("without a fault, 3 threads: %v", &r)
	if !r.OK() || !r.Exhaustive {
		t.Error("not silent")
	}
}

// TestWordsFindFaultsOfLocks plants the same two into the locks themselves.
func TestWordsFindFaultsOfLocks(t *testing.T) {
	defer func() { lock.Planted = lock.NoFault }()
	for fault, name := range map[lock.Fault]string{
		lock.TrustsLook: "looks before it releases",
		lock.LooksOnce:  "waits without looking again",
	} {
		for kind, do := range map[string]denizen{"Mtx": mtxLocks, "RWLock": rwWrites, "SX": sxLocks, "lockmgr": lkLocks} {
			lock.Planted = fault
			p := denProgram(0, false, do, do)
			if r := explore.Run(p); !r.OK() || !r.Exhaustive {
				t.Errorf("%s, %s: found without words: %v", kind, name, &r)
			}
			r := explore.Run(p, explore.Words())
			f := r.Failure
			if f == nil || f.Outcome != sim.Deadlock {
				t.Fatalf("%s, %s: not found: %v", kind, name, &r)
			}
			t.Logf("%s, %s: run %d, %d switches", kind, name, f.Run, f.Switches)
			again := explore.Run(p, explore.Words(), explore.Replay(f.Replay))
			if again.Failure == nil || again.Diverged != "" {
				t.Errorf("%s, %s: the replay does not fail: %v", kind, name, &again)
			}
			lock.Planted = lock.NoFault
			again = explore.Run(p, explore.Words(), explore.DPOR())
			if !again.OK() || !again.Exhaustive {
				t.Errorf("%s: without the fault: %v", kind, &again)
			}
		}
	}
}

// TestWordsFindVisitsThatStay has a visitor of a written lock go without a look whether the writer has gone: the next
// writer waits for nobody, or a try fails because of nobody.
func TestWordsFindVisitsThatStay(t *testing.T) {
	defer func() { lock.Planted = lock.NoFault }()
	for outcome, p := range map[sim.Outcome]func(m *sim.Machine){
		sim.Deadlock:     denProgram(0, false, twice(rwWrites), rwTriesToRead),
		sim.AssertFailed: denProgram(0, false, rwTriesToWriteAgain, rwTriesToRead),
	} {
		lock.Planted = lock.LeavesAnyway
		if r := explore.Run(p); !r.OK() || !r.Exhaustive {
			t.Errorf("%v: found without words: %v", outcome, &r)
		}
		r := explore.Run(p, explore.Words(), explore.DPOR())
		if f := r.Failure; f == nil || f.Outcome != outcome {
			t.Errorf("%v: not found: %v", outcome, &r)
		} else {
			t.Logf("%v: run %d, %d switches", outcome, f.Run, f.Switches)
		}
		lock.Planted = lock.NoFault
		if r := explore.Run(p, explore.Words(), explore.DPOR()); !r.OK() || !r.Exhaustive {
			t.Errorf("%v: without the fault: %v", outcome, &r)
		}
	}
}

// TestWordsFindSlotsNotLookedAt has the writer of an open lock not look for readers in slots, and then a reader not look
// whether the lock that it finds open was closed meanwhile: then nobody ends the share that was made of its hold.
func TestWordsFindSlotsNotLookedAt(t *testing.T) {
	defer func() { lock.Planted = lock.NoFault }()
	defer lock.SetCalmness(lock.SetCalmness(0))
	triesReadsAndWrites := func(d *den, td *lwkt.Thread) {
		if d.rw.TryWLock(td) {
			d.rw.WUnlock(td)
		}
		rwReads(d, td)
		rwWrites(d, td)
	}
	for fault, c := range map[lock.Fault]struct {
		outcome sim.Outcome
		threads []denizen
	}{
		lock.SkipsSlots: {sim.AssertFailed, []denizen{rwReads, rwWrites}},
		lock.TrustsOpen: {sim.Deadlock, []denizen{rwReads, triesReadsAndWrites}},
	} {
		p := opened(lockProgram{threads: c.threads})
		lock.Planted = fault
		r := explore.Run(p, explore.Words(), explore.DPOR())
		if f := r.Failure; f == nil || f.Outcome != c.outcome {
			t.Errorf("%v: not found: %v", c.outcome, &r)
		} else {
			t.Logf("%v: run %d, %d switches", c.outcome, f.Run, f.Switches)
		}
		lock.Planted = lock.NoFault
		if r := explore.Run(p, explore.Words(), explore.Preempt(2)); !r.OK() {
			t.Errorf("%v: without the fault: %v", c.outcome, &r)
		}
	}
}

// TestWordsSpin sees that what spins is a finite number of schedules.
func TestWordsSpin(t *testing.T) {
	spinning := func(order bool) func(m *sim.Machine) {
		return func(m *sim.Machine) {
			var words [2]hw.Uint32
			n := new(sim.Var[int])
			for i := range 2 {
				m.Go(fmt.Sprintf("t%d", i+1), func(td *lwkt.Thread) {
					first, second := &words[0], &words[1]
					if i == 1 && !order {
						first, second = second, first
					}
					for _, w := range []*hw.Uint32{first, second} {
						for !w.CompareAndSwap(0, 1) {
							hw.Pause(1)
						}
					}
					n.Store(td, n.Load(td)+1)
					second.Store(0)
					first.Store(0)
				})
			}
			m.Finally(func() { m.Assert(n.Value() == 2, "%d", n.Value()) })
		}
	}
	r := explore.Run(spinning(true), explore.Words(), explore.DPOR())
	t.Logf("in order: %v", &r)
	if !r.OK() || !r.Exhaustive {
		t.Error("in order: not all tried")
	}
	r = explore.Run(spinning(true), explore.Words(), explore.Exhaustive())
	t.Logf("in order: %v", &r)
	if !r.OK() || !r.Exhaustive {
		t.Error("in order: not all tried by enumeration")
	}
	r = explore.Run(spinning(false), explore.Words())
	if r.Failure == nil || r.Failure.Outcome != sim.Deadlock {
		t.Errorf("out of order: %v", &r)
	}
}

// TestWordsSpinLocks sees the deadlock of two spin locks, and that a machine survives
// threads that cannot be run to a place where they could be unwound.
func TestWordsSpinLocks(t *testing.T) {
	r := explore.Run(func(m *sim.Machine) {
		locks := new([2]hw.SpinLock)
		word := new(hw.Uint32)
		for i := range 2 {
			m.Go(fmt.Sprintf("t%d", i+1), func(td *lwkt.Thread) {
				locks[i].Lock()
				word.Add(1)
				locks[1-i].Lock()
				word.Add(1)
				locks[1-i].Unlock()
				locks[i].Unlock()
			})
		}
	}, explore.Words())
	var d *sim.DeadlockError
	if r.Failure == nil || !errors.As(r.Failure.Err, &d) || len(d.Threads) != 2 {
		t.Errorf("not found: %v", &r)
	}
}

// TestWordsGivenUp gives up runs at every step of a program that is inside the sections of
// the whole process, which must be left for the next run, and for goroutines.
func TestWordsGivenUp(t *testing.T) {
	old := lwkt.SetBypass(0)
	defer lwkt.SetBypass(old)
	for n := range 120 {
		err := sim.Do(func(s *sim.Session) {
			m := s.New(sim.Options{Words: true})
			w := newWorded(m, 0)
			w.start(program{(*worded).ab, (*worded).ba, (*worded).sleeps})
			m.Run(giveUp(n))
			next := s.New(sim.Options{Words: true})
			newWorded(next, 0).start(program{(*worded).ab, (*worded).ba})
			if r := next.Run(giveUp(-1)); r.Outcome != sim.Done {
				t.Errorf("after a run of %d steps: %v: %v", n, r.Outcome, r.Err)
			}
			lwkt.Run("goroutine", func(td *lwkt.Thread) {
				if !lwkt.TryAcquireAll(td, &w.a, &w.b) {
					t.Errorf("after a run of %d steps a token is not free", n)
				} else {
					lwkt.ReleaseAll(td, &w.a, &w.b)
				}
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// giveUp takes turns, and abandons the run at that step.
type giveUp int

func (g giveUp) Choose(p *sim.Point) int {
	if p.Step == int(g) {
		return -1
	}
	for i, e := range p.Enabled {
		if e.Thread > p.Last {
			return i
		}
	}
	return 0
}

// TestWordsHeld sees that the ends of threads are told as without words.
func TestWordsHeld(t *testing.T) {
	for want, f := range map[sim.Outcome]func(m *sim.Machine, s *worded, td *lwkt.Thread){
		sim.LocksHeld:    func(m *sim.Machine, s *worded, td *lwkt.Thread) { s.a.Acquire(td) },
		sim.Panic:        func(m *sim.Machine, s *worded, td *lwkt.Thread) { s.a.Acquire(td); panic("p") },
		sim.AssertFailed: func(m *sim.Machine, s *worded, td *lwkt.Thread) { s.a.Acquire(td); m.Assert(false, "p") },
	} {
		r := explore.Run(func(m *sim.Machine) {
			s := newWorded(m, 0)
			m.Go("ends", func(td *lwkt.Thread) { f(m, s, td) })
			m.Go("other", s.exclusive)
		}, explore.Words(), explore.DPOR())
		if r.Failure == nil || r.Failure.Outcome != want {
			t.Errorf("want %v: %v", want, &r)
		}
	}
}
