// This file measures goroutines that pass a turn round, each asleep while it is another one's: a condition variable, and
// sleep and wakeup, which both need a lock, beside sync.Cond and beside channels; and what a wakeup costs that finds nobody.
//
// Why it is fair: both sides start together through the same crew and take turns in the same order. Of two players each wakes
// the other one; of many all sleep on one condition variable, whose turn it is, is found out by waking all, on both sides; and who
// sleeps on a channel of its own, of ours or of Go's, is woken alone. What needs a lock is the same text; Go's channels carry
// the turn themselves.

package bench

import (
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/condvar"
)

// The kinds that sleep, of which the sections wake nobody.
var (
	condvarKind = kind{name: "condvar", own: newCondvar, rival: newCond, rivalName: "cond"}
	sleepKind   = kind{name: "sleep", own: newSleep, rival: newNobody, rivalName: "nobody"}
)

// turnRows is the rows of those that sleep. An operation is one turn, or one section.
func turnRows() []row {
	e := steady.brief()
	return slices.Concat(condvarKind.beside("uncontended", []row{
		condvarKind.against("uncontended", "signal, with a mutex, when nobody waits, beside sync.Cond", 0, quick, pairs),
		{name: "condvar-turns", what: "2 goroutines pass a turn, by condition variable, beside sync.Cond", effort: e,
			lwkt: turns(2, newCondvarTurns), sync: turns(2, newCondTurns)},
		{name: "condvar-64-turns", what: "64 goroutines pass a turn, all woken for each", effort: e,
			lwkt: turns(64, newCondvarTurns), sync: turns(64, newCondTurns)},
	}), sleepKind.beside("uncontended", []row{
		sleepKind.against("uncontended", "wake one, with a mutex, when nobody sleeps, beside a send that may fail", 0, quick, pairs),
		{name: "sleep-turns", what: "2 goroutines pass a turn, by sleep and wakeup, beside channels", effort: e,
			lwkt: turns(2, newSleepTurns), sync: turns(2, newChannelTurns)},
		{name: "sleep-64-turns", what: "64 goroutines pass a turn, each woken alone", effort: e,
			lwkt: turns(64, newSleepTurns), sync: turns(64, newChannelTurns)},
	}))
}

// A turner is what a turn is passed by. The counter says whose it is.
type turner interface {
	protected() *data
	// take takes the turns of player me until there were so many of all. It returns how many it took.
	take(td *lwkt.Thread, me, until int64) (did int)
}

// turns is the loop of a row: so many players.
func turns(players int64, fresh func(players int64) turner) loop {
	return func(n int, _ time.Duration) (int, time.Duration, error) {
		t, c := fresh(players), newCrew(n, 0, 1)
		for me := range players {
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

func newCondvarTurns(players int64) turner { return &condvarTurns{players: players} }

// condvarTurns is a condition variable and its mutex.
type condvarTurns struct {
	mu      lwkt.Mtx
	cv      condvar.Cond
	players int64
	data
}

func (c *condvarTurns) take(td *lwkt.Thread, me, until int64) (did int) {
	c.mu.Lock(td)
	for {
		for c.n < until && c.n%c.players != me {
			c.cv.Wait(td, &c.mu)
		}
		if c.n == until {
			break
		}
		c.n++
		did++
		if c.players == 2 {
			c.cv.Signal(td)
		} else {
			c.cv.Broadcast(td)
		}
	}
	c.mu.Unlock(td)
	return did
}

func newSleepTurns(players int64) turner { return &sleepTurns{players: make([]int64, players)} }

// sleepTurns is a mutex, dropped by who sleeps, each on a channel of its own.
type sleepTurns struct {
	mu      lwkt.Mtx
	players []int64 // the turns of each
	data
}

func (c *sleepTurns) take(td *lwkt.Thread, me, until int64) (did int) {
	c.mu.Lock(td)
	mine, next := &c.players[me], &c.players[(me+1)%int64(len(c.players))]
	for {
		for c.n < until && c.n%int64(len(c.players)) != me {
			mustSleep(td.SleepOn(mine, &c.mu, lwkt.SleepOptions{}))
		}
		if c.n == until {
			td.WakeupOne(next) // who does the same
			break
		}
		c.n++
		*mine++
		did++
		td.WakeupOne(next)
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

func newCondTurns(players int64) turner {
	c := &condTurns{players: players}
	c.cv.L = &c.mu
	return c
}

// condTurns is a sync.Cond and its mutex.
type condTurns struct {
	mu sync.Mutex
	cv sync.Cond

	players int64
	data
}

func (c *condTurns) take(_ *lwkt.Thread, me, until int64) (did int) {
	c.mu.Lock()
	for {
		for c.n < until && c.n%c.players != me {
			c.cv.Wait()
		}
		if c.n == until {
			break
		}
		c.n++
		did++
		if c.players == 2 {
			c.cv.Signal()
		} else {
			c.cv.Broadcast()
		}
	}
	c.mu.Unlock()
	return did
}

func newChannelTurns(players int64) turner {
	c := &channelTurns{turn: make([]chan struct{}, players)}
	for i := range c.turn {
		c.turn[i] = make(chan struct{}, 1)
	}
	c.turn[0] <- struct{}{}
	return c
}

// channelTurns is a channel for each player, which has the turn.
type channelTurns struct {
	turn []chan struct{}
	data
}

func (c *channelTurns) take(_ *lwkt.Thread, me, until int64) (did int) {
	next := c.turn[(me+1)%int64(len(c.turn))]
	for range c.turn[me] {
		if c.n < until {
			c.n++
			did++
			next <- struct{}{}
			continue
		}
		next <- struct{}{} // who does the same
		break
	}
	return did
}

func newCondvar() cell { return new(condvarCell) }

// condvarCell is a condition variable on which nobody waits, and its mutex.
type condvarCell struct {
	mu lwkt.Mtx
	cv condvar.Cond
	data
	_ [2*line - (unsafe.Sizeof(lwkt.Mtx{})+unsafe.Sizeof(condvar.Cond{})+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *condvarCell) sections(td *lwkt.Thread, n, turns int) {
	for range n {
		c.mu.Lock(td)
		c.add(turns)
		c.cv.Signal(td)
		c.mu.Unlock(td)
	}
}

func (c *condvarCell) locker(td *lwkt.Thread) sync.Locker { return c.mu.Locker(td) }

func newCond() cell {
	c := new(condCell)
	c.cv.L = &c.mu
	return c
}

// condCell is a sync.Cond on which nobody waits, and its mutex.
type condCell struct {
	mu sync.Mutex
	cv sync.Cond
	data
	_ [2*line - (unsafe.Sizeof(sync.Mutex{})+unsafe.Sizeof(sync.Cond{})+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *condCell) sections(_ *lwkt.Thread, n, turns int) {
	for range n {
		c.mu.Lock()
		c.add(turns)
		c.cv.Signal()
		c.mu.Unlock()
	}
}

func (c *condCell) locker(_ *lwkt.Thread) sync.Locker { return &c.mu }

func newSleep() cell { return new(sleepCell) }

// sleepCell is a channel on which nobody sleeps, and a mutex.
type sleepCell struct {
	mu lwkt.Mtx
	data
	_ [2*line - (unsafe.Sizeof(lwkt.Mtx{})+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *sleepCell) sections(td *lwkt.Thread, n, turns int) {
	for range n {
		c.mu.Lock(td)
		c.add(turns)
		td.WakeupOne(c)
		c.mu.Unlock(td)
	}
}

func (c *sleepCell) locker(td *lwkt.Thread) sync.Locker { return c.mu.Locker(td) }

func newNobody() cell { return &nobodyCell{wake: make(channel)} }

// nobodyCell is a channel from which nobody receives, and a mutex.
type nobodyCell struct {
	mu   sync.Mutex
	wake channel
	data
	_ [2*line - (unsafe.Sizeof(sync.Mutex{})+unsafe.Sizeof(channel(nil))+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *nobodyCell) sections(_ *lwkt.Thread, n, turns int) {
	for range n {
		c.mu.Lock()
		c.add(turns)
		select {
		case c.wake <- struct{}{}:
		default:
		}
		c.mu.Unlock()
	}
}

func (c *nobodyCell) locker(_ *lwkt.Thread) sync.Locker { return &c.mu }
