// ordered.go: the discipline mutex-ordered, as good a program as sync.Mutex allows: both accounts are locked, the one with the
// lower address first, and held until the transfer is durable.
//
// Why it is correct: all tellers lock in one order, so there is no cycle of waits. Both accounts stay locked from before the
// intent until after the commit is durable, so nobody else sees the balance meanwhile, and intent and commit can go to the
// journal together and wait for one sync. The price: whoever wants one of the two accounts waits for the disk.

package demo

import (
	"sync"
	"time"

	"github.com/serializing-tokens/lwkt/cmd/internal/demo/journal"
)

// A mutexAccount is an account under a mutex.
type mutexAccount struct {
	mu      sync.Mutex
	balance int64 // (mu)
}

// mutexBank is what both mutex disciplines have.
type mutexBank struct {
	log      *journal.Writer
	tally    *tally
	accounts []mutexAccount
}

func newMutexBank(log *journal.Writer, t *tally, accounts int) mutexBank {
	b := mutexBank{log, t, make([]mutexAccount, accounts)}
	for i := range b.accounts {
		b.accounts[i].balance = opening
	}
	return b
}

// move carries the transfer out, both accounts being locked.
func (b *mutexBank) move(r request) (ending, error) {
	from, to := &b.accounts[r.from], &b.accounts[r.to]
	if from.balance < r.amount {
		return declined, nil
	}
	tx := b.tally.tx.Add(1)
	if err := b.log.Wait(b.log.Append(r.intent(tx), commit(tx))); err != nil {
		return 0, err
	}
	from.balance -= r.amount
	to.balance += r.amount
	return committed, nil
}

func (b *mutexBank) balances() []int64 {
	list := make([]int64, len(b.accounts))
	for i := range b.accounts {
		list[i] = b.accounts[i].balance
	}
	return list
}

type orderedBank struct{ mutexBank }

func openOrdered(log *journal.Writer, t *tally, cfg config) bank {
	return &orderedBank{newMutexBank(log, t, cfg.accounts)}
}

func (b *orderedBank) serve(_ int, loop func(transfer)) { loop(b.transfer) }

// watch has nothing to do but wait: there is no deadlock to find.
func (b *orderedBank) watch(done <-chan struct{}) bool { <-done; return false }

func (b *orderedBank) transfer(r request) (out outcome, err error) {
	first, second := &b.accounts[r.from], &b.accounts[r.to]
	if r.from > r.to { // address order: the accounts lie in one array
		first, second = second, first
	}
	start := time.Now()
	first.mu.Lock()
	defer first.mu.Unlock()
	second.mu.Lock()
	defer second.mu.Unlock()
	out.wait = time.Since(start)
	out.ending, err = b.move(r)
	return out, err
}
