// This file measures one lock wanted by several readers, with now and then a writer among them.
//
// Why it is fair: every goroutine reads, and writes as each every-th operation, so that the share of
// writes is exact on both sides; where in its own sequence a goroutine writes depends on its number,
// so that writers do not march in step. A writer keeps two words equal and a reader compares them: a
// lock that lets a writer in among readers is found out. The two loops differ in the lock's methods only.

package bench

import (
	"errors"
	"math"
	"sync/atomic"
	"time"

	"github.com/serializing-tokens/lwkt"
)

var errTorn = errors.New("no exclusion: a reader saw half a write")

// never is the period of writes of goroutines that only read.
const never = math.MaxInt

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

// tokenReadCrowd is the loop of a row: g goroutines, each every-th operation a write.
func tokenReadCrowd(g, every int) loop {
	return func(n int, limit time.Duration) (int, time.Duration, error) {
		cell, c, t := new(tokenCell), newCrew(n, limit, manyAtOnce), new(tally)
		for i := range g {
			c.join(func() {
				td := lwkt.NewThread("bench")
				defer td.End()
				first := period(every) - period(every)/g*i
				c.enter()
				c.leave(cell.reads(td, &c.deal, first, period(every), t))
			})
		}
		took := c.race()
		did, err := t.verdict(c, cell.n)
		return did, took, err
	}
}

func (cell *tokenCell) reads(td *lwkt.Thread, d *deal, first, every int, t *tally) (did int) {
	countdown, writes, torn := first, 0, 0
	for hand := d.next(); hand > 0; hand = d.next() {
		for range hand {
			if countdown--; countdown == 0 {
				cell.tok.Acquire(td)
				cell.n++
				cell.x++
				cell.tok.Release(td)
				countdown = every
				writes++
				continue
			}
			cell.tok.AcquireShared(td)
			if uint64(cell.n) != cell.x {
				torn++
			}
			cell.tok.Release(td)
		}
		did += hand
	}
	t.writes.Add(int64(writes))
	t.torn.Add(int64(torn))
	return did
}

// rwmutexReadCrowd is tokenReadCrowd for sync.RWMutex.
func rwmutexReadCrowd(g, every int) loop {
	return func(n int, limit time.Duration) (int, time.Duration, error) {
		cell, c, t := new(rwmutexCell), newCrew(n, limit, manyAtOnce), new(tally)
		for i := range g {
			c.join(func() {
				first := period(every) - period(every)/g*i
				c.enter()
				c.leave(cell.reads(&c.deal, first, period(every), t))
			})
		}
		took := c.race()
		did, err := t.verdict(c, cell.n)
		return did, took, err
	}
}

func (cell *rwmutexCell) reads(d *deal, first, every int, t *tally) (did int) {
	countdown, writes, torn := first, 0, 0
	for hand := d.next(); hand > 0; hand = d.next() {
		for range hand {
			if countdown--; countdown == 0 {
				cell.mu.Lock()
				cell.n++
				cell.x++
				cell.mu.Unlock()
				countdown = every
				writes++
				continue
			}
			cell.mu.RLock()
			if uint64(cell.n) != cell.x {
				torn++
			}
			cell.mu.RUnlock()
		}
		did += hand
	}
	t.writes.Add(int64(writes))
	t.torn.Add(int64(torn))
	return did
}
