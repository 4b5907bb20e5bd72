//go:build lwkt_words

// The lock code explored word by word: every operation on an atomic word, every spin
// lock, every Unpark is a step.
package explore_test

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/sim"
)

// worded is what the threads of a program share.
type worded struct {
	m      *sim.Machine
	k      int // the budget K
	a, b   lwkt.Token
	f, g   lwkt.Funnel
	v, w   sim.Var[int] // guarded by a, by b
	ready  bool         // guarded by a
	key    byte
	ctx    context.Context
	cancel func(td *lwkt.Thread)
}

func newWorded(m *sim.Machine, k int) *worded {
	s := &worded{m: m, k: k}
	m.Share(s)
	s.ctx, s.cancel = m.WithCancel(context.Background())
	return s
}

// forget says that what the thread has seen is of no consequence any more, but for what is named.
func forget(live ...uint64) { hw.Memory{}.Forget(live...) }

func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// start adds the threads, and what must hold when they have ended.
func (s *worded) start(p program) {
	for i, f := range p {
		s.m.Go(fmt.Sprintf("t%d", i+1), func(td *lwkt.Thread) {
			f(s, td)
			n := td.Stats().MaxOvertaken // of a wait for one token or two
			s.m.Assert(n <= uint64(3*s.k), "%s was overtaken %d times with K=%d", td.Name(), n, s.k)
		})
	}
	s.m.Finally(func() {
		lwkt.Run("free", func(td *lwkt.Thread) {
			ok := lwkt.TryAcquireAll(td, &s.a, &s.b)
			if ok {
				lwkt.ReleaseAll(td, &s.a, &s.b)
			}
			s.m.Assert(ok, "a token is not free at the end, or reserved for somebody")
		})
	})
}

// alone is a section with a held exclusively.
func (s *worded) alone(td *lwkt.Thread, v *sim.Var[int]) {
	me := 1 + v.Value()
	v.Store(td, me)
	s.m.Assert(v.Load(td) == me, "%s is not alone", td.Name())
	forget()
}

// reads is a section with a held shared.
func (s *worded) reads(td *lwkt.Thread, v *sim.Var[int]) {
	n := v.Load(td)
	s.m.Assert(v.Load(td) == n, "%s reads while another one writes", td.Name())
}

func (s *worded) exclusive(td *lwkt.Thread) {
	s.a.Acquire(td)
	forget()
	s.alone(td, &s.v)
	s.a.Release(td)
	forget()
}

func (s *worded) shared(td *lwkt.Thread) {
	s.a.AcquireShared(td)
	forget()
	s.reads(td, &s.v)
	forget()
	s.a.Release(td)
	forget()
}

func (s *worded) ab(td *lwkt.Thread) { s.nested(td, &s.a, &s.b, &s.v, &s.w) }
func (s *worded) ba(td *lwkt.Thread) { s.nested(td, &s.b, &s.a, &s.w, &s.v) }

func (s *worded) nested(td *lwkt.Thread, a, b *lwkt.Token, v, w *sim.Var[int]) {
	a.Acquire(td)
	n := v.Value()
	forget(uint64(n))
	if changed := b.Acquire(td); !changed {
		s.m.Assert(v.Load(td) == n, "%s was not told of a change", td.Name())
	}
	forget()
	s.alone(td, v)
	s.alone(td, w)
	b.Release(td)
	forget()
	a.Release(td)
	forget()
}

func (s *worded) both(td *lwkt.Thread) {
	lwkt.AcquireAll(td, &s.a, &s.b)
	forget()
	s.alone(td, &s.v)
	s.alone(td, &s.w)
	lwkt.ReleaseAll(td, &s.a, &s.b)
	forget()
}

func (s *worded) upgrades(td *lwkt.Thread) {
	s.a.AcquireShared(td)
	n := s.v.Load(td)
	forget(uint64(n))
	if changed := s.a.Acquire(td); !changed {
		s.m.Assert(s.v.Load(td) == n, "%s was not told of a change", td.Name())
	}
	forget()
	s.alone(td, &s.v)
	s.a.Release(td)
	forget()
	s.a.Release(td)
	forget()
}

// downgrades holds the token shared from the moment when it gives up the exclusive hold.
func (s *worded) downgrades(td *lwkt.Thread) {
	s.a.AcquireShared(td)
	forget()
	s.a.Acquire(td)
	forget()
	s.alone(td, &s.v)
	n := s.v.Value()
	s.a.Release(td)
	forget(uint64(n))
	s.m.Assert(s.v.Load(td) == n, "there was a gap in the downgrade of %s", td.Name())
	forget()
	s.a.Release(td)
	forget()
}

func (s *worded) blocks(td *lwkt.Thread) {
	s.a.Acquire(td)
	n := s.v.Value()
	forget(uint64(n))
	changed := td.Block(func() {})
	forget(uint64(n), truth(changed))
	if !changed {
		s.m.Assert(s.v.Load(td) == n, "%s was not told of a change", td.Name())
	}
	s.alone(td, &s.v)
	s.a.Release(td)
	forget()
}

func (s *worded) sleeps(td *lwkt.Thread) {
	s.a.Acquire(td)
	forget()
	for !s.ready {
		td.Sleep(&s.key, 0)
		forget()
	}
	s.alone(td, &s.v)
	s.a.Release(td)
	forget()
}

func (s *worded) wakes(td *lwkt.Thread) {
	s.a.Acquire(td)
	forget()
	s.ready = true
	td.Wakeup(&s.key)
	forget()
	s.alone(td, &s.v)
	s.a.Release(td)
	forget()
}

func (s *worded) tries(td *lwkt.Thread) {
	s.b.AcquireShared(td)
	forget()
	if s.a.TryAcquire(td) {
		forget()
		s.alone(td, &s.v)
		s.a.Release(td)
	}
	forget()
	s.b.Release(td)
	forget()
}

func (s *worded) tryOnce(td *lwkt.Thread) {
	if s.a.TryAcquire(td) {
		forget()
		s.alone(td, &s.v)
		s.a.Release(td)
	}
	forget()
}

func (s *worded) tryShared(td *lwkt.Thread) {
	if s.a.TryAcquireShared(td) {
		forget()
		s.reads(td, &s.v)
		forget()
		s.a.Release(td)
	}
	forget()
}

func (s *worded) cancels(td *lwkt.Thread) { s.cancel(td) }

func (s *worded) holdsAndCancels(td *lwkt.Thread) {
	s.a.Acquire(td)
	s.cancel(td)
	s.alone(td, &s.v)
	s.a.Release(td)
}

// gives acquires b and, until it is cancelled, a.
func (s *worded) gives(td *lwkt.Thread) {
	s.b.Acquire(td)
	_, err := s.a.AcquireContext(s.ctx, td)
	s.alone(td, &s.w)
	if err == nil {
		s.alone(td, &s.v)
		s.a.Release(td)
	} else {
		s.m.Assert(s.a.Held(td) == lwkt.None, "%s holds what it gave up", td.Name())
	}
	s.b.Release(td)
}

// program is what each thread does.
type program []func(s *worded, td *lwkt.Thread)

// wordPrograms are the programs. Of those with two threads, and the small ones with three,
// all traces are run.
var wordPrograms = []struct {
	name    string
	small   bool
	threads program
}{
	{"exclusive", true, program{(*worded).exclusive, (*worded).exclusive}},
	{"exclusive", true, program{(*worded).exclusive, (*worded).exclusive, (*worded).exclusive}},
	{"shared", true, program{(*worded).exclusive, (*worded).shared}},
	{"shared", true, program{(*worded).exclusive, (*worded).shared, (*worded).shared}},
	{"opposite order", true, program{(*worded).ab, (*worded).ba}},
	{"opposite order", true, program{(*worded).ab, (*worded).ba, (*worded).exclusive}},
	{"AcquireAll", true, program{(*worded).both, (*worded).both}},
	{"AcquireAll", false, program{(*worded).both, (*worded).both, (*worded).exclusive}},
	{"cancel", true, program{(*worded).gives, (*worded).holdsAndCancels}},
	{"cancel", true, program{(*worded).gives, (*worded).exclusive, (*worded).cancels}},
	{"upgrade beside a share", true, program{(*worded).upgrades, (*worded).shared}},
	{"upgrade", true, program{(*worded).upgrades, (*worded).upgrades}},
	{"upgrade", false, program{(*worded).upgrades, (*worded).upgrades, (*worded).shared}},
	{"downgrade", true, program{(*worded).downgrades, (*worded).exclusive}},
	{"downgrade", true, program{(*worded).downgrades, (*worded).exclusive, (*worded).shared}},
	{"sleep", true, program{(*worded).sleeps, (*worded).wakes}},
	{"sleep", false, program{(*worded).sleeps, (*worded).sleeps, (*worded).wakes}},
	{"block", true, program{(*worded).blocks, (*worded).exclusive}},
	{"block", false, program{(*worded).blocks, (*worded).blocks, (*worded).exclusive}},
	{"try with a share of another", true, program{(*worded).tries, (*worded).exclusive}},
	{"try with a share of another", true, program{(*worded).tries, (*worded).tries, (*worded).exclusive}},
	{"try", true, program{(*worded).exclusive, (*worded).tryOnce, (*worded).tryOnce}},
	{"try shared", true, program{(*worded).exclusive, (*worded).tryShared, (*worded).tryShared}},
}

var wordBudget = flag.Duration("words.budget", 500*time.Millisecond, "how long to try for all of a program that is not small, before its preemptions are bounded")

// exploreWords runs all traces of a program of two threads, and goes through all states of one of three, which
// is for processors where those are recognized; or where that takes longer than the budget, and the program is
// not a small one, runs all schedules with few preemptions.
func exploreWords(t *testing.T, run func(m *sim.Machine), threads int, small bool, preemptions int, budget time.Duration) {
	t.Helper()
	strategy := explore.DPOR()
	if threads > 2 && sim.HasStates {
		strategy = explore.States()
	}
	if small = small && (threads == 2 || sim.HasStates); small {
		budget = 10 * time.Minute // of a machine that does much else
	}
	r := explore.Run(run, explore.Words(), strategy, explore.Budget(budget))
	t.Logf("%v, %v", &r, r.Elapsed.Round(time.Millisecond))
	if r.OK() && !r.Exhaustive && !small {
		r = explore.Run(run, explore.Words(), explore.Preempt(preemptions), explore.Budget(time.Minute))
		t.Logf("%v, %v", &r, r.Elapsed.Round(time.Millisecond))
	} else if !r.Exhaustive {
		t.Error("not exhaustive")
	}
	if !r.OK() {
		t.Error("failed")
	}
}

// TestWords explores each program with a budget K that hands the token over, and with a
// small one that lets others barge first.
func TestWords(t *testing.T) {
	for _, p := range wordPrograms {
		for _, k := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s, %d threads, K=%d", p.name, len(p.threads), k), func(t *testing.T) {
				old := lwkt.SetBypass(k)
				defer lwkt.SetBypass(old)
				run := func(m *sim.Machine) { newWorded(m, k).start(p.threads) }
				budget := *wordBudget
				if k == 0 && (p.name == "upgrade" || p.name == "sleep") {
					budget = max(budget, 40*time.Second) // it takes some fifteen
				}
				exploreWords(t, run, len(p.threads), p.small, 2, budget)
			})
		}
	}
}
