// scene.go: the threads and locks of the picture. Threads come one after the other, in the order in which they are started, and each
// goes on until it waits; the last one looks. Then it opens the gate, and everybody goes home.

package queues

import (
	"bytes"
	"fmt"
	"sync/atomic"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// A scene is what was seen.
type scene struct {
	turnstiles, sleeps []lwkt.QueueInfo
	text               [2]string
}

// buffer is a wait channel: two that are equal are the same.
type buffer int

// inOrder lets the oldest thread go on that can.
type inOrder struct{}

func (inOrder) Choose(*sim.Point) int { return 0 }

// A cast is a machine and the gate at which the owners wait.
type cast struct {
	m    *sim.Machine
	open atomic.Bool
}

// play sets the scene and looks at it.
func play() (*scene, error) {
	var s scene
	c := &cast{m: sim.New(sim.Options{Attempts: true})}
	c.mutexes()
	c.rwlocks()
	c.sleepers()
	c.m.Go("looks", func(td *lwkt.Thread) {
		c.m.Yield(td) // until nobody else can go on
		s.turnstiles, s.sleeps = lwkt.Turnstiles(), lwkt.SleepQueues()
		var b bytes.Buffer
		lwkt.ShowTurnstiles(&b) // a buffer takes all
		s.text[0] = b.String()
		b.Reset()
		lwkt.ShowSleepQueues(&b)
		s.text[1] = b.String()
		c.open.Store(true)
		td.Wakeup(buffer(7))
	})
	if r := c.m.Run(inOrder{}); r.Outcome != sim.Done {
		return nil, fmt.Errorf("the scene ended with %v: %w", r.Outcome, r.Err)
	}
	return &s, nil
}

// uses starts a thread that takes each lock in turn, then waits at the gate.
func (c *cast) uses(name string, priority int, locks ...func(td *lwkt.Thread) (leave func())) {
	c.m.Go(name, func(td *lwkt.Thread) {
		for _, take := range locks {
			defer take(td)()
		}
		c.m.Until(td, "the gate is open", c.open.Load)
	}, sim.Priority(priority))
}

// taking is how a lock is taken, and given back.
func taking(lock func(td *lwkt.Thread) bool, unlock func(td *lwkt.Thread)) func(td *lwkt.Thread) func() {
	return func(td *lwkt.Thread) func() {
		lock(td)
		return func() { unlock(td) }
	}
}

// mutexes is a chain of three.
func (c *cast) mutexes() {
	mutex := func(name string) func(td *lwkt.Thread) func() {
		m := new(lwkt.Mtx)
		m.Init(name, 0)
		return taking(m.Lock, m.Unlock)
	}
	journal, buffer, vnode := mutex("journal"), mutex("buffer"), mutex("vnode")
	c.uses("commit", 4, journal)
	c.uses("flush", 8, buffer, journal)
	c.uses("write", 12, vnode, buffer)
	c.uses("backup", 6, vnode)
	c.uses("editor", 28, vnode)
	c.uses("index", 9, journal)
}

// rwlocks is one that is written, and one that is read.
func (c *cast) rwlocks() {
	var routes, filters lwkt.RWLock
	routes.Init("routes", 0)
	filters.Init("filters", 0)
	c.uses("routed", 10, taking(routes.WLock, routes.WUnlock))
	c.uses("rx0", 20, taking(routes.RLock, routes.RUnlock))
	c.uses("stats", 5, taking(routes.RLock, routes.RUnlock))
	c.uses("rx1", 20, taking(routes.RLock, routes.RUnlock))
	c.uses("admin", 14, taking(routes.WLock, routes.WUnlock))
	c.uses("tx0", 19, taking(filters.RLock, filters.RUnlock))
	c.uses("tx1", 19, taking(filters.RLock, filters.RUnlock))
	c.uses("rules", 22, taking(filters.WLock, filters.WUnlock))
	c.uses("tx2", 19, taking(filters.RLock, filters.RUnlock))
}

// sleepers are some on a wait channel, and some that want an sx lock.
func (c *cast) sleepers() {
	for _, sleeper := range []struct {
		name     string
		priority int
	}{{"bio0", 15}, {"sync", 9}, {"bio1", 15}} {
		c.m.Go(sleeper.name, func(td *lwkt.Thread) {
			td.Sleep(buffer(7), 0) // without a timeout there is no error
		}, sim.Priority(sleeper.priority))
	}
	var config lwkt.SX
	config.Init("config", 0)
	c.uses("loader", 11, taking(config.XLock, config.XUnlock))
	c.uses("ps", 12, taking(config.SLock, config.SUnlock))
	c.uses("shell", 16, taking(config.XLock, config.XUnlock))
	c.uses("top", 12, taking(config.SLock, config.SUnlock))
}
