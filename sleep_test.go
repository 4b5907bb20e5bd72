// Sleep with a lock, and the sleep queues under it.
package lwkt_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/condvar"
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
		})
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
			var text strings.Builder
			if err := lwkt.ShowSleepQueues(&text); err != nil {
				t.Error(err)
			}
			says(t, text.String(), "\n    asleep     thread \"waiter\"", "\n    asleep     thread \"sleeper\"")
			c.Signal(td)
			td.Wakeup(&event)
		})
	})
}

// TestSleepStress is TestCondStress by sleep and wakeup, of any or the best one by turns.
func TestSleepStress(t *testing.T) {
	moveNumbers(t, func() event {
		channel, turn := new(int), false // by the lock
		return event{
			func(td *lwkt.Thread, l lwkt.Interlock) { td.SleepOn(channel, l, lwkt.SleepOptions{}) },
			func(td *lwkt.Thread) {
				if turn = !turn; turn {
					td.WakeupAny(channel)
				} else {
					td.WakeupOne(channel)
				}
			},
			func(td *lwkt.Thread) { td.Wakeup(channel) },
		}
	})
}

// FuzzSleep plays strings of sleeps with a priority, with a lock or none, of wakeups and of cancels, and
// knows who is woken: a byte is operation + 8*argument.
func FuzzSleep(f *testing.F) {
	b := func(pairs ...byte) (s []byte) { // op, argument ...
		for i := 0; i < len(pairs); i += 2 {
			s = append(s, pairs[i]+8*pairs[i+1])
		}
		return s
	}
	f.Add(b(0, 0, 0, 2, 0, 4, 3, 0, 4, 0, 5, 0, 3, 0))
	f.Add(b(1, 0, 1, 8, 2, 0, 2, 1, 7, 0, 7, 1, 6, 0, 6, 0, 3, 1))
	f.Add(b(1, 2, 1, 4, 1, 6, 4, 0, 3, 0, 5, 0, 0, 1, 7, 1, 5, 1))
	f.Fuzz(playSleep)
}

// sleeperOf is one who sleeps.
type sleeperOf struct {
	num, prio int
	lock      lwkt.Interlock
	cancel    context.CancelFunc
	task      *lwkt.Task
}

func playSleep(t *testing.T, ops []byte) {
	type end struct {
		num int
		err error
	}
	var channels [2]int
	var asleep [2][]sleeperOf // by channel: by age
	var mu lwkt.Mtx
	var sx lwkt.SX
	take := func(l lwkt.Interlock, td *lwkt.Thread) (give func()) {
		switch l := l.(type) {
		case *lwkt.Mtx:
			l.Lock(td)
			return func() { l.Unlock(td) }
		case *lwkt.SX:
			l.SLock(td)
			return func() { l.SUnlock(td) }
		}
		return func() {}
	}
	ends := make(chan end, len(ops))
	td := newThread(t)
	defer td.End()
	// gone wants the sleeper at i of the channel to return like this.
	gone := func(c, i int, want error) {
		s := asleep[c][i]
		asleep[c] = slices.Delete(asleep[c], i, i+1)
		if e := <-ends; e.num != s.num || !errors.Is(e.err, want) {
			t.Fatalf("%d returns with %v, want %d with %v", e.num, e.err, s.num, want)
		}
		join(t, s.task)
	}
	// try sleeps for no time, which nobody sees but who disagrees.
	try := func(c int, l lwkt.Interlock) {
		give := take(l, td)
		defer give()
		sleep := func() error {
			if l == nil {
				_, err := td.Sleep(&channels[c], -1)
				return err
			}
			_, err := td.SleepOn(&channels[c], l, lwkt.SleepOptions{Timeout: -1})
			return err
		}
		if len(asleep[c]) > 0 && asleep[c][0].lock != l {
			says(t, misuse(t, "", func() { sleep() }).Why, "others sleep on it with")
		} else if err := sleep(); !errors.Is(err, lwkt.ErrTimeout) {
			t.Fatal(err)
		}
	}
	for i, b := range ops[:min(len(ops), 64)] {
		arg := int(b / 8)
		c, prio, drop := arg%2, arg/2, arg/4%2 == 1
		var l lwkt.Interlock
		switch b % 8 {
		case 1:
			l = &mu
		case 2:
			l = &sx
		}
		switch n := len(asleep[c]); b % 8 {
		case 0, 1, 2:
			if n > 0 && asleep[c][0].lock != l {
				try(c, l)
				break
			}
			ctx, cancel := context.WithCancel(t.Context())
			task := lwkt.Go("sleeper", func(td *lwkt.Thread) {
				td.SetPriority(prio)
				give := take(l, td)
				var err error
				if l == nil {
					_, err = td.SleepContext(ctx, &channels[c])
				} else if _, err = td.SleepOn(&channels[c], l, lwkt.SleepOptions{Context: ctx, Drop: drop}); drop {
					give = func() {} // which is seen when the thread ends
				}
				give()
				ends <- end{i, err}
			})
			asleep[c] = append(asleep[c], sleeperOf{i, prio, l, cancel, task})
			defer cancel()
			until(t, "it sleeps", func() bool { return lwkt.SleepersOn(&channels[c]) == n+1 })
		case 3:
			if got := td.WakeupOne(&channels[c]); got != (n > 0) {
				t.Fatalf("WakeupOne says %v of %d", got, n)
			}
			if n > 0 {
				best := 0
				for i, s := range asleep[c] {
					if s.prio > asleep[c][best].prio {
						best = i
					}
				}
				gone(c, best, nil)
			}
		case 4:
			if got := td.WakeupAny(&channels[c]); got != (n > 0) {
				t.Fatalf("WakeupAny says %v of %d", got, n)
			}
			if n > 0 {
				gone(c, n-1, nil)
			}
		case 5:
			if got := td.Wakeup(&channels[c]); got != n {
				t.Fatalf("Wakeup says %d of %d", got, n)
			}
			for range n {
				e := <-ends
				i := slices.IndexFunc(asleep[c], func(s sleeperOf) bool { return s.num == e.num })
				if i < 0 || e.err != nil {
					t.Fatalf("%d returns with %v", e.num, e.err)
				}
				join(t, asleep[c][i].task)
				asleep[c] = slices.Delete(asleep[c], i, i+1)
			}
		case 6:
			if n > 0 {
				i := prio % n
				asleep[c][i].cancel()
				gone(c, i, context.Canceled)
			}
		case 7:
			try(c, []lwkt.Interlock{nil, &mu, &sx}[prio%3])
		}
		for c := range asleep {
			if got, want := lwkt.SleepersOn(&channels[c]), len(asleep[c]); got != want {
				t.Fatalf("%d sleep, want %d", got, want)
			}
		}
	}
	for c := range asleep {
		if got, want := td.Wakeup(&channels[c]), len(asleep[c]); got != want {
			t.Fatalf("Wakeup says %d of %d", got, want)
		}
		for _, s := range asleep[c] {
			join(t, s.task)
		}
	}
	mu.Destroy(td)
	sx.Destroy(td)
}
