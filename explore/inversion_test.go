// What MaxInversion finds, and what it lets pass.
package explore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/sim"
)

const us = time.Microsecond

// inversion: high wants what low has for a millisecond, and middle computes for ten where low is. Low is on CPU 0, high on the last one.
func inversion(cpus int, lock func() (low, high func(td *lwkt.Thread) (unlock func(td *lwkt.Thread)))) func(m *sim.Machine) {
	return func(m *sim.Machine) {
		low, high := lock()
		m.Go("low", func(td *lwkt.Thread) {
			unlock := low(td)
			m.Work(td, 1000*us)
			unlock(td)
		}, sim.Priority(5), sim.OnCPU(0))
		m.Go("middle", func(td *lwkt.Thread) {
			td.Pause(100 * us)
			m.Work(td, 10000*us)
		}, sim.Priority(10), sim.OnCPU(0))
		m.Go("high", func(td *lwkt.Thread) {
			td.Pause(200 * us)
			high(td)(td)
		}, sim.Priority(20), sim.OnCPU(cpus-1))
	}
}

func TestMaxInversion(t *testing.T) {
	type lockFunc = func(td *lwkt.Thread) func(td *lwkt.Thread)
	both := func(lock, unlock func(td *lwkt.Thread)) (low, high lockFunc) {
		f := func(td *lwkt.Thread) func(td *lwkt.Thread) {
			lock(td)
			return unlock
		}
		return f, f
	}
	for _, c := range []struct {
		name  string
		lock  func() (low, high lockFunc)
		waits string // the end of the text, "": passes
	}{
		{"mutex", func() (low, high lockFunc) {
			mu := &sim.Mutex{Name: "mu"}
			return both(mu.Lock, mu.Unlock)
		}, `; it waits for mutex "mu" of "low"`},
		{"mutex that lends", func() (low, high lockFunc) {
			mu := &sim.Mutex{Lend: true}
			return both(mu.Lock, mu.Unlock)
		}, ""},
		{"mtx", func() (low, high lockFunc) {
			mu := new(lwkt.Mtx)
			return both(func(td *lwkt.Thread) { mu.Lock(td) }, mu.Unlock)
		}, ""},
		{"token", func() (low, high lockFunc) {
			tok := new(lwkt.Token)
			return both(func(td *lwkt.Thread) { tok.Acquire(td) }, tok.Release)
		}, ""},
		{"sx", func() (low, high lockFunc) {
			sx := new(lwkt.SX)
			sx.Init("sx", lwkt.Options(0))
			return both(func(td *lwkt.Thread) { sx.XLock(td) }, sx.XUnlock)
		}, `; it waits for sx lock "sx" of "low"`},
		{"rm", func() (low, high lockFunc) {
			rm := new(rmlock.Lock)
			low, _ = both(func(td *lwkt.Thread) { rm.RLock(td) }, rm.RUnlock)
			_, high = both(func(td *lwkt.Thread) { rm.WLock(td) }, rm.WUnlock)
			return low, high
		}, ""},
	} {
		for _, cpus := range []int{1, 2} {
			name := fmt.Sprintf("%s with %d CPUs", c.name, cpus)
			program := inversion(cpus, c.lock)
			opts := []explore.Option{explore.On(sim.Options{CPUs: cpus, Timed: true}), explore.MaxInversion(1100 * us)}
			r := explore.Run(program, append(opts, explore.MustFinish())...)
			f := r.Failure
			if c.waits == "" || f == nil {
				if (c.waits == "") != r.OK() {
					t.Errorf("%s: %s", name, r.String())
				}
				continue
			}
			var e *sim.InversionError
			if !errors.As(f.Err, &e) || f.Outcome != sim.Inversion {
				t.Fatalf("%s: %v", name, f.Err)
			}
			text := e.Error()
			if e.Thread != "high" || e.Kept <= 1100*us || e.Kept > 1300*us || len(e.By) == 0 || e.By[0].Thread != "middle" || !strings.HasSuffix(text, c.waits) {
				t.Errorf("%s: %s", name, text)
			}
			if !strings.Contains(f.Lanes, "middle") || !strings.HasPrefix(r.String(), "priority inversion in run 1 of ") {
				t.Errorf("%s: %s", name, r.String())
			}
			again := explore.Run(program, append(opts, explore.Replay(f.Replay))...)
			if again.Failure == nil || again.Failure.Err.Error() != text || again.Diverged != "" {
				t.Errorf("%s: the replay says %s", name, again.String())
			}
		}
	}
}

// A thread that could run and does not counts too, and its own sleep does not.
func TestMaxInversionOfReadyThreads(t *testing.T) {
	program := func(critical bool) func(m *sim.Machine) {
		return func(m *sim.Machine) {
			m.Go("low", func(td *lwkt.Thread) {
				if critical {
					m.CritEnter(td)
					defer m.CritExit(td)
				}
				m.Work(td, 1000*us)
			}, sim.UserThread(), sim.Priority(31))
			m.Go("high", func(td *lwkt.Thread) {
				td.Pause(300 * us)
				m.Work(td, us)
				td.Pause(300 * us)
			}, sim.Priority(0))
		}
	}
	on := explore.On(sim.Options{CPUs: 1, Timed: true})
	if r := explore.Run(program(false), on, explore.MaxInversion(1)); !r.OK() {
		t.Errorf("nothing keeps high from running: %s", r.String())
	}
	r := explore.Run(program(true), explore.MaxInversion(100*us), on)
	if r.Failure == nil {
		t.Fatal(r.String())
	}
	text := r.Failure.Err.Error()
	if !strings.HasPrefix(text, `sim: priority inversion: thread "high" at 0 is kept from running for `) || !strings.HasSuffix(text, "; it could run") {
		t.Error(text)
	}
}

func TestMaxInversionWantsTime(t *testing.T) {
	program := func(m *sim.Machine) { m.Go("one", func(td *lwkt.Thread) {}) }
	for _, c := range []struct {
		opts []explore.Option
		says string
	}{
		{[]explore.Option{explore.MaxInversion(us)}, "explore: MaxInversion needs processors and virtual time: On(sim.Options{CPUs: 1, Timed: true})"},
		{[]explore.Option{explore.CPUs(1), explore.MaxInversion(us)}, "explore: MaxInversion needs processors and virtual time: On(sim.Options{CPUs: 1, Timed: true})"},
		{[]explore.Option{explore.MaxInversion(0)}, "explore: MaxInversion of 0s, which is no time"},
	} {
		if r := explore.Run(program, c.opts...); r.Err == nil || r.Err.Error() != c.says {
			t.Errorf("%v, want %s", r.Err, c.says)
		}
	}
	defer func() {
		if v := fmt.Sprint(recover()); !strings.HasPrefix(v, "sim: Options.MaxInversion needs CPUs and Timed") {
			t.Errorf("the machine says %s", v)
		}
	}()
	sim.New(sim.Options{CPUs: 1, MaxInversion: us})
}

// Low is in its section when middle, which has nothing to do with it, takes the processor: high, who wants that
// section, waits for both. A lock that lends keeps middle out until low has left.
func ExampleMaxInversion() {
	program := func(lend bool) func(m *sim.Machine) {
		return func(m *sim.Machine) {
			mu := sim.Mutex{Name: "mu", Lend: lend}
			section := func(td *lwkt.Thread) {
				mu.Lock(td)
				m.Work(td, time.Millisecond)
				mu.Unlock(td)
			}
			m.Go("low", section, sim.Priority(5))
			m.Go("middle", func(td *lwkt.Thread) {
				td.Pause(100 * time.Microsecond)
				m.Work(td, 10*time.Millisecond)
			}, sim.Priority(10))
			m.Go("high", func(td *lwkt.Thread) {
				td.Pause(200 * time.Microsecond)
				section(td)
			}, sim.Priority(20))
		}
	}
	opts := []explore.Option{explore.On(sim.Options{CPUs: 1, Timed: true}), explore.MaxInversion(1100 * time.Microsecond)}
	plain := explore.Run(program(false), opts...)
	fmt.Println(plain.Failure.Err)
	lends := explore.Run(program(true), opts...)
	fmt.Println("lending:", lends.OK(), lends.Exhaustive)
	// Output:
	// sim: priority inversion: thread "high" at 20 is kept from running for 1.196999ms, and 1.1ms is the limit: "middle" at 10 runs for 1.196999ms; it waits for mutex "mu" of "low"
	// lending: true true
}
