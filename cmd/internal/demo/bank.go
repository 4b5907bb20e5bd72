// bank.go: what the three disciplines have in common: requests, outcomes, and what a bank is.

package demo

import (
	"math/rand/v2"
	"time"

	"github.com/serializing-tokens/lwkt/cmd/internal/demo/journal"
)

const (
	opening   = 1000 // what every account has in the beginning
	maxAmount = 100  // what a transfer moves at most; small against opening, so that few are declined
)

// A request asks for one transfer.
type request struct {
	from, to int
	amount   int64
}

// requests is the stream of one teller: the same seed gives the same stream in every discipline.
type requests struct {
	rng      *rand.Rand
	accounts int
}

func newRequests(cfg config, world, teller int) requests {
	return requests{rand.New(rand.NewPCG(cfg.seed, uint64(world)<<32|uint64(teller))), cfg.accounts}
}

func (r requests) next() request {
	from := r.rng.IntN(r.accounts)
	to := r.rng.IntN(r.accounts - 1)
	if to >= from {
		to++ // any account but from, all equally likely
	}
	return request{from, to, 1 + r.rng.Int64N(maxAmount)}
}

// An ending is how a transfer ended.
type ending int

const (
	committed ending = iota // its commit is durable: it counts
	declined                // the account did not have the money: nothing was journalled
	aborted                 // the money was gone after the accounts had been given up for the write
	stuck                   // its world was given up while it waited for an account: the teller goes home
)

// An outcome is what became of a request.
type outcome struct {
	ending ending
	wait   time.Duration // until both accounts were held, all times taken together
	looked bool          // the accounts had changed hands across the write, and the balance was looked at again
}

// A transfer carries a request out. An error is one of the journal: the bank is closed.
type transfer func(request) (outcome, error)

// A bank is one world of accounts under one discipline.
type bank interface {
	// serve runs a teller: it calls loop with what carries out its requests, on the same goroutine.
	serve(teller int, loop func(transfer))
	// watch returns when all tellers have gone home, which is when done is closed, and reports whether the world had to be given up
	// before that because of a deadlock.
	watch(done <-chan struct{}) (dead bool)
	// balances is what the accounts hold. Only for when all tellers have gone home.
	balances() []int64
}

// intent is the journal's word for a request.
func (r request) intent(tx uint64) journal.Record {
	return journal.Record{Kind: journal.Intent, Tx: tx, From: uint32(r.from), To: uint32(r.to), Amount: r.amount}
}

func commit(tx uint64) journal.Record { return journal.Record{Kind: journal.Commit, Tx: tx} }
func abort(tx uint64) journal.Record  { return journal.Record{Kind: journal.Abort, Tx: tx} }
