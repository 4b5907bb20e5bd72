// Read-mostly locks, spin mutexes, giant locks, serializers and mutex pools in many schedules of more
// threads than can be enumerated, with and without processors.
package lwkt_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/giant"
	"github.com/serializing-tokens/lwkt/mtxpool"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/serializer"
	"github.com/serializing-tokens/lwkt/sim"
)

// crowd is what the threads of a program with many share.
type crowd struct {
	arena
	key   byte
	slept bool // by the lock
}

// alone is a section without a wait in it.
func (c *crowd) alone() {
	s, x := c.count(0, 1)
	c.m.Assert(x == 1 && s == 0, "%d owners, %d sharers", x, s)
	c.n++
	c.want++
	c.count(0, -1)
}

// manyPrograms start their threads, and return what destroys the lock.
var manyPrograms = map[string]func(c *crowd) (destroy func(td *lwkt.Thread)){
	"rmlock": func(c *crowd) func(td *lwkt.Thread) {
		l := new(rmlock.Lock)
		for i := range 3 {
			c.m.Go(fmt.Sprint("reader", i), func(td *lwkt.Thread) {
				for range 2 {
					l.RLock(td)
					l.RLock(td)
					c.read(td)
					l.RUnlock(td)
					l.RUnlock(td)
				}
			})
		}
		c.m.Go("writer", func(td *lwkt.Thread) {
			l.WLock(td)
			c.write(td)
			l.WUnlock(td)
		})
		c.m.Go("trier", func(td *lwkt.Thread) {
			if l.TryWLock(td) {
				c.write(td)
				l.WUnlock(td)
			}
			if l.TryRLock(td) {
				c.read(td)
				l.RUnlock(td)
			}
		})
		c.m.Go("sleeper", func(td *lwkt.Thread) {
			l.RLock(td)
			for !c.slept {
				td.SleepOn(&c.key, l, lwkt.SleepOptions{})
			}
			c.read(td)
			l.RUnlock(td)
		})
		c.m.Go("waker", func(td *lwkt.Thread) {
			l.WLock(td)
			c.slept = true
			c.write(td)
			l.WUnlock(td)
			td.Wakeup(&c.key)
		})
		return l.Destroy
	},
	"SpinMtx": func(c *crowd) func(td *lwkt.Thread) {
		l := new(lwkt.SpinMtx)
		for i := range 4 {
			c.m.Go(fmt.Sprint("spinner", i), func(td *lwkt.Thread) {
				for range 2 {
					l.Lock(td)
					c.alone()
					l.Unlock(td)
				}
				if l.TryLock(td) {
					c.alone()
					l.Unlock(td)
				}
			})
		}
		c.m.Go("sleeper", func(td *lwkt.Thread) {
			l.Lock(td)
			for !c.slept {
				td.SleepOn(&c.key, l, lwkt.SleepOptions{})
			}
			c.alone()
			l.Unlock(td)
		})
		c.m.Go("waker", func(td *lwkt.Thread) {
			l.Lock(td)
			c.slept = true
			l.Unlock(td)
			td.Wakeup(&c.key)
		})
		return l.Destroy
	},
	"Giant": func(c *crowd) func(td *lwkt.Thread) {
		l := new(giant.Mtx)
		for i := range 3 {
			c.m.Go(fmt.Sprint("owner", i), func(td *lwkt.Thread) {
				l.Lock(td)
				l.Lock(td)
				c.write(td)
				l.Unlock(td)
				l.Unlock(td)
			})
		}
		c.m.Go("sleeper", func(td *lwkt.Thread) { // which gives it up, and has it twice again
			l.Lock(td)
			l.Lock(td)
			for !c.slept {
				td.Sleep(&c.key, 0)
				c.m.Assert(l.Held(td) == 2, "it was held twice, and now %d times", l.Held(td))
			}
			c.write(td)
			l.Unlock(td)
			l.Unlock(td)
		})
		c.m.Go("waker", func(td *lwkt.Thread) {
			l.Lock(td)
			c.slept = true
			l.Unlock(td)
			td.Wakeup(&c.key)
		})
		return func(td *lwkt.Thread) {
			c.m.Assert(l.TryLock(td), "it is not free")
			l.Unlock(td)
		}
	},
	"Serializer": func(c *crowd) func(td *lwkt.Thread) {
		l := new(serializer.Serializer)
		for i := range 3 {
			c.m.Go(fmt.Sprint("thread", i), func(td *lwkt.Thread) {
				l.Enter(td)
				c.write(td)
				l.Exit(td)
				if l.TryEnter(td) {
					c.write(td)
					l.Exit(td)
				}
			})
		}
		c.m.Go("handler", func(td *lwkt.Thread) {
			l.HandlerCall(td, func() { c.write(td) })
			l.HandlerTry(td, func() { c.write(td) })
		})
		c.m.Go("changer", func(td *lwkt.Thread) {
			l.HandlerDisable()
			l.Enter(td)
			c.write(td)
			l.HandlerEnable()
			l.Exit(td)
		})
		return l.Destroy
	},
	"mtxpool": func(c *crowd) func(td *lwkt.Thread) {
		p := new(mtxpool.Pool)
		p.Init("P", 1) // all keys have it
		for i := range 4 {
			c.m.Go(fmt.Sprint("thread", i), func(td *lwkt.Thread) {
				for range 2 {
					p.Lock(td, i)
					c.write(td)
					p.Unlock(td, i)
				}
			})
		}
		c.m.Go("trier", func(td *lwkt.Thread) {
			if m := p.Find("key"); m.TryLock(td) {
				c.write(td)
				p.Unlock(td, "key")
			}
		})
		return func(td *lwkt.Thread) {
			p.Lock(td, "key")
			p.Unlock(td, "key")
		}
	},
}

func TestManyThreads(t *testing.T) {
	for name, start := range manyPrograms {
		for _, cpus := range []int{0, 2} {
			t.Run(fmt.Sprintf("%s, %d CPUs", name, cpus), func(t *testing.T) {
				explore.Test(t, func(m *sim.Machine) {
					c := &crowd{arena: arena{m: m}}
					destroy := start(c)
					m.Finally(func() {
						m.Assert(c.n == c.want, "%d of %d", c.n, c.want)
						lwkt.Run("after", destroy)
					})
				}, explore.On(sim.Options{Attempts: true, CPUs: cpus}), explore.Portfolio(), explore.Budget(100*time.Millisecond))
			})
		}
	}
}
