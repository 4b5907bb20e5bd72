//go:build lwkt_words

package explore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/sim"
)

var byWord = sim.Options{Words: true, Steps: 2000}

// TestWordsStatesAreCongruent is what recognizing states stands on: equal states can do the same, and the
// same step of equal states leads to equal ones; and where all traces can be run, the final states are
// those of the traces.
func TestWordsStatesAreCongruent(t *testing.T) {
	needStates(t)
	check := func(name string, threads int, program func(m *sim.Machine)) {
		t.Run(fmt.Sprintf("%s, %d threads", name, threads), func(t *testing.T) {
			most := 400
			if threads > 2 {
				most = 150
			}
			var c explore.Congruence
			if err := sim.Do(func(s *sim.Session) { c.Check(t, s, byWord, program, most) }); err != nil {
				t.Error(err)
			}
			t.Logf("%+v", c)
		})
	}
	for _, k := range []int{0, 1} {
		old := lwkt.SetBypass(k)
		for _, p := range wordPrograms {
			check(fmt.Sprintf("%s, K=%d", p.name, k), len(p.threads), func(m *sim.Machine) { newWorded(m, k).start(p.threads) })
		}
		lwkt.SetBypass(old)
	}
	defer lock.SetPatience(lock.SetPatience(0))
	for _, p := range lockPrograms {
		check(p.name, len(p.threads), denProgram(p.options, p.priorities, p.threads...))
	}
}

// TestWordsStatesOfRandomPrograms is the same for programs over words and spin locks.
func TestWordsStatesOfRandomPrograms(t *testing.T) {
	needStates(t)
	r := rand.New(rand.NewPCG(9, 10))
	var c explore.Congruence
	err := sim.Do(func(s *sim.Session) {
		for c.Programs < 400 && !t.Failed() {
			p := randomWords(r)
			if c.Check(t, s, byWord, p.run, 4000); t.Failed() {
				t.Errorf("%v", p)
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
	t.Logf("%+v", c)
	if c.Deadlocks < 50 {
		t.Errorf("%d deadlocks", c.Deadlocks)
	}
}

func needStates(t *testing.T) {
	t.Helper()
	if !sim.HasStates {
		t.Skip("this build does not recognize states")
	}
}

// TestWordsStatesAreRefused has builds that cannot recognize states say so.
func TestWordsStatesAreRefused(t *testing.T) {
	r := explore.Run(func(m *sim.Machine) {}, explore.Words(), explore.States())
	if (r.Err == nil) != sim.HasStates {
		t.Errorf("error %v", r.Err)
	}
}

// caught keeps what a check finds.
type caught struct {
	testing.TB
	found []string
}

func (c *caught) Error(a ...any)            { c.found = append(c.found, fmt.Sprint(a...)) }
func (c *caught) Errorf(f string, a ...any) { c.found = append(c.found, fmt.Sprintf(f, a...)) }

// unsketched is a variable of which a planted sketch leaves out what counts.
type unsketched struct{ n uint32 }

// TestWordsStatesFindsPlantedFaults spoils the hash in the two ways that the lock code could: it forgets what it has read
// and uses still, and leaves a field out of a sketch. The same programs are congruent without that.
func TestWordsStatesFindsPlantedFaults(t *testing.T) {
	needStates(t)
	defer func(old []hw.Sketch) { hw.Sketches = old }(hw.Sketches)
	hw.Sketches = append(hw.Sketches[:len(hw.Sketches):len(hw.Sketches)], hw.Sketch{Of: (*unsketched)(nil), Skip: []string{"n"}})

	forgets := func(spoiled bool) func(m *sim.Machine) {
		return func(m *sim.Machine) {
			words := new([2]hw.Uint32)
			m.Share(words)
			m.Go("writes", func(*lwkt.Thread) {
				words[0].Store(1)
				words[1].Store(2)
			})
			m.Go("reads", func(*lwkt.Thread) {
				v := words[0].Load()
				if spoiled {
					forget()
				} else {
					forget(uint64(v))
				}
				words[1].Store(v)
			})
		}
	}
	guarded := func(lock *hw.SpinLock, word *hw.Uint32, n *uint32) func(m *sim.Machine) {
		return func(m *sim.Machine) {
			*n = 0
			word.Store(0)
			m.Go("writes", func(*lwkt.Thread) {
				lock.Lock()
				*n = 1
				lock.Unlock()
				word.Store(2)
			})
			m.Go("reads", func(*lwkt.Thread) {
				lock.Lock()
				v := *n
				lock.Unlock()
				word.Store(v)
			})
		}
	}
	sketches := func(spoiled bool) func(m *sim.Machine) {
		return func(m *sim.Machine) {
			lock, word, n, u := new(hw.SpinLock), new(hw.Uint32), new(uint32), new(unsketched)
			m.Share(lock, word, n, u)
			if spoiled {
				n = &u.n
			}
			guarded(lock, word, n)(m)
		}
	}
	for name, program := range map[string]func(spoiled bool) func(m *sim.Machine){"forgets": forgets, "sketches": sketches} {
		for _, spoiled := range []bool{false, true} {
			c := caught{TB: t}
			var got explore.Congruence
			if err := sim.Do(func(s *sim.Session) { got.Check(&c, s, byWord, program(spoiled), 100) }); err != nil {
				t.Error(err)
			}
			t.Logf("%s, spoiled %v: %q, %+v", name, spoiled, c.found, got)
			if (len(c.found) > 0) != spoiled {
				t.Errorf("%s, spoiled %v: found %q", name, spoiled, c.found)
			}
		}
	}
}
