// bank_test.go: each discipline on a disk in memory: the money stays, a token transfer whose money is gone after the write is
// aborted, and a disk that fills up ends the run with an error that names the file.

package demo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt/cmd/internal/demo/journal"
)

// TestTokensLookAgain has two tellers who both see the money before either's intent is durable: one gets it.
func TestTokensLookAgain(t *testing.T) {
	var first sync.Once
	var tl tally
	disk := &memory{sync: func() {
		first.Do(func() {
			for tl.tx.Load() < 2 { // a number is given out after the look at the balance
				runtime.Gosched()
			}
		})
	}}
	log := journal.NewWriter("test", disk)
	log.Append(journal.Record{Kind: journal.Open, Tx: 1, From: 3, Amount: opening})
	b := openTokens(log, &tl, config{accounts: 3}).(*tokenBank)
	outs := make([]outcome, 2)
	var tellers sync.WaitGroup
	for i := range outs {
		tellers.Go(func() {
			b.serve(i, func(do transfer) {
				var err error
				if outs[i], err = do(request{from: 0, to: 1 + i, amount: opening*6/10 + int64(i)}); err != nil {
					t.Error(err)
				}
			})
		})
	}
	tellers.Wait()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	win, lose := outs[0], outs[1]
	if win.ending == aborted {
		win, lose = lose, win
	}
	if win.ending != committed || lose.ending != aborted || !lose.looked {
		t.Errorf("endings %+v and %+v, want one committed, and one that looked again and was aborted", win, lose)
	}
	s, err := journal.Replay(bytes.NewReader(disk.data))
	if err != nil || s.Total != 1 || s.Open != 0 || s.Aborts != 1 || s.Sum() != 3*opening {
		t.Errorf("replay: %+v, %v", s, err)
	}
	for i, have := range b.balances() {
		if have != s.Balances[i] {
			t.Errorf("account %d has %d, and %d by the journal", i, have, s.Balances[i])
		}
	}
}

// TestFullDisk lets each discipline run until the disk is full.
func TestFullDisk(t *testing.T) {
	for _, d := range disciplines {
		t.Run(d.name, func(t *testing.T) {
			disk := &memory{room: 20_000, err: syscall.ENOSPC}
			log := journal.NewWriter("/full/disk.journal", disk)
			cfg := config{accounts: 4, tellers: 8, duration: time.Minute, seed: 1}
			res, err := d.runOn(context.Background(), cfg, log, newProgress(io.Discard))
			if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "/full/disk.journal") || res != nil {
				t.Errorf("got %v, %v", res, err)
			}
			s, err := journal.Replay(bytes.NewReader(disk.data))
			if err != nil || !s.Interrupted() || s.Torn != 0 || verdictOn(s) != auditOK {
				t.Errorf("what is left: %+v, %v", s, err)
			}
		})
	}
}

func TestRequests(t *testing.T) {
	cfg := config{accounts: 3, seed: 7}
	a, b := newRequests(cfg, 1, 2), newRequests(cfg, 1, 2)
	seen := make(map[[2]int]bool)
	for range 200 {
		r := a.next()
		if r != b.next() {
			t.Fatal("the same seed gives another request")
		}
		if r.from == r.to || r.from < 0 || r.to < 0 || r.from >= 3 || r.to >= 3 || r.amount < 1 || r.amount > maxAmount {
			t.Fatalf("request %+v", r)
		}
		seen[[2]int{r.from, r.to}] = true
	}
	if len(seen) != 6 {
		t.Errorf("%d of 6 pairs seen", len(seen))
	}
}

func TestCompare(t *testing.T) {
	res := &result{transfers: 2}
	state := func(change func(*journal.State)) *journal.State {
		s := &journal.State{Total: 2, Closed: true, Opening: opening, Balances: []int64{900, 1100}}
		change(s)
		return s
	}
	same := func(*journal.State) {}
	for _, tt := range []struct {
		name     string
		balances []int64
		state    *journal.State
		want     string
	}{
		{"good", []int64{900, 1100}, state(same), auditOK},
		{"given up", nil, state(same), auditNotFinished},
		{"given up, a transfer lost", nil, state(func(s *journal.State) { s.Total = 1 }), "the journal has 1 transfers, the tellers counted 2"},
		{"money lost", []int64{900, 1099}, state(same), "the sum is 1999 and was 2000"},
		{"other balances", []int64{901, 1099}, state(same), "account 0 has 901, and 900 by the journal"},
		{"transfer lost", []int64{900, 1100}, state(func(s *journal.State) { s.Total = 3 }), "the journal has 3 transfers, the tellers counted 2"},
		{"no end", []int64{900, 1100}, state(func(s *journal.State) { s.Closed = false }), "the journal was interrupted, says its replay"},
		{"torn", []int64{900, 1100}, state(func(s *journal.State) { s.Torn = 1 }), "the journal was interrupted, says its replay"},
		{"other accounts", []int64{1000}, state(same), "the journal has 2 accounts, the bank 1"},
	} {
		if got := compare(res, tt.balances, tt.state); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	res.deadlocks = 1
	if got := compare(res, []int64{900, 1100}, state(same)); got != auditLast {
		t.Errorf("after a deadlock: %q", got)
	}
}
