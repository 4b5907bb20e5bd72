// This file starts goroutines together, deals out operations to them and calls them off.
//
// Why it is fair: each goroutine prepares itself (its Thread, its random numbers) before it reports
// ready, all wait at one gate, and the clock runs from the opening of the gate to the end of the last
// one. Operations are dealt in small hands until the time is up, so that all goroutines stay in the
// crowd until then: with a fixed part for each, the lucky ones would leave and the unlucky ones would
// finish uncontended. And a crowd runs for a time rather than for a number of operations, since what an
// operation costs there may change tenfold from one moment to the next. Both sides of a row use this
// same code.

package bench

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// line is the distance that keeps two things out of each other's cache lines, the neighbour that the
// hardware fetches along included.
const line = 128

// A crew is some goroutines and the operations that they have to do.
type crew struct {
	ready, done sync.WaitGroup
	gate        chan struct{}
	limit       time.Duration
	n           int
	deal        deal
	did         atomic.Int64 // operations done, added up by leave
}

// newCrew deals n operations in hands of the given size. After the limit nothing more is dealt;
// without one (0) all n are done.
func newCrew(n int, limit time.Duration, hand int) *crew {
	c := &crew{gate: make(chan struct{}), limit: limit, n: n}
	c.deal.left.Store(int64(n))
	c.deal.hand = int64(hand)
	return c
}

// join starts a goroutine of the crew. It runs f, which calls enter when it is prepared and leave when
// nothing is dealt any more.
func (c *crew) join(f func()) {
	c.ready.Add(1)
	c.done.Add(1)
	go f()
}

// enter reports ready and waits for the gate.
func (c *crew) enter() {
	c.ready.Done()
	<-c.gate
}

// leave reports that the goroutine did n operations and takes part no more.
func (c *crew) leave(n int) {
	c.did.Add(int64(n))
	c.done.Done()
}

// race opens the gate once all are ready, waits for the last one to leave and returns the time between.
func (c *crew) race() time.Duration {
	c.ready.Wait()
	start := time.Now()
	if c.limit > 0 {
		defer time.AfterFunc(c.limit, func() { c.deal.left.Store(0) }).Stop()
	}
	close(c.gate)
	c.done.Wait()
	return time.Since(start)
}

// errIdle is that of a run that says nothing about the lock: the machine had other things to do.
var errIdle = errors.New("the time was up before any goroutine ran")

// total is how many operations the goroutines did.
func (c *crew) total() (int, error) {
	did := int(c.did.Load())
	if did == 0 && c.limit > 0 {
		return 0, errIdle
	}
	if did != c.n && (c.limit == 0 || did > c.n) {
		return did, fmt.Errorf("the goroutines did %d operations of %d", did, c.n)
	}
	return did, nil
}

// check is total, compared with what the counter says that the lock protects.
func (c *crew) check(counted int64) (int, error) {
	did, err := c.total()
	if err == nil {
		err = exact(did, counted)
	}
	return did, err
}

// exact is the check that every loop ends with: the counter that only the lock protects.
func exact(n int, counted int64) error {
	if counted != int64(n) {
		return fmt.Errorf("no exclusion: the protected counter says %d after %d operations", counted, n)
	}
	return nil
}

// A deal is the operations not yet dealt.
type deal struct {
	_    [line]byte
	left atomic.Int64
	hand int64
	_    [line]byte
}

const (
	fewAtOnce  = 8  // sections of 1 µs or more: a hand ends soon after the time is up
	manyAtOnce = 64 // the dealing itself is then not seen in the figures
)

// next takes a hand of operations: their number, 0 when there are none left.
func (d *deal) next() int {
	left := d.left.Add(-d.hand) + d.hand
	return int(max(0, min(left, d.hand)))
}
