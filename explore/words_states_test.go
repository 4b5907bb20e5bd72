//go:build lwkt_words

package explore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/sim"
)

var byWord = sim.Options{Words: true, Steps: 2000}

// TestWordsStatesAreCongruent is what recognizing states stands on: equal states can do the same, and the
// same step of equal states leads to equal ones; and where all traces can be run, the final states are
// those of the traces.
func TestWordsStatesAreCongruent(t *testing.T) {
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
