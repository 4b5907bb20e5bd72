// The two sides of a Local, with the read-mostly lock's use of it, in every interleaving on a
// machine that delays stores.
package hw

import (
	"sync/atomic"
	"testing"
)

// tso is the state of a reader and a writer of a read-mostly lock, and of the one who switches quick
// mode on. The stores of the reader wait in a buffer, first in first out, and reach
// memory whenever they like; its locked instructions, and a barrier, empty it.
type tso struct {
	reader, writer, switcher int // what each does next

	slot, announced, armed, quick, waiter bool    // memory
	buffer                                [4]int8 // the reader's stores to slot: 0 none, 1 false, 2 true
	n                                     int

	isQuick, saw, mustBar, found bool // registers
	woken                        bool
	reading, writing             bool
}

// machine says which of the means against late stores are there.
type machine struct {
	plain   bool // from the start, stores are plain ones
	barrier bool // the writer has one
	late    bool // quick mode is switched on meanwhile; barriers only where armed says so
}

func (s *tso) flush() {
	for s.n > 0 {
		s.drain()
	}
}

func (s *tso) drain() {
	s.slot = s.buffer[0] == 2
	copy(s.buffer[:], s.buffer[1:])
	s.n--
	s.buffer[s.n] = 0
}

// set is Local.Set by the reader.
func (s *tso) set(v bool, plain bool) {
	if !plain {
		s.flush()
		s.slot = v
		return
	}
	s.buffer[s.n] = 1
	if v {
		s.buffer[s.n] = 2
	}
	s.n++
}

// tell is the reader's section under Lending.
func (s *tso) tell() {
	s.flush()
	if s.waiter && !s.slot {
		s.waiter, s.woken = false, true
	}
}

// switchOn performs the next step of the one who switches quick mode on.
func (s *tso) switchOn() bool {
	s.armed, s.quick = true, s.switcher == 1
	s.switcher++
	return true
}

// stores says whether what the reader Sets now is a plain store.
func (k machine) stores(s *tso) (plain bool) { return k.plain || k.late && s.isQuick }

// barriers says whether Barrier is one now.
func (k machine) barriers(s *tso) bool { return k.barrier && (!k.late || s.armed) }

const readerEnd, writerEnd = 8, 7

// readerStep performs the next step of the reader.
func (k machine) readerStep(s *tso) {
	s.reader++
	switch s.reader - 1 {
	case 0, 4:
		s.isQuick = s.quick
	case 1:
		s.set(true, k.stores(s))
	case 2:
		s.saw = s.announced
	case 3:
		s.reading = !s.saw
	case 5:
		s.reading = false // and the stores of the section come before this one
		s.set(false, k.stores(s))
	case 6:
		s.saw = s.announced
	case 7:
		if s.saw {
			s.tell()
		}
	}
}

// writerStep performs the next step of the writer, or says that it waits.
func (k machine) writerStep(s *tso) bool {
	switch s.writer {
	case 0:
		s.announced = true
	case 1:
		s.mustBar = k.barriers(s)
	case 2:
		if s.mustBar {
			s.flush() // the reader's buffer
		}
	case 3:
		s.found = s.slot
		if !s.found {
			s.writer = 5
		}
	case 4: // under Lending
		s.waiter = s.slot
		s.woken = !s.slot
	case 5: // parked
		if !s.woken {
			return false
		}
	case 6:
		s.writing = false
	}
	s.writer++
	if s.writer == 6 {
		s.writing = true
	}
	return true
}

// explore goes through all interleavings from s, whose steps say whether they could be taken, and says whether two were
// ever inside at once, and whether anything was ever lost. From an overlap it does not go on.
func explore[S comparable](s S, seen map[S]bool, overlaps func(s S) bool, lost func(s S, moved bool) bool, steps ...func(s *S) bool) (overlap, left bool) {
	if seen[s] {
		return false, false
	}
	seen[s] = true
	if overlaps(s) {
		return true, false
	}
	moved := false
	for _, step := range steps {
		if n := s; step(&n) {
			moved = true
			o, l := explore(n, seen, overlaps, lost, steps...)
			overlap, left = overlap || o, left || l
		}
	}
	return overlap, left || lost(s, moved)
}

// arrive is the step of a store that reaches memory.
func (s *tso) arrive() bool {
	if s.n == 0 {
		return false
	}
	s.drain()
	return true
}

// explore goes through all of them from the start; lost is the wakeup of a writer that waits for ever.
func (k machine) explore(seen map[tso]bool) (overlap, lost bool) {
	return explore(tso{}, seen,
		func(s tso) bool { return s.reading && s.writing },
		func(s tso, moved bool) bool { return !moved && s.writer < writerEnd },
		(*tso).arrive,
		func(s *tso) bool {
			if s.reader == readerEnd {
				return false
			}
			k.readerStep(s)
			return true
		},
		func(s *tso) bool { return s.writer < writerEnd && k.writerStep(s) },
		func(s *tso) bool { return k.late && s.switcher < 2 && s.switchOn() })
}

func TestStoreBuffers(t *testing.T) {
	for _, c := range []struct {
		what          string
		k             machine
		overlap, lost bool
	}{
		{"atomic stores", machine{}, false, false},
		{"plain stores and no barrier", machine{plain: true}, true, true},
		{"plain stores and a barrier", machine{plain: true, barrier: true}, false, false},
		{"quick mode begins meanwhile", machine{barrier: true, late: true}, false, false},
		{"quick mode begins meanwhile, and no barrier", machine{late: true}, true, true},
	} {
		seen := map[tso]bool{}
		overlap, lost := c.k.explore(seen)
		if overlap != c.overlap || lost != c.lost {
			t.Errorf("%s: overlap %v, lost wakeup %v, want %v, %v", c.what, overlap, lost, c.overlap, c.lost)
		}
		t.Logf("%s: %d states", c.what, len(seen))
	}
}

// TestLocal has two goroutines find each other, as a reader and a writer do, by the real thing.
func TestLocal(t *testing.T) {
	modes := []bool{false}
	if Enlist(); Quick() {
		modes = append(modes, true)
	}
	defer SetQuick(Quick())
	for _, quick := range modes {
		_ = SetQuick(quick)
		var l Local
		var flag, turn, back atomic.Uint32
		missed := 0
		const rounds = 500
		go func() {
			for i := range uint32(rounds) {
				for turn.Load() != i+1 {
					Yield()
				}
				l.Set(1)
				saw := flag.Load()
				back.Store(i<<1 | saw)
				for turn.Load() == i+1 && i < rounds-1 {
					Yield()
				}
			}
		}()
		for i := range uint32(rounds) {
			l.word = 0 // the other one waits
			flag.Store(0)
			back.Store(^uint32(0))
			turn.Store(i + 1)
			if i%2 == 0 {
				Pause(i%32 + 1)
			}
			flag.Store(1)
			Barrier()
			saw := l.Load()
			for back.Load() == ^uint32(0) {
				Yield()
			}
			if saw == 0 && back.Load()&1 == 0 {
				missed++
			}
		}
		if missed > 0 {
			t.Errorf("quick %v: in %d of %d rounds neither saw the other", quick, missed, rounds)
		}
	}
}
