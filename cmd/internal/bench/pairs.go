// This file measures what one goroutine pays: a free lock, a second lock, a lock already held, a
// shared one.
//
// Why it is fair: both sides run the same text, on a lock made before the clock starts (cells.go).
// Each operation increments the counter (or, as a reader, compares it), so that the pair is not empty
// and the compiler must keep what the lock protects inside of it.

package bench

import (
	"time"

	"github.com/serializing-tokens/lwkt"
)

// pairs is the loop of a row: one goroutine, one free lock.
func pairs(fresh func() cell) loop {
	return func(n int, _ time.Duration) (int, time.Duration, error) {
		td := lwkt.NewThread("bench")
		defer td.End()
		return timed(td, fresh(), n)
	}
}

// nested times a second lock alone: the first is held throughout.
func nested(fresh func() cell) loop {
	return func(n int, _ time.Duration) (int, time.Duration, error) {
		td := lwkt.NewThread("bench")
		defer td.End()
		outer := fresh().locker(td)
		outer.Lock()
		defer outer.Unlock()
		return timed(td, fresh(), n)
	}
}

// again times a further acquisition of a lock already held.
func again(fresh func() cell) loop {
	return func(n int, _ time.Duration) (int, time.Duration, error) {
		td := lwkt.NewThread("bench")
		defer td.End()
		c := fresh()
		held := c.locker(td)
		held.Lock()
		defer held.Unlock()
		return timed(td, c, n)
	}
}

// timed times n sections and checks the counter.
func timed(td *lwkt.Thread, c cell, n int) (int, time.Duration, error) {
	start := time.Now()
	c.sections(td, n, 0)
	took := time.Since(start)
	return n, took, exact(n, c.protected().n)
}

// readAlone times one reader.
func readAlone(fresh func() cell) loop {
	return func(n int, _ time.Duration) (int, time.Duration, error) {
		td := lwkt.NewThread("bench")
		defer td.End()
		c := fresh().(sharedCell)
		start := time.Now()
		r := c.reads(td, n, reader{countdown: never, every: never})
		took := time.Since(start)
		if r.torn > 0 || r.writes > 0 {
			return n, took, errTorn
		}
		return n, took, nil
	}
}
