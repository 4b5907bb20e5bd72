// This file measures one lock wanted by several readers, with now and then a writer among them.
//
// Why it is fair: every goroutine reads, and writes as each every-th operation, so that the share of
// writes is exact on both sides; where in its own sequence a goroutine writes depends on its number,
// so that writers do not march in step. A writer keeps two words equal and a reader compares them: a
// lock that lets a writer in among readers is found out.

package bench

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/serializing-tokens/lwkt"
)

var errTorn = errors.New("no exclusion: a reader saw half a write")

// period turns "every every-th operation" (0: none) into a countdown.
func period(every int) int {
	if every == 0 {
		return never
	}
	return every
}

// tally adds up what the goroutines of a reader row saw.
type tally struct{ writes, torn atomic.Int64 }

// verdict checks a finished run: every write counted, nothing torn.
func (t *tally) verdict(c *crew, counted int64) (int, error) {
	did, err := c.total()
	if err == nil && t.torn.Load() > 0 {
		err = errTorn
	}
	if err == nil {
		err = exact(int(t.writes.Load()), counted)
	}
	return did, err
}

// add adds what one goroutine saw.
func (t *tally) add(r reader) {
	t.writes.Add(int64(r.writes))
	t.torn.Add(int64(r.torn))
}

// readers makes the loop of a row: g goroutines, each every-th operation a write.
func readers(g, every int) func(fresh func() cell) loop {
	return func(fresh func() cell) loop {
		return func(n int, limit time.Duration) (int, time.Duration, error) {
			cell, c, t := fresh().(sharedCell), newCrew(n, limit, manyAtOnce), new(tally)
			for i := range g {
				c.join(func() {
					td := lwkt.NewThread("bench")
					defer td.End()
					r := reader{countdown: period(every) - period(every)/g*i, every: period(every)}
					c.enter()
					did := dealt(&c.deal, func(hand int) { r = cell.reads(td, hand, r) })
					t.add(r)
					c.leave(did)
				})
			}
			took := c.race()
			did, err := t.verdict(c, cell.protected().n)
			return did, took, err
		}
	}
}
