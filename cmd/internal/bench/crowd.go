// This file measures one exclusive lock wanted by several goroutines at once.
//
// Why it is fair: both sides start together through the same crew, do the same number of sections in
// all, and nothing but the section: no pause between two sections, which is the worst case for either.
// The two loops differ in the lock's methods only.

package bench

import (
	"time"

	"github.com/serializing-tokens/lwkt"
)

// tokenCrowd is the loop of a row: g goroutines, each section as long as w says.
func tokenCrowd(g int, w work, hand int) loop {
	return func(n int, limit time.Duration) (int, time.Duration, error) {
		turns, cell, c := w(), new(tokenCell), newCrew(n, limit, hand)
		for range g {
			c.join(func() {
				td := lwkt.NewThread("bench")
				defer td.End()
				c.enter()
				c.leave(cell.sections(td, &c.deal, turns))
			})
		}
		took := c.race()
		did, err := c.check(cell.n)
		return did, took, err
	}
}

// sections does what is dealt to one goroutine and returns how many operations that was.
func (cell *tokenCell) sections(td *lwkt.Thread, d *deal, turns int) (did int) {
	for hand := d.next(); hand > 0; hand = d.next() {
		for range hand {
			cell.tok.Acquire(td)
			cell.n++
			if turns > 0 {
				cell.x = spin(cell.x, turns)
			}
			cell.tok.Release(td)
		}
		did += hand
	}
	return did
}

// mutexCrowd is tokenCrowd for sync.Mutex.
func mutexCrowd(g int, w work, hand int) loop {
	return func(n int, limit time.Duration) (int, time.Duration, error) {
		turns, cell, c := w(), new(mutexCell), newCrew(n, limit, hand)
		for range g {
			c.join(func() {
				c.enter()
				c.leave(cell.sections(&c.deal, turns))
			})
		}
		took := c.race()
		did, err := c.check(cell.n)
		return did, took, err
	}
}

func (cell *mutexCell) sections(d *deal, turns int) (did int) {
	for hand := d.next(); hand > 0; hand = d.next() {
		for range hand {
			cell.mu.Lock()
			cell.n++
			if turns > 0 {
				cell.x = spin(cell.x, turns)
			}
			cell.mu.Unlock()
		}
		did += hand
	}
	return did
}
