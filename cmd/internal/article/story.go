// story.go: the two threads of the example, as a program for the simulated machine.
//
// A walks along a list that T1 guards, and on its way needs what T2 guards. B has T2, and wants the list. Nobody waits while holding a
// token: when A has to wait for T2 it gives up T1, B takes out the very element that A has come to, and A goes on with both tokens
// and an iterator from before. What is asserted is what a user would want: that A does not go on at an element that was freed.
//
// The three variants differ in what A does about it. What a thread tells is what it sees at that moment; none of it is known
// beforehand.

package article

import (
	"fmt"
	"sync"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// A variant is what A does about its iterator.
type variant int

const (
	keeps   variant = iota // goes on with the one it has
	rereads                // reads it again if Acquire says that a token changed hands
	asks                   // takes both tokens at the start, so that there is no wait in between
)

func (v variant) String() string {
	return [...]string{"keeps its iterator", "reads it again", "asks for both at the start"}[v]
}

// A step is a line of the table.
type step struct {
	thread   int // 0 is A, 1 is B
	code     string
	happened string
}

// A story is what was told in one run.
type story struct {
	mu    sync.Mutex // never contended: one thread runs at a time
	steps []step     // (mu)
}

func (s *story) tell(thread int, code, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = append(s.steps, step{thread, code, fmt.Sprintf(format, args...)})
}

// An element of the list.
type element struct {
	key   int
	next  *element
	freed bool
}

// seek is the first element with this key or a greater one.
func seek(list *element, key int) *element {
	at := list
	for at != nil && at.key < key {
		at = at.next
	}
	return at
}

func name(e *element) string {
	if e == nil {
		return "the end"
	}
	return fmt.Sprintf("element %d", e.key)
}

// program is the example. The tokens guard: T1 the list, T2 the place that A copies to.
func program(v variant, s *story) func(m *sim.Machine) {
	return func(m *sim.Machine) {
		t1, t2 := lwkt.NewToken("T1"), lwkt.NewToken("T2")
		list := &element{key: 1, next: &element{key: 2, next: &element{key: 3}}}
		var t2busy, walking shown
		m.Go("A", func(td *lwkt.Thread) {
			if v == asks {
				lwkt.AcquireAll(td, t1, t2)
			} else {
				t1.Acquire(td)
			}
			s.tell(0, "T1.Acquire(td)", "A has T1, which guards the list")
			walking.set(true)
			it := list.next
			s.tell(0, "it := list.next", "A walks along the list; its iterator points to %s", name(it))
			if v != asks {
				if t2busy.get() {
					s.tell(0, "T2.Acquire(td)", "T2 is B's: A waits for it, and gives up T1 meanwhile")
				}
				changed := t2.Acquire(td)
				s.tell(0, fmt.Sprintf("... returns %v", changed), "A has T1 and T2, both at once; changed is %v, and it points to %s", changed, condition(it))
				if changed && v == rereads {
					it = seek(list, it.key)
					s.tell(0, "it = seek(list, 2)", "so A reads its iterator again, which points to %s now", condition(it))
				}
			}
			m.Assert(it == nil || !it.freed, "A goes on at %s, which was freed", name(it))
			s.tell(0, "copy(it)", "A copies %s", name(it))
			walking.set(false)
			lwkt.ReleaseAll(td, t1, t2)
		})
		m.Go("B", func(td *lwkt.Thread) {
			t2.Acquire(td)
			t2busy.set(true)
			s.tell(1, "T2.Acquire(td)", "B has T2")
			t1.Acquire(td)
			if walking.get() {
				s.tell(1, "T1.Acquire(td)", "B gets T1, although A has not released it")
			} else {
				s.tell(1, "T1.Acquire(td)", "B gets T1")
			}
			gone := list.next
			list.next, gone.freed = gone.next, true
			s.tell(1, "remove(list.next)", "B takes %s out and frees it", name(gone))
			t2busy.set(false)
			lwkt.ReleaseAll(td, t1, t2)
			s.tell(1, "ReleaseAll(td, T1, T2)", "B gives both back")
		})
	}
}

func condition(e *element) string {
	if e != nil && e.freed {
		return name(e) + ", freed"
	}
	return name(e)
}

// shown is a mark for the story, which no thread goes by.
type shown struct {
	mu sync.Mutex
	on bool // (mu)
}

func (s *shown) set(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on = on
}

func (s *shown) get() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.on
}

// script goes on with the threads that it lists, then with the first that can.
type script struct{ order []int }

// Choose follows the list where that is possible.
func (s *script) Choose(p *sim.Point) int {
	for len(s.order) > 0 {
		next := s.order[0]
		s.order = s.order[1:]
		for i := range p.Enabled {
			if p.Enabled[i].Thread == next {
				return i
			}
		}
	}
	return 0
}

// play runs the example in the order of the article: B takes T2, A takes T1 and asks for T2, B does all that it has to, A goes on.
func play(v variant) ([]step, error) {
	var s story
	m := sim.New(sim.Options{})
	program(v, &s)(m)
	r := m.Run(&script{[]int{1, 0, 0, 1, 1, 1, 0}})
	if r.Err != nil && r.Outcome != sim.AssertFailed {
		return nil, r.Err
	}
	return s.steps, nil
}
