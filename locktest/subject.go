package locktest

// What is tested, and the order in which: a subject says what its lock promises, a suite
// says what it needs, and Run brings them together.

import (
	"fmt"
	"testing"

	"github.com/serializing-tokens/lwkt"
)

// Part is something that not all locks promise.
type Part uint32

// The parts.
const (
	Recursive       Part = 1 << iota // a thread may take it exclusively again
	SharedRecursive                  // a thread may share it again, also if another one waits for it
	Checked                          // wrong uses panic with a *lwkt.Misuse and change nothing
	Found                            // so does the end of a thread that holds it, which is released then
	GivesTokensUp                    // to wait for it gives up tokens, takes them back, and tells
	KeptAsleep                       // it stays with a thread that is in td.Block
	DroppedAsleep                    // it does not, and comes back
	ServesWriters                    // whatever others do, who waits for it exclusively gets it
	ServesReaders                    // or shared

	// What can be seen from the functions that a lock has.
	sharing
	trying
	cancelling
	lockers
	upgrading
	downgrading
)

// parts finds what functions a lock has.
func (k *Lock) parts() (has Part) {
	x, s := &k.Exclusive, &k.Shared
	for _, p := range []struct {
		part Part
		has  bool
	}{
		{sharing, s.Lock != nil},
		{trying, x.TryLock != nil && (s.Lock == nil || s.TryLock != nil)},
		{cancelling, x.LockContext != nil && (s.Lock == nil || s.LockContext != nil)},
		{lockers, x.Locker != nil && (s.Lock == nil || s.Locker != nil)},
		{upgrading, k.TryUpgrade != nil},
		{downgrading, k.Downgrade != nil},
	} {
		if p.has {
			has |= p.part
		}
	}
	return has
}

// Subject is a kind of lock.
type Subject struct {
	Name string      // for messages
	New  func() Lock // returns a lock that nobody has used, as a rule its zero value
	Has  Part        // what it promises beside what its functions show
	// Bound is how often one that waits may be overtaken where that can be counted,
	// with some slack, since the count begins before the wait; 0 stands for 1000.
	Bound int
}

// Suite is one thing that locks have in common.
type Suite struct {
	Name string // what subtests are called

	needs, lacks Part // what a subject must have for it, and must not have
	// sampled says that to enumerate schedules is no use: there are endlessly many, or
	// they differ in what only package context sees.
	sampled bool
	allocs  bool // it measures memory
	body    func(b *bench)
}

// Suites returns all suites.
func Suites() (all []Suite) {
	for _, some := range [][]Suite{exclusionSuites, sharingSuites, changeSuites, waitingSuites, threadSuites} {
		all = append(all, some...)
	}
	return all
}

// lacks says what a subject must have and has not.
func (s *Subject) lacks() error {
	if s.New == nil {
		return fmt.Errorf("locktest: the subject %q has no New", s.Name)
	}
	k := s.New()
	for _, f := range []struct {
		missing bool
		name    string
	}{
		{k.Exclusive.Lock == nil, "Exclusive.Lock"}, {k.Exclusive.Unlock == nil, "Exclusive.Unlock"},
		{k.Shared.Lock != nil && k.Shared.Unlock == nil, "Shared.Unlock"},
	} {
		if f.missing {
			return fmt.Errorf("locktest: the Lock that New of the subject %q returns has no %s", s.Name, f.name)
		}
	}
	return nil
}

// Fits says whether the suite is for the subject and says anything on the host.
func (c *Suite) Fits(h Host, s Subject) bool {
	size, k := h.Size(), s.New()
	has := s.Has | k.parts()
	return has&c.needs == c.needs && has&c.lacks == 0 && !(c.sampled && size.Finite) && !(c.allocs && !size.Allocs)
}

// Check runs the suite, and returns what is wrong with the subject. It does not hang.
func (c *Suite) Check(h Host, s Subject) error {
	err := s.lacks()
	if err != nil {
		return err
	}
	err = h.Run(func(m Machine) {
		c.body(&bench{Machine: m, Lock: s.New(), Size: h.Size(), s: s, inside: m.Var(), count: m.Var()})
	})
	if err != nil {
		return fmt.Errorf("locktest: %s fails the suite %q: %w", s.Name, c.Name, err)
	}
	return nil
}

// Run runs every suite that fits as a subtest.
func Run(t *testing.T, h Host, s Subject) {
	t.Helper()
	if err := s.lacks(); err != nil {
		t.Fatal(err)
	}
	for _, c := range Suites() {
		if c.Fits(h, s) {
			t.Run(c.Name, func(t *testing.T) {
				if err := c.Check(h, s); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// bench is what a body has at hand: a machine, a new lock, and a section for one.
type bench struct {
	Machine
	Lock
	Size
	s Subject

	inside Var // who is in the section, or 0
	count  Var // of those who were
}

// threads starts n threads, each with its number.
func (b *bench) threads(n int, name string, f func(td *lwkt.Thread, i int)) {
	for i := range n {
		b.Go(fmt.Sprint(name, " ", i+1), func(td *lwkt.Thread) { f(td, i) })
	}
}

// want fails with the text unless ok.
func (b *bench) want(ok bool, format string, args ...any) {
	if !ok {
		b.Fail(fmt.Sprintf(format, args...))
	}
}

// alone is a section for one thread at a time. me is not 0.
func (b *bench) alone(td *lwkt.Thread, me int) {
	b.empty(td)
	b.inside.Store(td, me)
	n := b.count.Load(td)
	b.linger(n)
	b.count.Store(td, n+1)
	in := b.inside.Load(td)
	b.want(in == me, "thread %d was let in while thread %d was inside", in, me)
	b.inside.Store(td, 0)
}

// empty wants nobody in the section.
func (b *bench) empty(td *lwkt.Thread) {
	in := b.inside.Load(td)
	b.want(in == 0, "let in while thread %d was inside", in)
}

// linger lets others run now and then, where they are not let anyway.
func (b *bench) linger(n int) {
	if !b.Finite && n%4 == 0 {
		b.Yield()
	}
}

// counts has the sections counted in the end, of which each thread has noted its own.
func (b *bench) counts(done []int) {
	b.Finally(func() {
		n := 0
		for _, d := range done {
			n += d
		}
		b.want(b.count.Value() == n, "%d sections left a count of %d", n, b.count.Value())
	})
}

// modes calls f for each mode of the lock.
func (b *bench) modes(f func(name string, m Mode)) {
	f("exclusive", b.Exclusive)
	if b.Shared.Lock != nil {
		f("shared", b.Shared)
	}
}

// vars makes several.
func (b *bench) vars(n int) []Var {
	v := make([]Var, n)
	for i := range v {
		v[i] = b.Var()
	}
	return v
}

// meet says that the thread with a number has come, and waits for all that v is for.
func (b *bench) meet(td *lwkt.Thread, v []Var, i int, what string) {
	v[i].Store(td, 1)
	b.Until(what, func() bool { return all(v) })
}

// all is for Until.
func all(v []Var) bool {
	for _, v := range v {
		if v.Value() == 0 {
			return false
		}
	}
	return true
}

// phase is how threads take turns: one reaches a number that others await.
type phase struct {
	b *bench
	v Var
}

func (b *bench) phase() phase { return phase{b, b.Var()} }

func (p phase) reach(td *lwkt.Thread, n int) { p.v.Store(td, n) }

func (p phase) await(n int, what string) {
	p.b.Until(what, func() bool { return p.v.Value() >= n })
}
