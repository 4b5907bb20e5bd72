package turnstile

// Random waits, releases and changes of priority on a few locks, and after each step what
// every thread is lent against what follows from who waits for whom (N1, T1, T2).

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
	"github.com/serializing-tokens/lwkt/internal/waitq"
)

// held is a lock of which only the owner is real.
type held struct{ owner *thread.Record }

func (l *held) WouldWait(*thread.Record, token.Mode) bool { return l.owner != nil }
func (l *held) What() string                              { return "a lock" }
func (l *held) Obj() *thread.Object                       { return nil }
func (l *held) Holder() uint32 {
	if l.owner == nil {
		return 0
	}
	return l.owner.ID()
}

func TestLendingFollowsWaiters(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	const n, locks = 7, 5
	var hs [n]thread.Handle
	var rs [n]*thread.Record
	var prio [n]int32
	var waits [n]*held // what each waits for
	for i := range hs {
		thread.Start(&hs[i], fmt.Sprint(i))
		rs[i] = thread.Enter(&hs[i], "test")
		rs[i].Leave()
		prio[i] = thread.DefaultPriority
		defer thread.End(&hs[i])
	}
	var ls [locks]held
	index := func(r *thread.Record) int {
		for i := range rs {
			if rs[i] == r {
				return i
			}
		}
		return -1
	}
	find := func(l *held) *waitq.Queue { return chain(l).Find(l) }
	// reach says whether i waits, directly or not, for what j owns.
	reach := func(i, j int) bool {
		for k := 0; k < n && waits[i] != nil && waits[i].owner != nil; k++ {
			if i = index(waits[i].owner); i == j {
				return true
			}
		}
		return false
	}
	leave := func(i int) {
		Leave(find(waits[i]), waitq.Of(rs[i]), waitq.Idle)
		waits[i] = nil
	}
	for step := range 20_000 {
		i := rng.IntN(n)
		l := &ls[rng.IntN(locks)]
		what := ""
		lockAll(func() {
			switch {
			case waits[i] != nil:
				what = "gives up"
				leave(i)
			case l.owner == rs[i]:
				what = "releases"
				l.owner = nil
				if q := find(l); q != nil {
					SetOwner(q, nil)
					if w := q.Best(); w != nil { // hand it over
						j := index(w.TD)
						leave(j)
						l.owner = rs[j]
						if q := find(l); q != nil {
							SetOwner(q, rs[j])
						}
					}
				}
			case l.owner == nil:
				what = "takes"
				l.owner = rs[i]
			case rng.IntN(3) > 0 && !reach(index(l.owner), i):
				what = "waits"
				c := chain(l)
				w := waitq.Of(rs[i])
				if s := Block(c.Insert(l, w, token.Exclusive), w, l.owner); s != "" {
					t.Fatalf("seed %d, step %d: %s", seed, step, s)
				}
				waits[i] = l
			}
		})
		if what == "" && waits[i] == nil {
			prio[i] = int32(rng.IntN(8))
			hs[i].SetPriority(int(prio[i]))
			what = "changes its priority"
		}
		for j := range rs {
			best := int32(0)
			for k := range rs {
				if k != j && reach(k, j) {
					best = max(best, prio[k])
				}
			}
			if best <= prio[j] {
				best = 0
			}
			if got := int32(thread.PriorityOf(rs[j].Lent())); got != best {
				t.Fatalf("seed %d, step %d, thread %d %s: thread %d is lent %d, want %d (N1)", seed, step, i, what, j, got, best)
			}
		}
	}
	lockAll(func() {
		for i := range rs {
			if waits[i] != nil {
				leave(i)
			}
		}
	})
}

// chain is where the queue of a lock would be; the caller has Lending, which is all its lock.
func chain(l *held) *waitq.Chain {
	thread.Lending.Unlock()
	c := Table.Lock(0)
	return c
}

func lockAll(f func()) {
	thread.Lending.Lock()
	defer thread.Lending.Unlock()
	f()
}
