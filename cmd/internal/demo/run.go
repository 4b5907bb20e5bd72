// run.go: one discipline from the first teller to the audit: worlds one after the other until the time is up, the loop of a
// teller, and the counting.
//
// Why the figures are right: a transfer is counted by its teller after transfer returned committed, which is after its commit is
// durable. The time ends when the last teller has gone home, so no work is counted that fell outside of it. The watch of a
// world returns only after all its tellers have gone home, so balances are read when nobody changes them any more, and worlds
// never overlap.

package demo

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/serializing-tokens/lwkt/cmd/internal/demo/journal"
)

// A discipline is a name and a way to open a bank.
type discipline struct {
	name string
	open func(log *journal.Writer, t *tally, cfg config) bank
}

var disciplines = []discipline{
	{"mutex-unordered", openUnordered},
	{"mutex-ordered", openOrdered},
	{"tokens", openTokens},
}

// A tally counts while a discipline runs. Tellers and the display use it at the same time.
type tally struct {
	tx        atomic.Uint64 // transaction numbers given out
	transfers atomic.Int64
	declined  atomic.Int64
	aborted   atomic.Int64
	looked    atomic.Int64 // transfers that looked again
	stuck     atomic.Int64 // tellers who never got both accounts
	deadlocks atomic.Int64
	first     atomic.Pointer[cycle] // the first deadlock
	waits     histogram
}

// count is called by tellers, after each transfer.
func (t *tally) count(out outcome) {
	if out.looked {
		t.looked.Add(1)
	}
	switch out.ending {
	case committed:
		t.transfers.Add(1)
		t.waits.add(out.wait)
	case aborted:
		t.aborted.Add(1)
		t.waits.add(out.wait)
	case declined:
		t.declined.Add(1)
	case stuck:
		t.stuck.Add(1)
	}
}

// deadlock is called by the undertaker, once for each world that it gives up.
func (t *tally) deadlock(c cycle) {
	if t.deadlocks.Add(1) == 1 {
		t.first.Store(&c)
	}
}

// A result is what came out of one discipline.
type result struct {
	name      string
	transfers int64
	declined  int64
	aborted   int64
	looked    int64
	stuck     int64
	deadlocks int64
	cycle     cycle // the first deadlock, nil if none
	elapsed   time.Duration
	waits     *histogram
	path      string // of the journal
	stats     journal.Stats
	audit     string
}

func (r *result) perSecond() float64 { return float64(r.transfers) / r.elapsed.Seconds() }

// perSync is how many transfers shared one fsync, on average.
func (r *result) perSync() float64 { return float64(r.transfers) / float64(max(1, r.stats.Syncs)) }

// A shift is a discipline at work.
type shift struct {
	discipline
	cfg   config
	log   *journal.Writer
	tally *tally
	over  atomic.Bool // tellers finish what they are at and go home
}

// run runs the discipline with a journal of its own in dir. An error is one of the journal.
func (d discipline) run(ctx context.Context, cfg config, dir string, show *progress) (*result, error) {
	log, err := journal.Create(dir, d.name)
	if err != nil {
		return nil, err
	}
	return d.runOn(ctx, cfg, log, show)
}

// runOn runs the discipline and closes the journal.
func (d discipline) runOn(ctx context.Context, cfg config, log *journal.Writer, show *progress) (*result, error) {
	ctx, cancel := context.WithTimeout(ctx, cfg.duration)
	defer cancel()
	s := &shift{discipline: d, cfg: cfg, log: log, tally: new(tally)}
	defer context.AfterFunc(ctx, func() { s.over.Store(true) })()

	start := time.Now()
	hide := show.start(d.name, cfg.duration, s.tally)
	res := &result{name: d.name, waits: &s.tally.waits, path: log.Name()}
	last, dead := s.world(1)
	for number := 2; dead && !s.over.Load(); number++ {
		last, dead = s.world(number)
	}
	res.elapsed = time.Since(start)
	hide()

	t := s.tally
	res.transfers, res.declined, res.aborted = t.transfers.Load(), t.declined.Load(), t.aborted.Load()
	res.looked, res.stuck, res.deadlocks = t.looked.Load(), t.stuck.Load(), t.deadlocks.Load()
	if c := t.first.Load(); c != nil {
		res.cycle = *c
	}
	log.Append(journal.Record{Kind: journal.Close, Tx: uint64(res.transfers)})
	if err := log.Close(); err != nil {
		return nil, err
	}
	res.stats = log.Stats()
	if dead {
		last = nil
	}
	res.audit = audit(res, last)
	return res, nil
}

// world opens a bank, lets the tellers work until the shift is over or the world is dead, and returns the balances.
func (s *shift) world(number int) (balances []int64, dead bool) {
	s.log.Append(journal.Record{Kind: journal.Open, Tx: uint64(number), From: uint32(s.cfg.accounts), Amount: opening})
	b := s.open(s.log, s.tally, s.cfg)
	var tellers sync.WaitGroup
	for i := range s.cfg.tellers {
		tellers.Go(func() {
			b.serve(i, func(do transfer) { s.work(newRequests(s.cfg, number, i), do) })
		})
	}
	done := make(chan struct{})
	go func() {
		tellers.Wait()
		close(done)
	}()
	dead = b.watch(done)
	return b.balances(), dead
}

// work is the loop of a teller: one transfer after the other.
func (s *shift) work(in requests, do transfer) {
	for !s.over.Load() {
		out, err := do(in.next())
		if err != nil {
			s.over.Store(true) // the journal has failed for everybody; Close says why
			return
		}
		s.tally.count(out)
		if out.ending == stuck {
			return
		}
	}
}
