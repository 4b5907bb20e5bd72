// This file measures one exclusive lock wanted by several goroutines at once.
//
// Why it is fair: both sides start together through the same crew, do the same number of sections in
// all, and nothing but the section: no pause between two sections, which is the worst case for either.

package bench

import (
	"time"

	"github.com/serializing-tokens/lwkt"
)

// crowds makes the loop of a row: g goroutines, each section as long as w says.
func crowds(g int, w work, hand int) func(fresh func() cell) loop {
	return func(fresh func() cell) loop {
		return func(n int, limit time.Duration) (int, time.Duration, error) {
			turns, cell, c := w(), fresh(), newCrew(n, limit, hand)
			for range g {
				c.join(func() {
					td := lwkt.NewThread("bench")
					defer td.End()
					c.enter()
					c.leave(dealt(&c.deal, func(hand int) { cell.sections(td, hand, turns) }))
				})
			}
			took := c.race()
			did, err := c.check(cell.protected().n)
			return did, took, err
		}
	}
}

// dealt does what is dealt to one goroutine, a hand at a time, and returns how many operations that was.
func dealt(d *deal, do func(hand int)) (did int) {
	for hand := d.next(); hand > 0; hand = d.next() {
		do(hand)
		did += hand
	}
	return did
}
