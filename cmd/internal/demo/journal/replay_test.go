// replay_test.go: a journal cut at every byte and damaged at every bit gives the state before the first record that is not
// whole, and a journal that cannot be is refused.

package journal

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"
)

// story is a run with two worlds, an abort, and two intents that end in another order than they began.
var story = []Record{
	{Kind: Open, Tx: 1, From: 2, Amount: 7},
	{Kind: Intent, Tx: 1, From: 0, To: 1, Amount: 7},
	{Kind: Open, Tx: 2, From: 3, Amount: 100},
	{Kind: Intent, Tx: 2, From: 0, To: 1, Amount: 30},
	{Kind: Intent, Tx: 3, From: 1, To: 2, Amount: 120},
	{Kind: Intent, Tx: 4, From: 2, To: 0, Amount: 50},
	{Kind: Commit, Tx: 4},
	{Kind: Commit, Tx: 2},
	{Kind: Intent, Tx: 5, From: 0, To: 2, Amount: 120},
	{Kind: Abort, Tx: 5},
	{Kind: Intent, Tx: 6, From: 0, To: 2, Amount: 1}, // never ended
	{Kind: Commit, Tx: 3},
	{Kind: Close, Tx: 3},
}

// write gives the bytes of a journal and where each record ends; ends[0] is the end of the magic.
func write(records []Record) (data []byte, ends []int) {
	data = []byte(magic)
	ends = []int{len(data)}
	for _, r := range records {
		data = appendRecord(data, r)
		ends = append(ends, len(data))
	}
	return data, ends
}

func TestReplay(t *testing.T) {
	data, _ := write(story)
	s, err := Replay(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if want := []int64{120, 10, 170}; !reflect.DeepEqual(s.Balances, want) || s.Sum() != 300 {
		t.Errorf("balances %v, want %v", s.Balances, want)
	}
	if s.World != 2 || s.Opening != 100 || s.Commits != 3 || s.Total != 3 || s.Open != 1 || s.Records != len(story) || s.Interrupted() {
		t.Errorf("%+v", s)
	}
}

// prefix is what a replay must give for the first n records and torn bytes behind them.
func prefix(t *testing.T, ends []int, n int, torn int) *State {
	t.Helper()
	data, _ := write(story[:n])
	s, err := Replay(bytes.NewReader(data))
	if err != nil || s.Torn != 0 || s.Size != int64(ends[n]) || s.Records != n {
		t.Fatalf("%d records: %+v, %v", n, s, err)
	}
	s.Torn = int64(torn)
	return s
}

// TestTornAtEveryByte cuts the journal at each offset.
func TestTornAtEveryByte(t *testing.T) {
	data, ends := write(story)
	whole := 0
	for cut := range data {
		s, err := Replay(bytes.NewReader(data[:cut]))
		if cut == 0 {
			if err != ErrEmpty {
				t.Errorf("an empty file: %+v, %v", s, err)
			}
			continue
		}
		if err != nil || !s.Interrupted() {
			t.Fatalf("cut at %d: %+v, %v", cut, s, err)
		}
		if cut < ends[0] {
			if s.Records != 0 || s.Size != 0 || s.Torn != int64(cut) {
				t.Errorf("cut at %d, in the magic: %+v", cut, s)
			}
			continue
		}
		for ends[whole+1] <= cut {
			whole++
		}
		if want := prefix(t, ends, whole, cut-ends[whole]); !reflect.DeepEqual(s, want) {
			t.Errorf("cut at %d:\n got %+v\nwant %+v", cut, s, want)
		}
	}
}

// TestEveryBitFlipped damages each bit; whatever comes behind the damaged record is whole, must be found and not be taken (J4).
func TestEveryBitFlipped(t *testing.T) {
	data, ends := write(story)
	hit := 0 // the record that is damaged
	for i := range data {
		for ends[hit] <= i {
			hit++
		}
		for bit := range 8 {
			damaged := bytes.Clone(data)
			damaged[i] ^= 1 << bit
			s, err := Replay(bytes.NewReader(damaged))
			if i < ends[0] {
				if err != ErrNotJournal {
					t.Errorf("bit %d of byte %d, in the magic: %v", bit, i, err)
				}
				continue
			}
			want := prefix(t, ends, hit-1, len(data)-ends[hit-1])
			want.Damaged = hit < len(story) // the last record has none behind it
			if err != nil || !reflect.DeepEqual(s, want) || !s.Interrupted() {
				t.Errorf("bit %d of byte %d:\n got %+v, %v\nwant %+v", bit, i, s, err, want)
			}
		}
	}
}

// TestZeroTail is a file system that made the file longer and never wrote the end.
func TestZeroTail(t *testing.T) {
	data, ends := write(story[:4])
	s, err := Replay(bytes.NewReader(append(data, make([]byte, 4096)...)))
	if want := prefix(t, ends, 4, 4096); err != nil || !reflect.DeepEqual(s, want) {
		t.Errorf("got %+v, %v\nwant %+v", s, err, want)
	}
}

// TestDamage has what no end torn off can be, and a torn end for comparison. Records begin at any byte behind the bad one.
func TestDamage(t *testing.T) {
	data, ends := write(story)
	zeros := func(n int) []byte { return make([]byte, n) }
	for name, tt := range map[string]struct {
		damaged bool
		data    []byte
	}{
		"whole":             {false, data},
		"torn":              {false, data[:ends[5]+11]},
		"a hole":            {true, slices.Concat(data[:ends[5]], zeros(ends[6]-ends[5]), data[ends[6]:])},
		"bytes lost":        {true, slices.Concat(data[:ends[5]+7], data[ends[6]:])},
		"the last survives": {true, slices.Concat(data[:ends[5]], zeros(200_000), data[ends[len(ends)-2]:])},
		"zeros for the end": {false, slices.Concat(data[:ends[5]], zeros(200_000))},
		"twice":             {true, slices.Concat(data, data[ends[0]:])},
		"more at the end":   {true, slices.Concat(data, []byte("\n"))},
	} {
		s, err := Replay(bytes.NewReader(tt.data))
		if err != nil || s.Damaged != tt.damaged || s.Size+s.Torn != int64(len(tt.data)) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// TestNonsense has whole records that no crash can leave.
func TestNonsense(t *testing.T) {
	open := Record{Kind: Open, Tx: 1, From: 2, Amount: 10}
	intent := Record{Kind: Intent, Tx: 1, From: 0, To: 1, Amount: 6}
	second := Record{Kind: Intent, Tx: 2, From: 0, To: 1, Amount: 6}
	for name, records := range map[string][]Record{
		"no world":               {intent},
		"one account":            {{Kind: Open, From: 1}},
		"too many accounts":      {{Kind: Open, From: MaxAccounts + 1}},
		"too much money":         {{Kind: Open, From: 2, Amount: 1 << 62}},
		"account out of range":   {open, {Kind: Intent, From: 0, To: 2, Amount: 1}},
		"to itself":              {open, {Kind: Intent, From: 1, To: 1, Amount: 1}},
		"nothing moves":          {open, {Kind: Intent, From: 0, To: 1}},
		"announced twice":        {open, intent, intent},
		"no intent":              {open, {Kind: Commit, Tx: 1}},
		"commit twice":           {open, intent, {Kind: Commit, Tx: 1}, {Kind: Commit, Tx: 1}},
		"commit after abort":     {open, intent, {Kind: Abort, Tx: 1}, {Kind: Commit, Tx: 1}},
		"commit of a dead world": {open, intent, open, {Kind: Commit, Tx: 1}},
		"overdraft":              {open, intent, second, {Kind: Commit, Tx: 1}, {Kind: Commit, Tx: 2}},
		"wrong count":            {open, {Kind: Close, Tx: 1}},
	} {
		data, ends := write(records)
		s, err := Replay(bytes.NewReader(data))
		if !errors.Is(err, ErrCorrupt) || s.Size != int64(ends[len(ends)-2]) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// FuzzReplay reads whole records made from ops, which get past the CRC, and whatever comes behind them. A replay may refuse a
// journal, but if it takes one then no money was made or lost, no account is overdrawn, and each byte is whole or torn.
func FuzzReplay(f *testing.F) {
	data, _ := write(story)
	f.Add([]byte(nil), data[len(magic):])
	f.Add([]byte("\x01\x01\x00\x00\x02\x01\x09\x01\x03\x01\x00\x00\x05\x01\x00\x00"), []byte(nil))
	f.Add([]byte("\x01\x01\x00\x00\x02\x01\x09\x01\x02\x02\x06\x63\x04\x01\x00\x00"), data[:11])
	f.Fuzz(func(t *testing.T, ops, tail []byte) {
		var records []Record
		for ; len(ops) >= 4; ops = ops[4:] {
			r := Record{Kind: Open + Kind(ops[0]-1)%Close, Tx: uint64(ops[1]), From: uint32(ops[2] >> 2), To: uint32(ops[2] & 3), Amount: int64(ops[3])}
			if r.Kind == Open {
				r.From, r.Amount = 4, 100
			}
			records = append(records, r)
		}
		data, _ := write(records)
		data = append(data, tail...)
		s, err := Replay(bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Error(err)
			}
			return
		}
		if s.Size+s.Torn != int64(len(data)) {
			t.Errorf("%d whole and %d torn bytes of %d", s.Size, s.Torn, len(data))
		}
		if s.Sum() != s.Opening*int64(len(s.Balances)) {
			t.Errorf("the sum is %d, %d accounts had %d each", s.Sum(), len(s.Balances), s.Opening)
		}
		for i, b := range s.Balances {
			if b < 0 {
				t.Errorf("account %d has %d", i, b)
			}
		}
	})
}
