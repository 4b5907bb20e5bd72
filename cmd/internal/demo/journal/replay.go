// replay.go: from the bytes of a journal back to balances.
//
// Why it is correct: records are taken one by one from the start, each whole or not at all, and the first that is not whole ends
// the journal (J4); an intent is only remembered, and its COMMIT applies it (J3); OPEN forgets the world before it. A file
// that ends without CLOSE is reported as interrupted (J6): what was found up to there still holds, by J1 and J2. Whole records behind
// one that is not whole are damage (J4), and State says so.
//
// A record that is whole and yet makes no sense (a commit without its intent, a balance below zero) was not left by a crash: it
// is a bug of the writer, or another program's file, and an error.

package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
)

// ErrCorrupt is in the error of a replay that met a record which is whole but cannot be.
var ErrCorrupt = errors.New("journal makes no sense")

// ErrEmpty is the error of a replay of nothing: not even the first batch of a journal has arrived.
var ErrEmpty = errors.New("empty: not a journal")

// ErrNotJournal is the error of a replay of something else.
var ErrNotJournal = errors.New("not a journal of the demo")

// MaxAccounts bounds the accounts of a world, so that no file makes the reader allocate without limit.
const MaxAccounts = 1 << 20

// A State is what a journal says.
type State struct {
	World    uint64  // the last world opened, 0 if none
	Opening  int64   // what each of its accounts had in the beginning
	Balances []int64 // what they have in the end
	Commits  uint64  // transfers committed in the last world
	Total    uint64  // transfers committed in all worlds
	Aborts   uint64  // transfers aborted in all worlds
	Open     int     // intents of the last world with neither commit nor abort
	Records  int     // whole records
	Size     int64   // where the last whole record ends
	Torn     int64   // bytes behind that: a record written in part, or damaged, and everything after it
	Closed   bool    // the run ended on purpose
	Damaged  bool    // a torn end is not all: whole records follow, or anything at all behind the record Close

	intents map[uint64]Record
}

// Interrupted reports whether the run that wrote the journal did not end on purpose, or still goes on.
func (s *State) Interrupted() bool { return !s.Closed || s.Torn > 0 }

// Sum is the money of all accounts.
func (s *State) Sum() (sum int64) {
	for _, b := range s.Balances {
		sum += b
	}
	return sum
}

// ReplayFile replays the journal at path.
func ReplayFile(path string) (*State, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("journal %s is a directory; name a *%s file in it", path, Ext)
	}
	s, err := Replay(f)
	if err != nil {
		return s, fmt.Errorf("journal %s: %w", path, err)
	}
	return s, nil
}

// Replay reads a journal and applies its committed transfers, up to the first record that is not whole. A journal that ends in the
// middle of a record, or is damaged, is no error; State says so. With ErrCorrupt the state is that before the record in question.
func Replay(r io.Reader) (*State, error) {
	s := &State{intents: make(map[uint64]Record)}
	in := bufio.NewReaderSize(r, 64<<10)
	head, err := peek(in, len(magic))
	if err != nil {
		return s, err
	}
	if len(head) == 0 {
		return s, ErrEmpty
	}
	if string(head) != magic[:len(head)] {
		return s, ErrNotJournal
	}
	if len(head) == len(magic) { // else the journal was interrupted at birth
		s.Size = int64(len(head))
		in.Discard(len(head))
		if err := s.records(in); err != nil {
			return s, err
		}
	}
	s.Open = len(s.intents)
	var whole bool
	s.Torn, whole, err = rest(in)
	s.Damaged = whole || s.Closed && s.Torn > 0
	return s, err
}

// rest reads to the end. It returns how many bytes that were, and whether there is a whole record among them, wherever it begins.
func rest(in *bufio.Reader) (n int64, whole bool, err error) {
	for {
		b, err := peek(in, headerSize+longSize)
		if err != nil || len(b) == 0 {
			return n, false, err
		}
		if _, size := parseRecord(b); size > 0 {
			behind, err := io.Copy(io.Discard, in)
			return n + behind, true, err
		}
		in.Discard(1)
		n++
	}
}

// records applies records until the first that is not whole, or the last.
func (s *State) records(in *bufio.Reader) error {
	for !s.Closed {
		b, err := peek(in, headerSize+longSize)
		if err != nil {
			return err
		}
		r, n := parseRecord(b)
		if n == 0 {
			return nil
		}
		if err := s.apply(r); err != nil {
			return fmt.Errorf("%w: %s record at byte %d: %v", ErrCorrupt, r.Kind, s.Size, err)
		}
		in.Discard(n)
		s.Records++
		s.Size += int64(n)
	}
	return nil
}

// peek is the next n bytes, or fewer at the end of the file.
func peek(in *bufio.Reader, n int) ([]byte, error) {
	b, err := in.Peek(n)
	if err == io.EOF {
		err = nil
	}
	return b, err
}

// apply does what the record says.
func (s *State) apply(r Record) error {
	switch r.Kind {
	case Open:
		if r.From < 2 || r.From > MaxAccounts || r.Amount < 0 || r.Amount > math.MaxInt64/MaxAccounts {
			return fmt.Errorf("a world of %d accounts with %d each", r.From, r.Amount)
		}
		s.World, s.Opening, s.Commits = r.Tx, r.Amount, 0
		s.Balances = make([]int64, r.From)
		for i := range s.Balances {
			s.Balances[i] = r.Amount
		}
		clear(s.intents)
	case Intent:
		if n := uint32(len(s.Balances)); r.From >= n || r.To >= n || r.From == r.To || r.Amount <= 0 {
			return fmt.Errorf("transfer %d moves %d from account %d to %d of %d", r.Tx, r.Amount, r.From, r.To, n)
		}
		if _, twice := s.intents[r.Tx]; twice {
			return fmt.Errorf("transfer %d is announced twice", r.Tx)
		}
		s.intents[r.Tx] = r
	case Commit, Abort:
		i, ok := s.intents[r.Tx]
		if !ok {
			return fmt.Errorf("transfer %d was never announced, or has ended before", r.Tx)
		}
		delete(s.intents, r.Tx)
		if r.Kind == Abort {
			s.Aborts++
			return nil
		}
		if s.Balances[i.From] < i.Amount {
			return fmt.Errorf("transfer %d takes %d from account %d, which has %d", r.Tx, i.Amount, i.From, s.Balances[i.From])
		}
		s.Balances[i.From] -= i.Amount
		s.Balances[i.To] += i.Amount
		s.Commits++
		s.Total++
	case Close:
		if r.Tx != s.Total {
			return fmt.Errorf("it counts %d commits, the journal has %d", r.Tx, s.Total)
		}
		s.Closed = true
	}
	return nil
}
