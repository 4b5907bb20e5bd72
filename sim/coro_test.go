package sim

import (
	"runtime"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
)

// breaks is a chooser that panics when it is asked for the nth time.
type breaks struct{ after int }

func (c *breaks) Choose(*Point) int {
	if c.after--; c.after < 0 {
		panic("planted in the chooser")
	}
	return 0
}

// Wherever the chooser is asked, also when a thread has ended, its panic is told as one of the thread
// that runs, and the session goes on.
func TestChooserPanics(t *testing.T) {
	if !inline {
		t.Skip("here it is asked on the machine's goroutine")
	}
	before := runtime.NumGoroutine()
	if err := Do(func(s *Session) {
		run := func(after int) Result {
			m := s.New(Options{})
			for range 3 {
				m.Go("t", func(td *lwkt.Thread) { m.Yield(td) })
			}
			return m.Run(&breaks{after})
		}
		for after := range 3 {
			if r := run(after); r.Outcome != Panic || !strings.Contains(r.Err.Error(), "planted in the chooser") {
				t.Errorf("after %d: %v %v", after, r.Outcome, r.Err)
			}
			if r := run(9); r.Outcome != Done {
				t.Errorf("after %d, afterwards: %v %v", after, r.Outcome, r.Err)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	if now := runtime.NumGoroutine(); now > before+1 { // that of Do may be on its way out
		t.Errorf("%d goroutines, %d before", now, before)
	}
}

// A program that panics before it is run ends the session, and leaves nothing behind.
func TestProgramPanics(t *testing.T) {
	before := runtime.NumGoroutine()
	func() {
		defer func() {
			if v := recover(); v != "planted" {
				t.Error(v)
			}
		}()
		t.Error(Do(func(s *Session) {
			program := func() *Machine {
				m := s.New(Options{})
				m.Go("t", func(td *lwkt.Thread) { m.Yield(td) })
				return m
			}
			program().Run(onlyFirst{})
			program()
			panic("planted")
		}))
	}()
	if now := runtime.NumGoroutine(); now > before+1 {
		t.Errorf("%d goroutines, %d before", now, before)
	}
}

func exitsEarly(*lwkt.Thread) { runtime.Goexit() }

// The next threads on a goroutine that a thread has ended have stacks of their own, and no more than
// so many share it.
func TestStackAfterGoexit(t *testing.T) {
	if err := Do(func(s *Session) {
		for range 3 * maxExits {
			m := s.New(Options{})
			m.Go("t", exitsEarly)
			if r := m.Run(onlyFirst{}); r.Outcome != Exited {
				t.Fatal(r)
			}
			m = s.New(Options{})
			m.Go("t", func(*lwkt.Thread) { panic("planted") })
			r := m.Run(onlyFirst{})
			if r.Outcome != Panic {
				t.Fatal(r)
			}
			if raw := string(r.Err.(*PanicError).Stack); strings.Count(raw, "exitsEarly") > maxExits+1 {
				t.Fatalf("the stack grows: %s", raw)
			}
			if text := r.Err.Error(); strings.Contains(text, "exitsEarly") || !strings.Contains(text, "TestStackAfterGoexit") {
				t.Fatal(text)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
}
