// Sleep with a lock, and the sleep queues under it.
package lwkt_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/condvar"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/sim"
)

func TestRow35Sleep(t *testing.T) {
	t.Run("check, then sleep", func(t *testing.T) {
		eachDroppable(t, func(t *testing.T, i int) {
			granularities(t, func(m *sim.Machine) {
				l := droppables()[i]
				var ready sim.Var[bool]
				m.Go("sleeper", func(td *lwkt.Thread) {
					l.take(td)
					for !ready.Load(td) {
						td.SleepOn(&ready, l.lock, lwkt.SleepOptions{})
						m.Assert(l.held(td), "awake without the lock")
					}
					l.give(td)
				})
				m.Go("waker", func(td *lwkt.Thread) {
					l.change(td)
					ready.Store(td, true)
					l.done(td)
					td.Wakeup(&ready)
				})
			})
		})
	})
	t.Run("naive version", func(t *testing.T) { // unlock, then sleep
		eachDroppable(t, func(t *testing.T, i int) {
			if droppables()[i].many {
				t.Skip("Sleep itself gives it up")
			}
			finds(t, sim.Deadlock, func(m *sim.Machine) {
				l := droppables()[i]
				var ready sim.Var[bool]
				m.Go("sleeper", func(td *lwkt.Thread) {
					l.take(td)
					for !ready.Load(td) {
						l.give(td)
						td.Sleep(&ready, 0)
						l.take(td)
					}
					l.give(td)
				})
				m.Go("waker", func(td *lwkt.Thread) {
					l.change(td)
					ready.Store(td, true)
					l.done(td)
					td.Wakeup(&ready)
				})
			})
		})
	})
	t.Run("PDROP", func(t *testing.T) {
		eachDroppable(t, func(t *testing.T, i int) {
			granularities(t, func(m *sim.Machine) {
				l := droppables()[i]
				var ready sim.Var[bool]
				m.Go("sleeper", func(td *lwkt.Thread) {
					l.take(td)
					if ready.Load(td) {
						l.give(td)
						return
					}
					td.SleepOn(&ready, l.lock, lwkt.SleepOptions{Drop: true})
					m.Assert(!l.held(td), "awake with the lock")
				})
				m.Go("waker", func(td *lwkt.Thread) {
					l.change(td)
					ready.Store(td, true)
					td.WakeupOne(&ready)
					l.done(td)
				})
			})
		})
	})
	t.Run("wakers take the lock at once", func(t *testing.T) { // two sleepers, any order of retakes
		granularities(t, func(m *sim.Machine) {
			var sx lwkt.SX
			var tok lwkt.Token
			n := 0
			for range 2 {
				m.Go("sleeper", func(td *lwkt.Thread) {
					tok.Acquire(td)
					sx.XLock(td)
					for n == 0 {
						td.SleepOn(&n, &sx, lwkt.SleepOptions{})
					}
					m.Assert(tok.Held(td) == lwkt.Exclusive, "awake without the token")
					sx.XUnlock(td)
					tok.Release(td)
				})
			}
			m.Go("waker", func(td *lwkt.Thread) {
				sx.XLock(td)
				n++
				td.Wakeup(&n)
				sx.XUnlock(td)
			})
		}, explore.Budget(2*time.Second))
	})
	t.Run("ends", func(t *testing.T) {
		eachDroppable(t, func(t *testing.T, i int) {
			onHosts(t, func(t *testing.T, h host) {
				l := droppables()[i]
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				var event int
				h.Go("sleeper", func(td *lwkt.Thread) {
					for _, drop := range []bool{false, true} {
						for _, c := range []struct {
							o    lwkt.SleepOptions
							want error
						}{
							{lwkt.SleepOptions{Timeout: time.Millisecond}, lwkt.ErrTimeout},
							{lwkt.SleepOptions{Timeout: -1}, lwkt.ErrTimeout},
							{lwkt.SleepOptions{Context: ctx, Timeout: time.Hour}, context.Canceled},
						} {
							c.o.Drop = drop
							l.take(td)
							if _, err := td.SleepOn(&event, l.lock, c.o); !errors.Is(err, c.want) {
								t.Errorf("%+v: error %v, want %v", c.o, err, c.want)
							}
							if l.held(td) == drop {
								t.Errorf("%+v: held %v", c.o, l.held(td))
							}
							if !drop {
								l.give(td)
							}
						}
					}
				})
				h.Go("canceller", func(td *lwkt.Thread) { cancel() })
				h.Wait()
			})
		})
	})
	t.Run("one lock for all", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var mu, other lwkt.Mtx
			var event int
			mu.Init("right", 0)
			other.Init("wrong", 0)
			h.Go("sleeper", func(td *lwkt.Thread) {
				mu.Lock(td)
				td.SleepOn(&event, &mu, lwkt.SleepOptions{Drop: true})
			})
			h.Go("other", func(td *lwkt.Thread) {
				h.Until("it sleeps", func() bool { return lwkt.SleepersOn(&event) == 1 })
				other.Lock(td)
				says(t, misuse(t, "SleepOn", func() { td.SleepOn(&event, &other, lwkt.SleepOptions{}) }).Why, `"right"`, `"wrong"`)
				other.Unlock(td)
				says(t, misuse(t, "Sleep", func() { td.Sleep(&event, 0) }).Why, `"right"`, "no lock")
				td.Wakeup(&event)
			})
		})
	})
}

// TestSleepOnTable: what SleepOn answers with a panic, before anything is dropped.
func TestSleepOnTable(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var event int
	var o lwkt.SleepOptions
	for _, l := range droppables() {
		says(t, misuse(t, "SleepOn", func() { td.SleepOn(&event, l.lock, o) }).Why, "nobody has it")
		l.take(td)
		says(t, misuse(t, "SleepOn", func() { td.SleepOn(nil, l.lock, o) }).Why, "nil cannot be a wait channel")
		says(t, misuse(t, "SleepOn", func() { td.SleepOn(&event, nil, o) }).Why, "no lock")
		says(t, misuse(t, "SleepOn", func() { td.SleepOn(&event, l.lock, lwkt.SleepOptions{Priority: 32}) }).Why, "32")
		if l.shared {
			l.take(td)
			says(t, misuse(t, "SleepOn", func() { td.SleepOn(&event, l.lock, o) }).Why, "2 times")
			l.give(td)
		}
		var tok lwkt.Token
		tok.Acquire(td)
		td.NoBlock(func() {
			says(t, misuse(t, "SleepOn", func() { td.SleepOn(&event, l.lock, o) }).Why, "NoBlock")
		})
		tok.Release(td)
		if !l.held(td) {
			t.Errorf("%s is lost", l.name)
		}
		l.give(td)
		lwkt.Run("other", func(other *lwkt.Thread) {
			if l.shared {
				return
			}
			l.take(other)
			defer l.give(other)
			says(t, misuse(t, "SleepOn", func() { td.SleepOn(&event, l.lock, o) }).Why, "other")
		})
	}
	misuse(t, "SleepOn", func() { (*lwkt.Thread)(nil).SleepOn(&event, new(lwkt.Mtx), o) })
	td.Mark() // and is not stuck in any of it
}

// TestSleepOnHierarchy: the lock that is dropped is let off, and no other one.
func TestSleepOnHierarchy(t *testing.T) {
	thread.SetChecks(true)
	defer thread.SetChecks(false)
	td := newThread(t)
	defer td.End()
	var event int
	for _, l := range droppables() {
		var other lwkt.RWLock
		l.take(td)
		if _, err := td.SleepOn(&event, l.lock, lwkt.SleepOptions{Timeout: -1}); !errors.Is(err, lwkt.ErrTimeout) {
			t.Errorf("%s: %v", l.name, err)
		}
		other.RLock(td)
		says(t, misuse(t, "SleepOn", func() { td.SleepOn(&event, l.lock, lwkt.SleepOptions{Timeout: -1}) }).Why, "hierarchy", "rwlock")
		other.RUnlock(td)
		l.give(td)
	}
}

func TestRow33SleepQueue(t *testing.T) {
	t.Run("channels", func(t *testing.T) { // each wakeup is for its channel only
		onHosts(t, func(t *testing.T, h host) {
			var events [3]int
			var awake [3]atomic.Int32
			for i := range events {
				for range 2 {
					h.Go("sleeper", func(td *lwkt.Thread) {
						td.Sleep(&events[i], 0)
						awake[i].Add(1)
					})
				}
			}
			h.Go("waker", func(td *lwkt.Thread) {
				for i := range events {
					h.Until("they sleep", func() bool { return lwkt.SleepersOn(&events[i]) == 2 })
				}
				for i := range events {
					if n := td.Wakeup(&events[i]); n != 2 {
						t.Errorf("woke %d", n)
					}
					h.Until("they are awake", func() bool { return awake[i].Load() == 2 })
					for j := i + 1; j < len(events); j++ {
						if awake[j].Load() != 0 {
							t.Errorf("channel %d woke %d", i, j)
						}
					}
				}
			})
		})
	})
	t.Run("last in", func(t *testing.T) {
		onHosts(t, func(t *testing.T, h host) {
			var event int
			var order []string // written by one after the other
			var n atomic.Int32
			for i, name := range []string{"a", "b", "c"} {
				h.Go(name, func(td *lwkt.Thread) {
					h.Until("it is its turn", func() bool { return lwkt.SleepersOn(&event) == i })
					td.SetPriority(20 - i)
					td.Sleep(&event, 0)
					order = append(order, td.Name())
					n.Add(1)
				})
			}
			h.Go("waker", func(td *lwkt.Thread) {
				h.Until("all sleep", func() bool { return lwkt.SleepersOn(&event) == 3 })
				for i := range 3 {
					if !td.WakeupAny(&event) {
						t.Error("nobody sleeps")
					}
					h.Until("it ran", func() bool { return int(n.Load()) == i+1 })
				}
				if td.WakeupAny(&event) {
					t.Error("somebody sleeps")
				}
			})
			h.Wait()
			if got := strings.Join(order, ""); got != "cba" {
				t.Errorf("order %s", got)
			}
		})
	})
	// An sx lock's sleep queue has two lists. Low has it and works, middle wants the processor, and high waits
	// for low, for ever longer, since a sleep queue does not lend.
	t.Run("two lists, and no lending", func(t *testing.T) {
		m := sim.New(sim.Options{CPUs: 1, Timed: true})
		var sx lwkt.SX
		var mu sync.Mutex // never contended: one thread runs at a time
		var order []string
		var waited time.Duration
		const us = time.Microsecond
		m.Go("low", func(td *lwkt.Thread) {
			sx.XLock(td)
			m.Work(td, time.Millisecond)
			sx.XUnlock(td)
		}, sim.Priority(5))
		m.Go("middle", func(td *lwkt.Thread) {
			td.Pause(200 * us)
			m.Work(td, 10*time.Millisecond)
		}, sim.Priority(10))
		take := func(name string, take, give func(td *lwkt.Thread), prio int) {
			m.Go(name, func(td *lwkt.Thread) {
				td.Pause(300 * us)
				asked := m.Now()
				take(td)
				mu.Lock()
				order = append(order, name)
				waited = max(waited, m.Now()-asked)
				mu.Unlock()
				give(td)
			}, sim.Priority(prio))
		}
		take("reader", quiet(sx.SLock), sx.SUnlock, 21)
		take("another", quiet(sx.SLock), sx.SUnlock, 20)
		take("writer", quiet(sx.XLock), sx.XUnlock, 22)
		if r := m.Run(firstOf{}); r.Outcome != sim.Done {
			t.Fatal(r.Err)
		}
		if waited < 10*time.Millisecond {
			t.Errorf("waited %v: low was lent a priority", waited)
		}
		if got := strings.Join(order, " "); got != "writer reader another" {
			t.Errorf("order %s", got)
		}
	})
}

// firstOf takes the first choice.
type firstOf struct{}

func (firstOf) Choose(*sim.Point) int { return 0 }

// TestSleepPriority: who is woken with a priority has it until SleepOn has returned, with the lock.
func TestSleepPriority(t *testing.T) {
	const us = time.Microsecond
	run := func(prio, all int) string {
		m := sim.New(sim.Options{CPUs: 1, Timed: true})
		var mu lwkt.Mtx
		var c condvar.Cond
		var event int
		var order []string
		m.Go("sleeper", func(td *lwkt.Thread) {
			mu.Lock(td)
			if all > 0 {
				c.Wait(td, &mu)
			} else {
				td.SleepOn(&event, &mu, lwkt.SleepOptions{Priority: prio})
			}
			order = append(order, "sleeper")
			mu.Unlock(td)
			if td.Priority() != 5 {
				t.Errorf("priority %d", td.Priority())
			}
			m.Work(td, 10*us)
			mu.Lock(td)
			order = append(order, "afterwards")
			mu.Unlock(td)
		}, sim.Priority(5))
		m.Go("waker", func(td *lwkt.Thread) {
			td.Pause(100 * us)
			mu.Lock(td)
			td.Wakeup(&event)
			if all > 0 {
				c.BroadcastPri(td, all)
			}
			m.Work(td, 100*us)
			mu.Unlock(td)
		}, sim.Priority(20))
		for range 2 {
			m.Go("middle", func(td *lwkt.Thread) {
				td.Pause(150 * us)
				mu.Lock(td)
				order = append(order, "middle")
				mu.Unlock(td)
				m.Work(td, 20*us)
			}, sim.Priority(10))
		}
		if r := m.Run(firstOf{}); r.Outcome != sim.Done {
			t.Fatal(r.Err)
		}
		return strings.Join(order, " ")
	}
	for _, v := range []struct {
		prio, all int
		want      string
	}{
		{0, 0, "middle middle sleeper afterwards"},
		{3, 0, "middle middle sleeper afterwards"},
		{15, 0, "sleeper middle middle afterwards"},
		{0, 15, "sleeper middle middle afterwards"},
	} {
		if got := run(v.prio, v.all); got != v.want {
			t.Errorf("woken with %d, %d: %s, want %s", v.prio, v.all, got, v.want)
		}
	}
}

// TestSleepQueuesTellLocks: what the sleepers dropped, and which condition variable they wait on, is shown.
func TestSleepQueuesTellLocks(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		var mu lwkt.Mtx
		var c condvar.Cond
		var event int
		mu.Init("the lock", 0)
		c.Init("the condition")
		h.Go("waiter", func(td *lwkt.Thread) {
			mu.Lock(td)
			c.Wait(td, &mu)
			mu.Unlock(td)
		})
		h.Go("sleeper", func(td *lwkt.Thread) {
			mu.Lock(td)
			td.SleepOn(&event, &mu, lwkt.SleepOptions{Drop: true})
		})
		h.Go("observer", func(td *lwkt.Thread) {
			h.Until("both sleep", func() bool { return lwkt.SleepersOn(&c) == 1 && lwkt.SleepersOn(&event) == 1 })
			found := 0
			for _, q := range lwkt.SleepQueues() {
				if strings.Contains(q.Lock, `"the lock"`) {
					found++
					if q.On == `condition variable "the condition"` {
						found += 10
					}
				}
			}
			if found != 12 {
				t.Errorf("found %d of them: %+v", found, lwkt.SleepQueues())
			}
			c.Signal(td)
			td.Wakeup(&event)
		})
	})
}
