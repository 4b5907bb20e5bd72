// The use that an open lock makes of Local (package lock, open.go), in every interleaving on the same machine: a
// reader that comes in and goes out, a writer that closes the lock, and somebody who opens it whenever that is allowed.
package hw

import "testing"

// opened is the state of the three.
type opened struct {
	tso // slot is the reader's, and nobody announces himself

	open, closing, owned bool // the word
	shares               int8
	counted              bool // the slot was
	counting             bool // the writer has Counting; the reader has it within a step

	inWord        bool // the reader's hold is a share, else it is in the slot
	reads, writes int8 // how often each is through
}

// openMachine is machine, and which errors are planted.
type openMachine struct {
	machine
	blind bool // who goes out does not look at counted
	early bool // or does so before it looks whether the lock is open
}

const reads, writes = 2, 2 // the buffer has room for so many reads

// Where the two go on.
const (
	readRetreat = 3
	readShare   = 4
	readSection = 5
	readVacated = 9
	readDrop    = 10

	writeClose = 1
	writeEnd   = 9
)

// readerStep performs the next step of the reader, or says that it waits.
func (k openMachine) readerStep(s *opened) bool {
	next, end := s.reader+1, false
	switch s.reader {
	case 0:
		s.isQuick = s.quick
	case 1:
		s.set(true, k.stores(&s.tso)) // O1
	case 2:
		if next = readRetreat; s.open {
			s.inWord, s.reading, next = false, true, readSection
		}
	case readRetreat, readVacated: // under Counting, which begins and ends with a locked instruction
		if s.counting {
			return false
		}
		s.flush()
		s.slot = false // O2; after O3 it is
		if retreats := s.reader == readRetreat; s.counted {
			s.counted, s.inWord = false, true // O6
			if next = readDrop; retreats {
				s.reading, next = true, readSection
			}
		} else {
			end = !retreats
		}
	case readShare: // T2, or a visit
		s.flush()
		if end = s.owned; !end {
			s.shares++
			s.inWord, s.reading = true, true
		}
	case readSection:
		s.isQuick = s.quick
		if s.inWord {
			next = readDrop
		}
	case 6:
		s.reading = false
		s.set(false, k.stores(&s.tso)) // O3
	case 7, 8:
		looks := [2]bool{!s.open, s.counted && !k.blind}
		if k.early {
			looks[0], looks[1] = looks[1], looks[0]
		}
		if looks[s.reader-7] {
			next = readVacated
		} else {
			end = s.reader == 8
		}
	case readDrop: // T6
		s.flush()
		s.shares--
		s.reading, end = false, true
	}
	if s.reader = next; end {
		s.reader, s.inWord = 0, false
		s.reads++
	}
	return true
}

// writerStep performs the next step of the writer. If others have shares it gives up.
func (k openMachine) writerStep(s *opened) bool {
	next, end := s.writer+1, false
	switch s.writer {
	case 0:
		if next = writeClose; !s.open {
			if end = s.shares > 0; !end {
				s.owned, s.writing, next = true, true, writeEnd // T1
			}
		}
	case writeClose:
		s.counting = true
	case 2:
		s.open, s.closing = false, true // T21
	case 3:
		s.mustBar = k.barriers(&s.tso)
	case 4:
		if s.mustBar {
			s.flush()
		}
	case 5:
		s.found = s.slot
	case 6:
		if s.found = s.found && !s.counted; s.found {
			s.counted = true // O5
		}
	case 7: // T22
		if s.closing = false; s.found {
			s.shares++
		}
	case 8:
		s.counting, s.found, s.mustBar, next = false, false, false, 0
	case writeEnd: // T5
		s.owned, s.writing, end = false, false, true
	}
	if s.writer = next; end {
		s.writer = 0
		s.writes++
	}
	return true
}

// explore goes through all interleavings from an open lock; left is what is left of a hold in the end.
func (k openMachine) explore(seen map[opened]bool) (overlap, left bool) {
	start := opened{open: true}
	return explore(start, seen,
		func(s opened) bool { return s.reading && s.writing },
		func(s opened, _ bool) bool {
			ended := s.n == 0 && s.reads == reads && s.writes == writes
			return ended && (s.shares != 0 || s.counted || s.slot)
		},
		func(s *opened) bool { return s.arrive() },
		func(s *opened) bool { return s.reads < reads && k.readerStep(s) },
		func(s *opened) bool { return s.writes < writes && k.writerStep(s) },
		func(s *opened) bool { // T20
			may := !s.owned && !s.open && !s.closing
			s.open = s.open || may
			return may
		},
		func(s *opened) bool { return k.late && s.switcher < 2 && s.switchOn() })
}

func TestOpen(t *testing.T) {
	for _, c := range []struct {
		what          string
		k             openMachine
		overlap, left bool
	}{
		{"atomic stores", openMachine{}, false, false},
		{"plain stores and no barrier", openMachine{machine: machine{plain: true}}, true, true},
		{"plain stores and a barrier", openMachine{machine: machine{plain: true, barrier: true}}, false, false},
		{"quick mode begins meanwhile", openMachine{machine: machine{barrier: true, late: true}}, false, false},
		{"quick mode begins meanwhile, and no barrier", openMachine{machine: machine{late: true}}, true, true},
		{"no look at counted", openMachine{blind: true}, false, true},
		{"no look at counted, plain", openMachine{machine: machine{plain: true, barrier: true}, blind: true}, false, true},
		{"a look at counted first", openMachine{early: true}, false, true},
	} {
		seen := map[opened]bool{}
		overlap, left := c.k.explore(seen)
		if overlap != c.overlap || left != c.left {
			t.Errorf("%s: overlap %v, left %v, want %v, %v", c.what, overlap, left, c.overlap, c.left)
		}
		t.Logf("%s: %d states", c.what, len(seen))
	}
}
