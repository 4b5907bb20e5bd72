// Strings of operations of four threads that wait for a read-mostly lock, played like those of wait_fuzz_test.go.
package lwkt_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/rmlock"
)

// rmContest is a contest for a read-mostly lock. A writer is next, and keeps readers out, before it has the lock: it
// waits for those who read. The others wait on a queue for it to be done, as for a lock that only writers have.
type rmContest struct {
	*contest
	l      rmlock.Lock
	quiet  func()
	reads  [4]int // by player
	next   int    // the writer that has the lock or waits for readers, or -1
	queue  waitModel
	has    [4]atomic.Int32 // by player: how it has the lock, since its last operation
	fails  [4]atomic.Bool  // by player: its last operation did
	cancel [4]context.CancelFunc
	prio   [4]int
	age    int
}

func (c *rmContest) read() (n int) {
	for _, k := range c.reads {
		n += k
	}
	return n
}

// mode is how a player has the lock.
func (c *rmContest) mode(i int) lwkt.Mode {
	switch {
	case c.next == i && c.read() == 0:
		return lwkt.Exclusive
	case c.reads[i] > 0:
		return lwkt.Shared
	}
	return lwkt.None
}

// settle serves who can be: the best one, and with a reader all that wait.
func (c *rmContest) settle() {
	for c.next < 0 && len(c.queue.queue) > 0 {
		w := *c.queue.first(lwkt.None)
		if w.mode == lwkt.Exclusive {
			c.next = w.player
			c.queue.leave(w.player)
			return
		}
		for s := c.queue.first(lwkt.Shared); s != nil; s = c.queue.first(lwkt.Shared) {
			c.reads[s.player]++
			c.queue.leave(s.player)
		}
	}
}

// do makes a player do something, if f is not nil, and wants all to be as the model says.
func (c *rmContest) do(i int, op string, ok bool, f func(td *lwkt.Thread) bool) {
	if f != nil {
		c.tell(i, func(td *lwkt.Thread) {
			c.fails[i].Store(!f(td))
			c.has[i].Store(int32(c.l.Held(td)))
		})
	}
	c.quiet()
	c.settle()
	for j, p := range c.players {
		waits := c.next == j && c.read() > 0 || slices.ContainsFunc(c.queue.queue, func(w queuedAt) bool { return w.player == j })
		c.m.Assert(waits == p.waits(), "after %s by %d: %d waits %v, want %v", op, i, j, p.waits(), waits)
		if got := lwkt.Mode(c.has[j].Load()); !waits {
			c.m.Assert(got == c.mode(j), "after %s by %d: %d has it %v, want %v", op, i, j, got, c.mode(j))
		}
	}
	got := lwkt.LockWaitersOf(&c.l)
	c.m.Assert(got == len(c.queue.queue), "after %s by %d: %d are queued, want %d", op, i, got, len(c.queue.queue))
	c.m.Assert(c.players[i].waits() || ok != c.fails[i].Load(), "%s by %d fails %v", op, i, c.fails[i].Load())
}

// step is one operation, if the player can be asked for it, in which it misuses nothing.
func (c *rmContest) step(i int, op string) {
	had := c.mode(i)
	if c.players[i].waits() {
		if op == "cancel" {
			if c.queue.leave(i); c.next == i {
				c.next = -1
			}
			c.cancel[i]()
			c.do(i, op, false, nil)
		}
		return
	}
	var ctx context.Context
	ctx, c.cancel[i] = context.WithCancel(context.Background())
	acquired := func(_ bool, err error) bool {
		c.m.Assert(err == nil || errors.Is(err, context.Canceled), "%v", err)
		return err == nil
	}
	switch op {
	case "read", "try to read":
		ok := c.next < 0 || had == lwkt.Shared
		switch {
		case had == lwkt.Exclusive:
			return
		case ok:
			c.reads[i]++
		case op == "read":
			c.queue.queue = append(c.queue.queue, queuedAt{i, c.prio[i], c.age, lwkt.Shared})
		}
		c.age++
		c.do(i, op, ok, func(td *lwkt.Thread) bool {
			if op != "read" {
				return c.l.TryRLock(td)
			}
			return acquired(c.l.RLockContext(ctx, td))
		})
	case "write", "try to write":
		ok := c.next < 0 && c.read() == 0
		switch {
		case had != lwkt.None:
			return
		case ok, op == "write" && c.next < 0:
			c.next = i
		case op == "write":
			c.queue.queue = append(c.queue.queue, queuedAt{i, c.prio[i], c.age, lwkt.Exclusive})
		}
		c.age++
		c.do(i, op, ok, func(td *lwkt.Thread) bool {
			if op != "write" {
				return c.l.TryWLock(td)
			}
			return acquired(c.l.WLockContext(ctx, td))
		})
	case "release":
		switch had {
		case lwkt.Shared:
			c.reads[i]--
			c.do(i, op, true, func(td *lwkt.Thread) bool { c.l.RUnlock(td); return true })
		case lwkt.Exclusive:
			c.next = -1
			c.do(i, op, true, func(td *lwkt.Thread) bool { c.l.WUnlock(td); return true })
		}
	case "priority":
		c.prio[i] = (i*7 + c.age*5) % 32
		c.do(i, op, true, func(td *lwkt.Thread) bool { td.SetPriority(c.prio[i]); return true })
	}
}

// rmWaitOps are the operations of a string: a byte is player + 4*operation.
var rmWaitOps = []string{"read", "write", "release", "cancel", "try to read", "try to write", "priority"}

func FuzzRMLockWaits(f *testing.F) {
	b := func(kind byte, pairs ...int) []byte { // op, player, op, player ...
		s := []byte{kind}
		for i := 0; i < len(pairs); i += 2 {
			s = append(s, byte(pairs[i]*4+pairs[i+1]))
		}
		return s
	}
	for kind := range byte(2) {
		f.Add(b(kind), []byte{})
		f.Add(b(kind, 0, 0, 0, 1, 1, 2, 0, 3, 0, 0, 2, 0, 2, 1, 2, 0, 2, 2, 2, 3), []byte{1, 0, 1})
		f.Add(b(kind, 0, 0, 1, 1, 6, 2, 1, 2, 6, 3, 0, 3, 3, 1, 2, 0, 2, 2, 2, 3), []byte{2, 1, 1, 0})
		f.Add(b(kind, 6, 1, 6, 2, 6, 3, 1, 0, 0, 3, 1, 2, 0, 1, 2, 0, 4, 0, 2, 3, 2, 1, 2, 2), []byte{1, 0, 1})
		f.Add(b(kind, 1, 0, 0, 1, 0, 2, 1, 3, 4, 0, 5, 0, 2, 0, 3, 3, 2, 1, 2, 2), []byte{1, 1, 2})
	}
	f.Fuzz(playRMLockWaits)
}

func playRMLockWaits(t *testing.T, ops, picks []byte) {
	if len(ops) == 0 {
		return
	}
	patient(t)
	c := &rmContest{next: -1, prio: [4]int{16, 16, 16, 16}}
	if ops[0]%2 == 1 {
		c.l.Init("fuzzed", rmlock.Sleepable)
	}
	referee(t, picks, func(co *contest, quiet func()) {
		c.contest, c.quiet = co, quiet
		for _, b := range ops[1:min(len(ops), 100)] {
			c.step(int(b)%4, rmWaitOps[int(b)/4%len(rmWaitOps)])
		}
		for i := 0; c.next >= 0 || c.read() > 0; i = (i + 1) % len(c.players) {
			c.step(i, "release")
		}
		c.tell(0, c.l.Destroy) // nobody is left on its queue
		c.quiet()
	})
}
