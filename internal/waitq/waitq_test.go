package waitq

// Random insertions, calls, hardenings and removals against a list that is sorted anew each
// time (Q1-Q3).

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// threads makes n threads; their records live as long as the test.
func threads(t *testing.T, n int) (rs []*thread.Record, hs []*thread.Handle) {
	for i := range n {
		h := new(thread.Handle)
		thread.Start(h, fmt.Sprint(i))
		rs = append(rs, thread.Enter(h, "test"))
		rs[i].Leave()
		hs = append(hs, h)
		t.Cleanup(func() { thread.End(h) })
	}
	return rs, hs
}

func TestAgainstSortedList(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	rs, hs := threads(t, 12)
	table := NewTable(nil)
	type model struct {
		w   *Waiter
		age int
	}
	queues := map[string][]model{}
	age := 0
	c := table.Lock(3)
	defer c.Unlock()
	queuesSeen := map[*Queue]bool{}
	for step := range 20_000 {
		w := Of(rs[rng.IntN(len(rs))])
		if q := w.Queue(); q == nil {
			key := fmt.Sprint(rng.IntN(3))
			hs[slices.Index(rs, w.TD)].SetPriority(rng.IntN(4))
			age++
			q = c.Insert(key, w, token.Mode(1+rng.IntN(2)))
			queuesSeen[q] = true
			queues[key] = append(queues[key], model{w, age})
		} else {
			key := w.Key.(string)
			switch rng.IntN(5) {
			case 0:
				q.Call(w)
			case 1:
				q.Settle(w)
			case 2:
				q.Harden(w)
			case 3:
				hs[slices.Index(rs, w.TD)].SetPriority(rng.IntN(4))
				q.Reprioritize(w)
			default:
				q.Remove(w, Idle)
				queues[key] = slices.DeleteFunc(queues[key], func(m model) bool { return m.w == w })
			}
		}
		total := 0
		for key, list := range queues {
			q := c.Find(key)
			if len(list) == 0 {
				if q != nil {
					t.Fatalf("seed %d, step %d: a queue without waiters (Q1)", seed, step)
				}
				continue
			}
			total += len(list)
			slices.SortFunc(list, func(a, b model) int {
				switch {
				case a.w.Hard != b.w.Hard:
					return map[bool]int{true: -1, false: 1}[a.w.Hard]
				case !a.w.Hard && a.w.prio != b.w.prio:
					return cmp.Compare(b.w.prio, a.w.prio)
				}
				return cmp.Compare(a.age, b.age)
			})
			if q.Best() != list[0].w {
				t.Fatalf("seed %d, step %d: the best is not the first by rank (Q2)", seed, step)
			}
			called, hard, best := 0, 0, int32(-1)
			var want, got [3][]*Waiter
			for _, m := range list {
				want[m.w.Mode] = append(want[m.w.Mode], m.w)
				best = max(best, m.w.prio)
				if m.w.State == Called {
					called++
				}
				if m.w.Hard {
					hard++
				}
			}
			for _, m := range []token.Mode{token.Shared, token.Exclusive} {
				q.Waiters(m, func(w *Waiter) bool { got[m] = append(got[m], w); return true })
				if !slices.Equal(got[m], want[m]) {
					t.Fatalf("seed %d, step %d: %v waiters are not in order (Q2)", seed, step, m)
				}
			}
			if q.Len != len(list) || q.Called != called || q.Hard != hard || q.BestGrade() != best {
				t.Fatalf("seed %d, step %d: %d waiters, %d called, %d hard, best %d; want %d, %d, %d, %d (Q3)",
					seed, step, q.Len, q.Called, q.Hard, q.BestGrade(), len(list), called, hard, best)
			}
			youngest := slices.MaxFunc(list, func(a, b model) int { return cmp.Compare(a.age, b.age) })
			if q.Youngest() != youngest.w {
				t.Fatalf("seed %d, step %d: the youngest is another one", seed, step)
			}
			older := 0
			for range q.Older(youngest.w) {
				older++
			}
			if older != len(list)-1 {
				t.Fatalf("seed %d, step %d: %d are older than the youngest of %d", seed, step, older, len(list))
			}
		}
	}
	if len(queuesSeen) > len(rs) {
		t.Errorf("%d queues for %d threads: each brings one and takes one", len(queuesSeen), len(rs))
	}
	for _, r := range rs { // off their queues, so that the threads can end
		if w := Of(r); w.Queue() != nil {
			w.Queue().Remove(w, Idle)
		}
	}
}

func TestWakes(t *testing.T) {
	rs, _ := threads(t, 20)
	var k Wakes
	for _, r := range rs {
		r.PreparePark()
		k.Add(r)
	}
	k.Flush()
	k.Flush()
	for _, r := range rs {
		r.Park(nil, 0) // each has its permit
	}
}
