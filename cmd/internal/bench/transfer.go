// This file measures sections that need two locks out of many: transfers between accounts.
//
// Why it is fair: both sides draw the same kind of random pairs from the same generator and move one
// unit under both locks. The mutex side does what its program must do, sort the two by address, since
// it would deadlock otherwise; the token side takes them as the request names them, which is what
// tokens are for. That comparison and nothing else differs. Every account fills a cache line of its own
// on both sides, so that no side gains by false sharing or by being small.
//
// There are 8 goroutines whatever the number of accounts and processors: over 8 accounts two transfers
// at a time meet more often than not, and over 1000 hardly ever. After each round the sum over all
// accounts must be what it was and the moves counted in the accounts must be two for each transfer.

package bench

import (
	"fmt"
	"sync"
	"time"
	"unsafe"

	"github.com/serializing-tokens/lwkt"
)

const tellers = 8

// money is what a lock protects in these rows.
type money struct{ balance, moves int64 }

type tokenAccount struct {
	tok lwkt.Token
	money
	_ [line - (unsafe.Sizeof(lwkt.Token{})+unsafe.Sizeof(money{}))%line]byte
}

type mutexAccount struct {
	mu sync.Mutex
	money
	_ [line - (unsafe.Sizeof(sync.Mutex{})+unsafe.Sizeof(money{}))%line]byte
}

// A draw picks pairs of accounts (xorshift; no shared state).
type draw uint64

// newDraw gives each teller a sequence of its own, the same on both sides and in every round.
func newDraw(teller int) draw { return draw(0x9e3779b97f4a7c15 * uint64(teller+1)) }

// pair returns two different accounts out of n. It is small enough to be inlined on both sides.
func (r *draw) pair(n uint64) (from, to uint64) {
	x := *r
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	*r = x
	from = uint64(uint32(x)) * n >> 32
	to = uint64(x>>32) * (n - 1) >> 32
	if to >= from {
		to++
	}
	return from, to
}

// audit adds up the accounts after n transfers: transfers conserve the sum, which began at zero.
func audit(n int, accounts int, at func(int) money) error {
	var sum, moves int64
	for i := range accounts {
		sum += at(i).balance
		moves += at(i).moves
	}
	if sum != 0 {
		return fmt.Errorf("no exclusion: the accounts sum up to %d instead of 0", sum)
	}
	return exact(2*n, moves)
}

// tokenTransfers is the loop of a row over the given number of accounts.
func tokenTransfers(accounts int) loop {
	return func(n int, limit time.Duration) (int, time.Duration, error) {
		book, c := make([]tokenAccount, accounts), newCrew(n, limit, manyAtOnce)
		for i := range tellers {
			c.join(func() {
				td := lwkt.NewThread("teller")
				defer td.End()
				c.enter()
				c.leave(tokenTeller(td, book, &c.deal, newDraw(i)))
			})
		}
		took := c.race()
		did, err := c.total()
		if err == nil {
			err = audit(did, accounts, func(i int) money { return book[i].money })
		}
		return did, took, err
	}
}

// tokenTeller need not look at changed: it reads the accounts only after it has both tokens.
func tokenTeller(td *lwkt.Thread, book []tokenAccount, d *deal, r draw) (did int) {
	for hand := d.next(); hand > 0; hand = d.next() {
		for range hand {
			i, j := r.pair(uint64(len(book)))
			from, to := &book[i], &book[j]
			from.tok.Acquire(td)
			to.tok.Acquire(td)
			from.balance--
			from.moves++
			to.balance++
			to.moves++
			to.tok.Release(td)
			from.tok.Release(td)
		}
		did += hand
	}
	return did
}

// mutexTransfers is tokenTransfers for sync.Mutex.
func mutexTransfers(accounts int) loop {
	return func(n int, limit time.Duration) (int, time.Duration, error) {
		book, c := make([]mutexAccount, accounts), newCrew(n, limit, manyAtOnce)
		for i := range tellers {
			c.join(func() {
				c.enter()
				c.leave(mutexTeller(book, &c.deal, newDraw(i)))
			})
		}
		took := c.race()
		did, err := c.total()
		if err == nil {
			err = audit(did, accounts, func(i int) money { return book[i].money })
		}
		return did, took, err
	}
}

// mutexTeller orders by index, which in a slice is by address.
func mutexTeller(book []mutexAccount, d *deal, r draw) (did int) {
	for hand := d.next(); hand > 0; hand = d.next() {
		for range hand {
			i, j := r.pair(uint64(len(book)))
			from, to := &book[i], &book[j]
			first, second := from, to
			if j < i {
				first, second = to, from
			}
			first.mu.Lock()
			second.mu.Lock()
			from.balance--
			from.moves++
			to.balance++
			to.moves++
			second.mu.Unlock()
			first.mu.Unlock()
		}
		did += hand
	}
	return did
}
