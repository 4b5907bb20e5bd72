// The counting semaphore.
package lwkt_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/sema"
	"github.com/serializing-tokens/lwkt/sim"
)

// TestSemaTable walks the table of Sema.
func TestSemaTable(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		var s sema.Sema
		done, cancel := context.WithCancel(context.Background())
		cancel()
		var waits atomic.Bool
		h.Go("a", func(td *lwkt.Thread) {
			// no unit
			if s.TryWait(td) || s.Value(td) != 0 {
				t.Error("took what is not there")
			}
			if _, err := s.WaitContext(done, td); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			for _, d := range []time.Duration{time.Millisecond, 0, -1} {
				if _, err := s.WaitTimeout(td, d); !errors.Is(err, lwkt.ErrTimeout) {
					t.Errorf("error %v", err)
				}
			}
			// some units
			for range 5 {
				s.Post(td)
			}
			if s.Value(td) != 5 {
				t.Errorf("%d units", s.Value(td))
			}
			if _, err := s.WaitContext(done, td); err != nil {
				t.Error(err)
			}
			if _, err := s.WaitTimeout(td, -1); err != nil {
				t.Error(err)
			}
			if _, err := s.WaitTimeout(td, time.Hour); err != nil {
				t.Error(err)
			}
			s.Wait(td)
			if !s.TryWait(td) || s.Value(td) != 0 {
				t.Errorf("%d units", s.Value(td))
			}
			waits.Store(true)
			s.Wait(td)
		})
		h.Go("b", func(td *lwkt.Thread) {
			h.Until("a waits", func() bool { return waits.Load() })
			s.Post(td)
		})
		h.Wait()
		h.Go("c", func(td *lwkt.Thread) {
			s.Destroy(td)
			for _, f := range []func(){
				func() { s.Wait(td) }, func() { s.Post(td) }, func() { s.Value(td) },
				func() { s.TryWait(td) }, func() { s.Destroy(td) },
				func() { s.WaitContext(done, td) }, func() { s.WaitTimeout(td, -1) },
			} {
				says(t, misuse(t, "", f).Why, "destroyed")
			}
			s.Init("again", 2)
			misuse(t, "Init", func() { s.Init("twice", 0) })
			if s.Value(td) != 2 {
				t.Errorf("%d units", s.Value(td))
			}
		})
	})
	var s sema.Sema
	says(t, misuse(t, "Init", func() { s.Init("negative", -1) }).Why, "-1")
	misuse(t, "", func() { s.Wait(nil) })
	misuse(t, "", func() { s.WaitTimeout(nil, 0) })
	lwkt.Run("destroyer", func(td *lwkt.Thread) {
		k := lwkt.Go("who waits", func(td *lwkt.Thread) { s.Wait(td) })
		until(t, "it waits", func() bool { return sleeping("who waits") })
		says(t, misuse(t, "Destroy", func() { s.Destroy(td) }).Why, "wait")
		s.Post(td)
		join(t, k)
		s.Destroy(td)
	})
}

// sleeping says whether a thread of this name sleeps.
func sleeping(name string) bool {
	return slices.ContainsFunc(lwkt.Threads(), func(i lwkt.ThreadInfo) bool { return strings.Contains(i.Name, name) && i.Sleeping != "" })
}

// unitsOf is the value of a semaphore that nobody uses at the moment.
func unitsOf(s *sema.Sema) (n int) {
	lwkt.Run("unitsOf", func(td *lwkt.Thread) { n = s.Value(td) })
	return n
}

func TestSemaExplored(t *testing.T) {
	t.Run("no unit is lost or made", func(t *testing.T) {
		granularities(t, func(m *sim.Machine) {
			var s sema.Sema
			for range 2 {
				m.Go("taker", func(td *lwkt.Thread) { s.Wait(td) })
			}
			m.Go("giver", func(td *lwkt.Thread) {
				s.Post(td)
				s.Post(td)
				s.Post(td)
			})
			m.Finally(func() { m.Assert(unitsOf(&s) == 1, "%d units", unitsOf(&s)) })
		})
	})
	t.Run("timeouts", func(t *testing.T) {
		granularities(t, func(m *sim.Machine) {
			var s sema.Sema
			took := 0
			for range 2 {
				m.Go("taker", func(td *lwkt.Thread) {
					if _, err := s.WaitTimeout(td, time.Millisecond); err == nil {
						took++
					}
				})
			}
			m.Go("giver", func(td *lwkt.Thread) { s.Post(td) })
			m.Finally(func() {
				m.Assert(took+unitsOf(&s) == 1, "took %d, %d units", took, unitsOf(&s))
			})
		})
	})
	t.Run("a pool of two", func(t *testing.T) {
		granularities(t, func(m *sim.Machine) {
			var s sema.Sema
			var tok lwkt.Token
			s.Init("pool", 2)
			var inside atomic.Int32
			for i := range 3 {
				m.Go(fmt.Sprint("t", i), func(td *lwkt.Thread) {
					if i == 0 {
						tok.Acquire(td)
						defer tok.Release(td)
					}
					s.Wait(td)
					n := inside.Add(1)
					m.Assert(n <= 2, "%d are inside", n)
					m.Yield(td)
					inside.Add(-1)
					s.Post(td)
				})
			}
		})
	})
	t.Run("many", func(t *testing.T) {
		explore.Test(t, func(m *sim.Machine) {
			var s sema.Sema
			for range 3 {
				m.Go("taker", func(td *lwkt.Thread) { s.Wait(td) })
				m.Go("giver", func(td *lwkt.Thread) { s.Post(td) })
			}
		}, explore.Portfolio(), explore.Budget(time.Second))
	})
}

func TestSemaStress(t *testing.T) {
	onHosts(t, func(t *testing.T, h host) {
		var s sema.Sema
		rounds := scale(8000)
		var took atomic.Int64
		for i := range 3 {
			h.Go("giver", func(td *lwkt.Thread) {
				for range rounds {
					s.Post(td)
				}
			})
			h.Go("taker", func(td *lwkt.Thread) {
				for range rounds {
					if i > 0 {
						s.Wait(td)
					} else if _, err := s.WaitTimeout(td, time.Minute); err != nil {
						t.Error(err)
					}
					took.Add(1)
				}
			})
		}
		h.Wait()
		if took.Load() != int64(3*rounds) || unitsOf(&s) != 0 {
			t.Errorf("took %d of %d, %d are left", took.Load(), 3*rounds, unitsOf(&s))
		}
	})
}

func TestSemaAllocs(t *testing.T) {
	if raceEnabled || invariants.Enabled {
		t.Skip("the race detector and invariants allocate")
	}
	td := newThread(t)
	defer td.End()
	var s sema.Sema
	if n := testing.AllocsPerRun(100, func() {
		s.Post(td)
		s.Wait(td)
		s.TryWait(td)
		s.WaitTimeout(td, -1)
		s.Value(td)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzSema counts along with strings of operations that do not wait for others.
func FuzzSema(f *testing.F) {
	f.Add([]byte{0, 0, 1, 2, 3, 4, 1})
	f.Fuzz(func(t *testing.T, ops []byte) {
		lwkt.Run("player", func(td *lwkt.Thread) {
			var s sema.Sema
			units := 0
			done, cancel := context.WithCancel(context.Background())
			cancel()
			for _, op := range ops {
				took := true
				switch op % 5 {
				case 0:
					s.Post(td)
					units++
					took = false
				case 1:
					took = s.TryWait(td)
				case 2:
					_, err := s.WaitTimeout(td, -1)
					took = err == nil
				case 3:
					_, err := s.WaitContext(done, td)
					took = err == nil
				case 4:
					if took = units > 0; took {
						s.Wait(td)
					}
				}
				if want := op%5 != 0 && units > 0; took != want {
					t.Fatalf("%d: took %v with %d units", op%5, took, units)
				}
				if took {
					units--
				}
				if s.Value(td) != units {
					t.Fatalf("%d units, want %d", s.Value(td), units)
				}
			}
		})
	})
}
