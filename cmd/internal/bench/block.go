// This file measures what the others get done while one goroutine blocks inside its sections, as one
// does that syncs a file with the lock held.
//
// Why it is fair: seven goroutines do 1 µs sections and an eighth goes round for as long as they take:
// in, 100 µs of nanosleep(2), out, in again. Its block is the same call on both sides. The token side
// blocks through td.Block, which gives the token up; the mutex side keeps the mutex, since a mutex has
// no way to know. The clock stops when the seven have done their sections; the eighth's sections are
// checked, but neither timed nor counted as operations.
//
// There are two kinds of "seven others", since the figure for sync.Mutex hangs on it. In the row
// token-block-100us each does 1 µs of work of its own between two sections and yields, like a server's
// goroutine that goes for its next request; the mutex then passes from hand to hand and everybody
// waits for the block. In the row token-block-greedy each takes the lock again at once; a running
// goroutine then snatches the mutex back for up to a millisecond at a time, and it is the eighth that
// starves: the mutex loses little time to the block only because the one that blocks hardly gets in.
// That is no case for either lock, so it has no target; it is shown so that nobody need wonder.

package bench

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/serializing-tokens/lwkt"
)

const others = 7

// A blocker is the eighth goroutine: it is not of the crew, since the clock does not wait for it.
type blocker struct {
	stop     atomic.Bool
	ended    sync.WaitGroup
	sections int64 // written by the eighth, read after ended
}

// tokenBlock is the loop of a row; greedy goroutines do nothing between two sections.
func tokenBlock(greedy bool) loop {
	return func(n int, limit time.Duration) (int, time.Duration, error) {
		turns, cell, c, b := microsecond(), new(tokenCell), newCrew(n, limit, fewAtOnce), new(blocker)
		for range others {
			c.join(func() {
				td := lwkt.NewThread("bench")
				defer td.End()
				c.enter()
				if greedy {
					c.leave(dealt(&c.deal, func(hand int) { cell.sections(td, hand, turns) }))
				} else {
					c.leave(cell.requests(td, &c.deal, turns))
				}
			})
		}
		c.ready.Add(1)
		b.ended.Go(func() {
			td := lwkt.NewThread("blocker")
			defer td.End()
			c.enter()
			for !b.stop.Load() {
				cell.mu.Acquire(td)
				cell.n++
				td.Block(nap)
				cell.mu.Release(td)
				b.sections++
			}
		})
		took := c.race()
		b.stop.Store(true)
		b.ended.Wait()
		did, err := c.check(cell.n - b.sections)
		return did, took, err
	}
}

// requests is sections with something else in between.
func (cell *tokenCell) requests(td *lwkt.Thread, d *deal, turns int) (did int) {
	own := uint64(turns)
	for hand := d.next(); hand > 0; hand = d.next() {
		for range hand {
			cell.mu.Acquire(td)
			cell.n++
			cell.x = spin(cell.x, turns)
			cell.mu.Release(td)
			own = spin(own, turns)
			runtime.Gosched()
		}
		did += hand
	}
	return did
}

// mutexBlock is tokenBlock for sync.Mutex.
func mutexBlock(greedy bool) loop {
	return func(n int, limit time.Duration) (int, time.Duration, error) {
		turns, cell, c, b := microsecond(), new(mutexCell), newCrew(n, limit, fewAtOnce), new(blocker)
		for range others {
			c.join(func() {
				c.enter()
				if greedy {
					c.leave(dealt(&c.deal, func(hand int) { cell.sections(nil, hand, turns) }))
				} else {
					c.leave(cell.requests(&c.deal, turns))
				}
			})
		}
		c.ready.Add(1)
		b.ended.Go(func() {
			c.enter()
			for !b.stop.Load() {
				cell.mu.Lock()
				cell.n++
				nap()
				cell.mu.Unlock()
				b.sections++
			}
		})
		took := c.race()
		b.stop.Store(true)
		b.ended.Wait()
		did, err := c.check(cell.n - b.sections)
		return did, took, err
	}
}

func (cell *mutexCell) requests(d *deal, turns int) (did int) {
	own := uint64(turns)
	for hand := d.next(); hand > 0; hand = d.next() {
		for range hand {
			cell.mu.Lock()
			cell.n++
			cell.x = spin(cell.x, turns)
			cell.mu.Unlock()
			own = spin(own, turns)
			runtime.Gosched()
		}
		did += hand
	}
	return did
}
