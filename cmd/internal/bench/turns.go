// This file measures two goroutines that pass a turn to and fro, each asleep while it is the other one's: a condition variable, and
// sleep and wakeup, which both need a lock, beside sync.Cond and beside channels.
//
// Why it is fair: both sides start together through the same crew, take turns in the same order, and wake the other one at each.
// The three that need a lock are the same text; channels carry the turn themselves.

package bench

import (
	"sync"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/condvar"
)

// turnRows is the rows of those that sleep. An operation is one turn.
func turnRows() []row {
	e := steady.brief()
	return []row{
		{name: "condvar-turns", what: "2 goroutines pass a turn, by condition variable, beside sync.Cond", effort: e,
			lwkt: turns(func() turner { return new(condvarTurns) }), sync: turns(newCondTurns)},
		{name: "sleep-turns", what: "the same by sleep and wakeup, beside channels", effort: e,
			lwkt: turns(func() turner { return new(sleepTurns) }), sync: turns(newChannelTurns)},
	}
}

// A turner is what a turn is passed by. The counter says whose it is.
type turner interface {
	protected() *data
	// take takes the turns of player me, 0 or 1, until there were so many of both. It returns how many it took.
	take(td *lwkt.Thread, me, until int64) (did int)
}

// turns is the loop of a row.
func turns(fresh func() turner) loop {
	return func(n int, _ time.Duration) (int, time.Duration, error) {
		t, c := fresh(), newCrew(n, 0, 1)
		for me := range int64(2) {
			c.join(func() {
				td := lwkt.NewThread("bench")
				defer td.End()
				c.enter()
				c.leave(t.take(td, me, int64(n)))
			})
		}
		took := c.race()
		did, err := c.check(t.protected().n)
		return did, took, err
	}
}

// condvarTurns is a condition variable and its mutex.
type condvarTurns struct {
	mu lwkt.Mtx
	cv condvar.Cond
	data
}

func (c *condvarTurns) take(td *lwkt.Thread, me, until int64) (did int) {
	c.mu.Lock(td)
	for {
		for c.n < until && c.n%2 != me {
			c.cv.Wait(td, &c.mu)
		}
		if c.n == until {
			break
		}
		c.n++
		did++
		c.cv.Signal(td)
	}
	c.mu.Unlock(td)
	return did
}

// sleepTurns is a mutex, dropped by who sleeps on it.
type sleepTurns struct {
	mu lwkt.Mtx
	data
}

func (c *sleepTurns) take(td *lwkt.Thread, me, until int64) (did int) {
	c.mu.Lock(td)
	for {
		for c.n < until && c.n%2 != me {
			mustSleep(td.SleepOn(c, &c.mu, lwkt.SleepOptions{}))
		}
		if c.n == until {
			break
		}
		c.n++
		did++
		td.WakeupOne(c)
	}
	c.mu.Unlock(td)
	return did
}

// mustSleep drops the results of a sleep that nothing but a wakeup ends.
func mustSleep(_ bool, err error) {
	if err != nil {
		panic(err)
	}
}

func newCondTurns() turner {
	c := new(condTurns)
	c.cv.L = &c.mu
	return c
}

// condTurns is a sync.Cond and its mutex.
type condTurns struct {
	mu sync.Mutex
	cv sync.Cond
	data
}

func (c *condTurns) take(_ *lwkt.Thread, me, until int64) (did int) {
	c.mu.Lock()
	for {
		for c.n < until && c.n%2 != me {
			c.cv.Wait()
		}
		if c.n == until {
			break
		}
		c.n++
		did++
		c.cv.Signal()
	}
	c.mu.Unlock()
	return did
}

func newChannelTurns() turner {
	return &channelTurns{turn: [2]chan struct{}{make(chan struct{}), make(chan struct{})}}
}

// channelTurns is a channel for each player.
type channelTurns struct {
	turn [2]chan struct{}
	data
}

func (c *channelTurns) take(_ *lwkt.Thread, me, until int64) (did int) {
	for {
		if did > 0 || me > 0 {
			<-c.turn[me]
			if c.n == until {
				return did
			}
		}
		c.n++
		did++
		last := c.n == until
		c.turn[1-me] <- struct{}{}
		if last {
			return did
		}
	}
}
