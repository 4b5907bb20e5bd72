// DragonFly's serializer.
package lwkt_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/serializer"
	"github.com/serializing-tokens/lwkt/sim"
)

// TestSerializerTable walks the table of Serializer.
func TestSerializerTable(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		var s serializer.Serializer
		var step atomic.Int32
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		called := 0
		count := func() { called++ }
		h.Go("a", func(td *lwkt.Thread) {
			says(t, misuse(t, "Exit", func() { s.Exit(td) }).Why, "nobody has it")
			for _, disabled := range []bool{false, true} { // free
				if disabled {
					s.HandlerDisable()
					s.HandlerDisable() // does not stack
				}
				called = 0
				if s.HandlerCall(td, count) == disabled || s.HandlerTry(td, count) == disabled || called == 2 == disabled {
					t.Errorf("disabled %v: %d handlers were called", disabled, called)
				}
				s.Enter(td)
				s.Exit(td)
				if !s.TryEnter(td) {
					t.Errorf("disabled %v: not entered", disabled)
				}
				s.Exit(td)
			}
			s.HandlerEnable()
			if !s.HandlerCall(td, func() {
				if !s.Held(td) {
					t.Error("the handler runs without the serializer")
				}
			}) || s.Held(td) {
				t.Error("not called, or not exited")
			}
			if v := panics(func() { s.HandlerCall(td, func() { panic("planted") }) }); v != "planted" || s.Held(td) {
				t.Errorf("panicked with %v, held %v", v, s.Held(td))
			}
			s.HandlerCall(td, func() { s.HandlerDisable() }) // from within
			if s.HandlerCall(td, count) {
				t.Error("called though disabled")
			}
			s.HandlerEnable()
			if _, err := s.EnterContext(ctx, td); err != nil {
				t.Errorf("a free serializer: %v", err)
			}
			misuse(t, "Enter", func() { s.Enter(td) }) // own
			misuse(t, "Enter", func() { s.HandlerCall(td, count) })
			misuse(t, "Destroy", func() { s.Destroy(td) })
			if s.TryEnter(td) || s.HandlerTry(td, count) {
				t.Error("recursed")
			}
			step.Store(1)
			h.Until("b has tried", func() bool { return step.Load() == 2 })
			td.Pause(time.Microsecond) // held across sleep
			if !s.Held(td) {
				t.Error("lost in a sleep")
			}
			s.Exit(td)
		})
		h.Go("b", func(td *lwkt.Thread) { // another's
			h.Until("a has it", func() bool { return step.Load() == 1 })
			if s.TryEnter(td) || s.HandlerTry(td, count) || s.Held(td) {
				t.Error("has another's")
			}
			says(t, misuse(t, "Destroy", func() { s.Destroy(td) }).Why, `"a"`, "has it")
			if _, err := s.EnterContext(ctx, td); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			says(t, misuse(t, "Exit", func() { s.Exit(td) }).Why, `"a"`)
			step.Store(2)
			if !s.HandlerCall(td, func() {}) {
				t.Error("not called")
			}
			l := s.Locker(td)
			l.Lock()
			if !s.Held(td) {
				t.Error("its Locker does not enter it")
			}
			l.Unlock()
			s.HandlerDisable() // nor does that keep it alive
			s.Destroy(td)
			says(t, misuse(t, "Enter", func() { s.Enter(td) }).Why, "destroyed")
			s.Init("again")
			misuse(t, "Init", func() { s.Init("twice") })
			says(t, s.String(), "serializer", "again")
			s.Enter(td)
			s.Exit(td)
		})
	})
	var s serializer.Serializer
	misuse(t, "Enter", func() { s.Enter(nil) })
}

func TestSerializerExplored(t *testing.T) {
	t.Run("handler and driver", func(t *testing.T) {
		granularities(t, func(m *sim.Machine) {
			var s serializer.Serializer
			inside, off := 0, false
			section := func() {
				inside++
				m.Assert(inside == 1, "two are inside")
				inside--
			}
			m.Go("driver", func(td *lwkt.Thread) {
				s.Enter(td)
				section()
				s.HandlerDisable()
				off = true
				td.Pause(time.Millisecond) // nobody comes in
				section()
				s.Exit(td)
			})
			for range 2 {
				m.Go("interrupt", func(td *lwkt.Thread) {
					s.HandlerCall(td, func() {
						m.Assert(!off, "called after it was disabled")
						section()
					})
				})
			}
		})
	})
	t.Run("zsleep", func(t *testing.T) { // dropped in one step with going to sleep
		granularities(t, func(m *sim.Machine) {
			var s serializer.Serializer
			full := false
			m.Go("driver", func(td *lwkt.Thread) {
				s.Enter(td)
				for !full {
					td.SleepOn(&full, &s, lwkt.SleepOptions{})
				}
				s.Exit(td)
			})
			for range 2 {
				m.Go("interrupt", func(td *lwkt.Thread) {
					s.HandlerCall(td, func() {
						full = true
						td.Wakeup(&full)
					})
				})
			}
		})
	})
	t.Run("tokens", func(t *testing.T) { // in both orders
		granularities(t, func(m *sim.Machine) {
			var s serializer.Serializer
			var tok lwkt.Token
			m.Go("one", func(td *lwkt.Thread) {
				tok.Acquire(td)
				s.Enter(td)
				m.Assert(tok.Held(td) == lwkt.Exclusive, "without the token")
				s.Exit(td)
				tok.Release(td)
			})
			m.Go("other", func(td *lwkt.Thread) {
				s.Enter(td)
				tok.Acquire(td)
				tok.Release(td)
				s.Exit(td)
			})
		})
	})
}

func TestSerializerStress(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		var s serializer.Serializer
		n, rounds := 0, scale(8000)
		for i := range 6 {
			h.Go("t", func(td *lwkt.Thread) {
				for range rounds {
					switch i % 3 {
					case 0:
						s.Enter(td)
						n++
						s.Exit(td)
					case 1:
						s.HandlerCall(td, func() { n++ })
					default:
						for !s.HandlerTry(td, func() { n++ }) {
							h.Yield()
						}
					}
				}
			})
		}
		h.Wait()
		if n != 6*rounds {
			t.Errorf("%d of %d", n, 6*rounds)
		}
	})
}

func TestSerializerAllocs(t *testing.T) {
	if raceEnabled || invariants.Enabled {
		t.Skip("the race detector and invariants allocate")
	}
	td := newThread(t)
	defer td.End()
	var s serializer.Serializer
	n := 0
	f := func() { n++ }
	if a := testing.AllocsPerRun(100, func() {
		s.Enter(td)
		s.Exit(td)
		s.TryEnter(td)
		s.Exit(td)
		s.HandlerCall(td, f)
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

// FuzzSerializer plays strings of operations of two threads by turns that never wait, and knows who
// has it and whether handlers are called.
func FuzzSerializer(f *testing.F) {
	f.Add([]byte{0, 1, 8, 9, 2, 3, 4, 5})
	f.Fuzz(func(t *testing.T, ops []byte) {
		td := [2]*lwkt.Thread{lwkt.NewThread("0"), lwkt.NewThread("1")}
		var s serializer.Serializer
		owner, off := -1, false
		for _, b := range ops {
			who := int(b/8) % 2
			me := td[who]
			switch b % 8 {
			case 0:
				if got := s.TryEnter(me); got != (owner < 0) {
					t.Fatalf("TryEnter %v, owner %d", got, owner)
				} else if got {
					owner = who
				}
			case 1:
				switch owner {
				case who:
					misuse(t, "Enter", func() { s.Enter(me) })
				case -1:
					s.Enter(me)
					owner = who
				}
			case 2:
				if owner == who {
					s.Exit(me)
					owner = -1
				} else {
					misuse(t, "Exit", func() { s.Exit(me) })
				}
			case 3:
				s.HandlerDisable()
				off = true
			case 4:
				s.HandlerEnable()
				off = false
			case 5:
				if got := s.HandlerTry(me, func() {}); got != (owner < 0 && !off) {
					t.Fatalf("HandlerTry %v, owner %d, off %v", got, owner, off)
				}
			case 6:
				if owner < 0 || off {
					if got := s.HandlerCall(me, func() {}); got == off {
						t.Fatalf("HandlerCall %v, off %v", got, off)
					}
				}
			case 7:
				if owner == who {
					me.SleepOn(&off, &s, lwkt.SleepOptions{Timeout: -1})
				}
			}
			if s.Held(me) != (owner == who) {
				t.Fatalf("held %v, owner %d", s.Held(me), owner)
			}
		}
		if owner >= 0 {
			s.Exit(td[owner])
		}
		td[0].End()
		td[1].End()
	})
}
