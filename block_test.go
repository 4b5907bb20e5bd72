// Blocking other than for tokens: sleep and wakeup, pauses, and the waits of
// package sync, each with the tokens given up.
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
	"github.com/serializing-tokens/lwkt/internal/invariants"
)

func TestSleepOrder(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var tok lwkt.Token
	var event int
	var order []string // (tok)
	var tasks []*lwkt.Task
	for i, s := range []struct {
		name string
		prio int
	}{{"a", 16}, {"b", 31}, {"c", 16}, {"d", 0}, {"e", 31}} {
		tasks = append(tasks, lwkt.Go(s.name, func(td *lwkt.Thread) {
			td.SetPriority(s.prio)
			td.Sleep(&event, 0)
			tok.Acquire(td)
			order = append(order, td.Name())
			tok.Release(td)
		}))
		until(t, "it sleeps", func() bool { return lwkt.SleepersOn(&event) == i+1 })
	}
	for range tasks { // the best priority first, the longest asleep among equals
		if !td.WakeupOne(&event) {
			t.Error("nobody to wake")
		}
		n := len(tasks) - lwkt.SleepersOn(&event)
		until(t, "it has run", func() bool {
			tok.Acquire(td)
			defer tok.Release(td)
			return len(order) == n
		})
	}
	for _, k := range tasks {
		join(t, k)
	}
	if got := strings.Join(order, ""); got != "beacd" {
		t.Errorf("woken in the order %s, want beacd", got)
	}
	if td.WakeupOne(&event) || td.Wakeup(&event) != 0 {
		t.Error("woke somebody though nobody sleeps")
	}
}

func TestSleepChannelsAreKeys(t *testing.T) {
	td := newThread(t)
	defer td.End()
	type key struct{ a, b int }
	keys := []any{"name", 7, int64(7), key{1, 2}, key{2, 1}, new(int), t}
	var tasks []*lwkt.Task
	var awake atomic.Int32
	for _, k := range keys {
		for range 2 {
			tasks = append(tasks, lwkt.Go("sleeper", func(td *lwkt.Thread) {
				if _, err := td.Sleep(k, 0); err != nil {
					t.Errorf("Sleep: %v", err)
				}
				awake.Add(1)
			}))
		}
		until(t, "both sleep", func() bool { return lwkt.SleepersOn(k) == 2 })
	}
	for i, k := range keys {
		if n := td.Wakeup(k); n != 2 {
			t.Errorf("key %d: woke %d, want 2", i, n)
		}
		until(t, "both are awake", func() bool { return int(awake.Load()) == 2*(i+1) })
	}
	for _, k := range tasks {
		join(t, k)
	}
	if panics(func() { td.Sleep([]int{1}, 0) }) == nil {
		t.Error("slept on a slice, which cannot be compared")
	}
	td.Mark() // and is not stuck in it
}

func TestSleepAllocs(t *testing.T) {
	if raceEnabled || invariants.Enabled {
		t.Skip("the race detector and invariants allocate")
	}
	td := newThread(t)
	defer td.End()
	var event int
	if n := testing.AllocsPerRun(100, func() {
		td.Sleep(&event, -1)
		td.Wakeup(&event)
		td.WakeupOne(&event)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSleepEnds(t *testing.T) {
	var tok lwkt.Token
	var event int
	sleeping := func() bool { return lwkt.SleepersOn(&event) == 1 }
	for name, c := range map[string]struct {
		sleep func(td *lwkt.Thread) (bool, error)
		end   func(td *lwkt.Thread)
		want  error
	}{
		"wakeup":         {func(td *lwkt.Thread) (bool, error) { return td.Sleep(&event, time.Hour) }, func(td *lwkt.Thread) { td.Wakeup(&event) }, nil},
		"wakeup one":     {func(td *lwkt.Thread) (bool, error) { return td.SleepContext(t.Context(), &event) }, func(td *lwkt.Thread) { td.WakeupOne(&event) }, nil},
		"timeout":        {func(td *lwkt.Thread) (bool, error) { return td.Sleep(&event, 20*time.Millisecond) }, nil, lwkt.ErrTimeout},
		"no time at all": {func(td *lwkt.Thread) (bool, error) { return td.Sleep(&event, -1) }, nil, lwkt.ErrTimeout},
		"deadline": {func(td *lwkt.Thread) (bool, error) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
			defer cancel()
			return td.SleepContext(ctx, &event)
		}, nil, context.DeadlineExceeded},
		"done before": {func(td *lwkt.Thread) (bool, error) { return td.SleepContext(canceled(), &event) }, nil, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			task := lwkt.Go("sleeper", func(td *lwkt.Thread) {
				tok.Acquire(td)
				changed, err := c.sleep(td)
				if !errors.Is(err, c.want) || c.want == nil && err != nil {
					t.Errorf("error %v, want %v", err, c.want)
				}
				if c.end != nil && !changed {
					t.Error("not changed, though the waker had the token")
				}
				if tok.Held(td) != lwkt.Exclusive || lwkt.SleepersOn(&event) != 0 {
					t.Errorf("awake with %v, %d asleep", tok.Held(td), lwkt.SleepersOn(&event))
				}
				tok.Release(td)
			})
			if c.end != nil {
				until(t, "it sleeps", sleeping)
				lwkt.Run("waker", func(td *lwkt.Thread) {
					tok.Acquire(td)
					c.end(td)
					tok.Release(td)
				})
			}
			join(t, task)
		})
	}
	if !errors.Is(lwkt.ErrTimeout, context.DeadlineExceeded) || errors.Is(lwkt.ErrTimeout, context.Canceled) {
		t.Error("ErrTimeout is not known to errors.Is for what it is")
	}
	var timeout interface{ Timeout() bool }
	if !errors.As(lwkt.ErrTimeout, &timeout) || !timeout.Timeout() {
		t.Error("ErrTimeout is no timeout")
	}
	cause := errors.New("because")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	lwkt.Run("caused", func(td *lwkt.Thread) {
		if _, err := td.SleepContext(ctx, &event); !errors.Is(err, cause) && !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func TestSleepLosesNoWakeup(t *testing.T) {
	// A one-place buffer: condition and sleep are under the token, nobody polls.
	processors(t, 4)
	var tok lwkt.Token
	var full, empty int // wait channels
	buffer, sum := 0, 0
	n := scale(8000)
	var tasks []*lwkt.Task
	for range 2 {
		tasks = append(tasks, lwkt.Go("producer", func(td *lwkt.Thread) {
			for i := 1; i <= n; i++ {
				tok.Acquire(td)
				for buffer != 0 {
					td.Sleep(&empty, 0)
				}
				buffer = i
				td.WakeupOne(&full)
				tok.Release(td)
			}
		}), lwkt.Go("consumer", func(td *lwkt.Thread) {
			for range n {
				tok.Acquire(td)
				for buffer == 0 {
					td.Sleep(&full, 0)
				}
				sum += buffer
				buffer = 0
				td.WakeupOne(&empty)
				tok.Release(td)
			}
		}))
	}
	for _, k := range tasks {
		join(t, k)
	}
	if want := n * (n + 1); sum != want {
		t.Errorf("sum %d, want %d", sum, want)
	}
}

func TestSleepTimeoutRacesWithWakeup(t *testing.T) {
	// A wakeup that found a sleeper was not for nothing: that sleeper has no error.
	processors(t, 4)
	var event int
	var woken atomic.Int64
	var stop atomic.Bool
	waker := lwkt.Go("waker", func(td *lwkt.Thread) {
		for !stop.Load() {
			if td.WakeupOne(&event) {
				woken.Add(1)
			}
			td.Pause(10 * time.Microsecond)
		}
	})
	var tasks []*lwkt.Task
	var good atomic.Int64
	for range 3 {
		tasks = append(tasks, lwkt.Go("sleeper", func(td *lwkt.Thread) {
			for range scale(1000) {
				if _, err := td.Sleep(&event, 20*time.Microsecond); err == nil {
					good.Add(1)
				}
			}
		}))
	}
	for _, k := range tasks {
		join(t, k)
	}
	stop.Store(true)
	join(t, waker)
	if good.Load() != woken.Load() {
		t.Errorf("%d sleepers were woken, %d noticed", woken.Load(), good.Load())
	}
	if n := lwkt.SleepersOn(&event); n != 0 {
		t.Errorf("%d still asleep", n)
	}
}

func TestPause(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var tok lwkt.Token
	tok.Acquire(td)
	begin := time.Now()
	if td.Pause(2 * time.Millisecond) {
		t.Error("changed, with nobody else there")
	}
	if d := time.Since(begin); d < 2*time.Millisecond {
		t.Errorf("a pause of 2 ms took %v", d)
	}
	if td.Pause(0) || td.Pause(-time.Second) || td.Stats().Drops != 1 {
		t.Errorf("dropped %d times, want once", td.Stats().Drops)
	}
	tok.Release(td)
}

func TestWaitsOfPackageSync(t *testing.T) {
	td := newThread(t)
	defer td.End()
	var tok lwkt.Token
	tok.Acquire(td)

	var wg sync.WaitGroup
	wg.Go(func() { had(t, &tok) })
	if !td.WaitGroup(&wg) {
		t.Error("WaitGroup: not changed")
	}
	if td.WaitGroup(&wg) {
		t.Error("WaitGroup with nothing to wait for: changed")
	}

	var mu sync.Mutex
	cond := sync.NewCond(&mu)
	done := false
	mu.Lock()
	k := lwkt.Go("signal", func(td *lwkt.Thread) {
		tok.Acquire(td)
		td.Block(mu.Lock)
		done = true
		cond.Signal()
		mu.Unlock()
		tok.Release(td)
	})
	for changed := false; !done; {
		if changed = td.Cond(cond); done && !changed {
			t.Error("Cond: not changed")
		}
	}
	if mu.TryLock() {
		t.Error("Cond returned without its lock")
	}
	mu.Unlock()
	tok.Release(td)
	join(t, k)
}
