//go:build lwkt_words

package explore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/sim"
)

// A wordOp is one of a random program over words and spin locks.
type wordOp struct {
	kind string
	obj  int
	a, b uint32
}

type wordProgram [][]wordOp

func (p wordProgram) run(m *sim.Machine) {
	words, locks := new([2]hw.Uint32), new([2]hw.SpinLock)
	m.Share(words, locks)
	for t, ops := range p {
		m.Go(fmt.Sprintf("t%d", t), func(td *lwkt.Thread) {
			for _, o := range ops {
				switch w := &words[o.obj]; o.kind {
				case "load":
					w.Load()
				case "store":
					w.Store(o.a)
				case "swap":
					w.Swap(o.a)
				case "add":
					w.Add(o.a)
				case "or":
					w.Or(o.a)
				case "and":
					w.And(o.a)
				case "cas":
					if w.CompareAndSwap(o.a, o.b) {
						words[1].Store(o.b)
					}
				case "lock":
					locks[o.obj].Lock()
				case "unlock":
					locks[o.obj].Unlock()
				case "spin":
					for w.Load() == 0 {
						hw.Pause(1)
					}
				}
			}
		})
	}
}

func randomWords(r *rand.Rand) (p wordProgram) {
	threads := 2 + r.IntN(2)
	for range threads {
		var ops []wordOp
		locked := -1
		for range 1 + r.IntN([]int{0, 0, 4, 2}[threads]) {
			kind := []string{"load", "store", "swap", "add", "or", "and", "cas", "cas", "lock", "lock", "spin"}[r.IntN(11)]
			if kind == "lock" && locked >= 0 {
				kind = "unlock"
			}
			o := wordOp{kind, r.IntN(2), r.Uint32N(3), r.Uint32N(3)}
			switch kind {
			case "lock":
				locked = o.obj
			case "unlock":
				o.obj, locked = locked, -1
			}
			ops = append(ops, o)
		}
		if locked >= 0 {
			ops = append(ops, wordOp{kind: "unlock", obj: locked})
		}
		p = append(p, ops)
	}
	return p
}

// TestWordsReductionIsExact is TestReductionIsExact for words, whose footprints depend on
// whether an operation has changed its word.
func TestWordsReductionIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var c explore.Comparison
	err := sim.Do(func(session *sim.Session) {
		for c.Programs < 400 && !t.Failed() {
			p := randomWords(r)
			if c.Compare(t, session, sim.Options{Steps: 2000, Words: true}, p.run, 4000); t.Failed() {
				t.Errorf("%v", p)
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
	t.Logf("%+v", c)
	if c.Twice > 0 || c.Deadlocks < 100 {
		t.Errorf("%d runs for nothing, %d deadlocks", c.Twice, c.Deadlocks)
	}
}
