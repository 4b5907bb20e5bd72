// unordered.go: the discipline mutex-unordered, the program that one writes first: lock the account the money comes from, lock the
// one it goes to, write, unlock. It deadlocks.
//
// How a deadlock is found: the bank tells a wait-for graph (waitfor.go) what each teller is about to lock, has locked and is
// about to unlock. The graph finds a cycle at the very moment when its last teller begins to wait. That teller waits all the
// same: the deadlock is real, its goroutines are parked in sync.Mutex.
//
// How a world is given up: goroutines parked in sync.Mutex cannot be ended from outside, but a sync.Mutex may be unlocked by
// anybody. So the undertaker (watch) marks the world as dead, takes away from each teller of the cycle the account that it
// holds, in the graph, and unlocks it. Whoever gets a lock in a dead world unlocks what it still holds and goes home. So no
// goroutine is leaked, and no transfer takes place with a lock that was taken away, because:
//
//	U1  a lock is taken away only from a teller that waits for its second one, and that looks at dead after it got it, before
//	    it touches an account (dead is set before the unlock that lets it go on);
//	U2  a mutex is unlocked by whom the graph calls its holder, or by the undertaker, who makes that "nobody" in the same
//	    critical section of the graph: never by both.
//
// A teller of a dead world that has both its locks finishes its transfer, which counts. Dying worlds may have further cycles,
// which are broken in the same way; a world counts as one deadlock.

package demo

import (
	"sync/atomic"
	"time"

	"github.com/serializing-tokens/lwkt/cmd/internal/demo/journal"
)

type unorderedBank struct {
	mutexBank
	graph  *waitGraph
	dead   atomic.Bool
	cycles chan cycle // room for every teller: each is in one cycle at most, so a send never blocks
}

func openUnordered(log *journal.Writer, t *tally, cfg config) bank {
	return &unorderedBank{
		mutexBank: newMutexBank(log, t, cfg.accounts),
		graph:     newWaitGraph(cfg.tellers, cfg.accounts),
		cycles:    make(chan cycle, cfg.tellers),
	}
}

func (b *unorderedBank) serve(teller int, loop func(transfer)) {
	loop(func(r request) (outcome, error) { return b.transfer(teller, r) })
}

func (b *unorderedBank) transfer(teller int, r request) (out outcome, err error) {
	start := time.Now()
	if !b.lock(teller, r.from) {
		return outcome{ending: stuck}, nil
	}
	defer b.unlock(teller, r.from)
	if !b.lock(teller, r.to) {
		return outcome{ending: stuck}, nil
	}
	defer b.unlock(teller, r.to)
	out.wait = time.Since(start)
	out.ending, err = b.move(r)
	return out, err
}

// lock locks an account, however long it takes. It returns false, without the lock, if the world was given up meanwhile.
func (b *unorderedBank) lock(teller, account int) bool {
	if c := b.graph.wait(teller, account); c != nil {
		b.cycles <- c
	}
	b.accounts[account].mu.Lock()
	b.graph.hold(teller, account)
	if b.dead.Load() {
		b.unlock(teller, account)
		return false
	}
	return true
}

// unlock unlocks an account, unless the undertaker has done so (U2).
func (b *unorderedBank) unlock(teller, account int) {
	if b.graph.release(teller, account) {
		b.accounts[account].mu.Unlock()
	}
}

// watch is the undertaker.
func (b *unorderedBank) watch(done <-chan struct{}) (dead bool) {
	for {
		select {
		case <-done:
			return b.dead.Load()
		case c := <-b.cycles:
			if !b.dead.Swap(true) { // before the unlock below (U1)
				b.tally.deadlock(c)
			}
			for _, e := range c {
				if b.graph.release(e.teller, e.holds) {
					b.accounts[e.holds].mu.Unlock()
				}
			}
		}
	}
}
