package cases

import (
	"strconv"
	"sync"
	"testing"
)

// A ring has five locks, to be taken in pairs.
type ring struct {
	a, b, c, d, e sync.Mutex
}

// pair takes the lock with this number and then its neighbour, in a ring of n.
func (r *ring) pair(n, i int) {
	first, second := i%n, (i+1)%n
	r.lock(first)
	r.lock(second)
	r.unlock(second)
	r.unlock(first)
}

func (r *ring) lock(i int) {
	switch i {
	case 0:
		r.a.Lock()
	case 1:
		r.b.Lock()
	case 2:
		r.c.Lock()
	case 3:
		r.d.Lock()
	case 4:
		r.e.Lock()
	}
}

func (r *ring) unlock(i int) { [...]*sync.Mutex{&r.a, &r.b, &r.c, &r.d, &r.e}[i].Unlock() }

// numbers reads the name of a subtest, "3/1": the size of the ring, and the pair that comes last.
func numbers(t *testing.T, run func(n, last int)) {
	for n := 2; n <= 5; n++ {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			for last := range n {
				t.Run(strconv.Itoa(last), func(t *testing.T) { run(n, last) })
			}
		})
	}
}

// A ring of 2 to 5 locks, closed at any of its pairs.
//
// sub: 2/0 2/1 3/0 3/1 3/2 4/0 4/1 4/2 4/3 5/0 5/1 5/2 5/3 5/4
// want: likely order
func TestRing(t *testing.T) {
	numbers(t, func(n, last int) {
		var r ring
		for i := range n {
			apart(func() { r.pair(n, last+1+i) })
		}
	})
}

// The same before the last pair.
//
// sub: 2/0 2/1 3/0 3/1 3/2 4/0 4/1 4/2 4/3 5/0 5/1 5/2 5/3 5/4
func TestRingOpen(t *testing.T) {
	numbers(t, func(n, last int) {
		var r ring
		for i := range n - 1 {
			apart(func() { r.pair(n, last+1+i) })
		}
	})
}

// The same with other locks of the same classes for every pair.
//
// sub: 2/0 2/1 3/0 3/1 3/2 4/0 4/1 4/2 4/3 5/0 5/1 5/2 5/3 5/4
// want: possible order
func TestRingOfClasses(t *testing.T) {
	numbers(t, func(n, last int) {
		for i := range n {
			var r ring
			apart(func() { r.pair(n, last+1+i) })
		}
	})
}

// The same with other locks, before the last pair.
//
// sub: 2/0 3/1 4/2 5/3
func TestRingOfClassesOpen(t *testing.T) {
	numbers(t, func(n, last int) {
		for i := range n - 1 {
			var r ring
			apart(func() { r.pair(n, last+1+i) })
		}
	})
}

// Two locks in both orders.
//
// want: likely order a -> b -> a
func TestBothOrders(t *testing.T) {
	var a, b sync.Mutex
	apart(func() {
		a.Lock()
		b.Lock()
		b.Unlock()
		a.Unlock()
	}, func() {
		b.Lock()
		a.Lock()
		a.Unlock()
		b.Unlock()
	})
}

// One order, many times.
func TestOneOrder(t *testing.T) {
	var a, b sync.Mutex
	for range 10 {
		apart(func() {
			a.Lock()
			b.Lock()
			b.Unlock()
			a.Unlock()
		})
	}
}

// Both orders, but one goroutine does both: they cannot meet in this run.
//
// want: possible order a -> b -> a
func TestBothOrdersOneGoroutine(t *testing.T) {
	var a, b sync.Mutex
	a.Lock()
	b.Lock()
	b.Unlock()
	a.Unlock()
	b.Lock()
	a.Lock()
	a.Unlock()
	b.Unlock()
}

// Both orders, and between them a WaitGroup: they cannot meet in this run.
//
// want: possible order a -> b -> a
func TestBothOrdersJoined(t *testing.T) {
	var a, b sync.Mutex
	for i := range 2 {
		var wg sync.WaitGroup
		wg.Go(func() {
			if i == 0 {
				a.Lock()
				b.Lock()
				b.Unlock()
				a.Unlock()
			} else {
				b.Lock()
				a.Lock()
				a.Unlock()
				b.Unlock()
			}
		})
		wg.Wait()
	}
}

// What was done before a goroutine was started is over: a constructor may take locks as it likes.
func TestBeforeTheStart(t *testing.T) {
	var a, b sync.Mutex
	a.Lock()
	b.Lock()
	b.Unlock()
	a.Unlock()
	apart(func() {
		b.Lock()
		a.Lock()
		a.Unlock()
		b.Unlock()
	})
}

// The order is right although the locks are released in the other one.
func TestReleaseOrder(t *testing.T) {
	var a, b sync.Mutex
	for range 2 {
		apart(func() {
			a.Lock()
			b.Lock()
			a.Unlock()
			b.Unlock()
		})
	}
}

// Three locks held at once, and the first and the last in the other order.
//
// want: likely order a -> c -> a
func TestOverTwo(t *testing.T) {
	var a, b, c sync.Mutex
	apart(func() {
		a.Lock()
		b.Lock()
		c.Lock()
		c.Unlock()
		b.Unlock()
		a.Unlock()
	}, func() {
		c.Lock()
		a.Lock()
		a.Unlock()
		c.Unlock()
	})
}

// Hand over hand through a list: each node is locked before the one before it is released.
func TestHandOverHand(t *testing.T) {
	type node struct {
		mu   sync.Mutex
		next *node
	}
	head := &node{next: &node{next: &node{}}}
	for range 2 {
		apart(func() {
			head.mu.Lock()
			for n := head; n != nil; n = n.next {
				if n.next != nil {
					n.next.mu.Lock()
				}
				n.mu.Unlock()
			}
		})
	}
}

// Parent before child, both of one class.
func TestParentAndChild(t *testing.T) {
	type node struct {
		mu    sync.Mutex
		child *node
	}
	for range 3 {
		n := &node{child: &node{}}
		apart(func() {
			n.mu.Lock()
			n.child.mu.Lock()
			n.child.mu.Unlock()
			n.mu.Unlock()
		})
	}
}

// Two accounts of one class, in both orders.
//
// want: likely order account.mu -> account.mu -> account.mu
func TestTransfer(t *testing.T) {
	type account struct {
		mu sync.Mutex
	}
	transfer := func(from, to *account) {
		from.mu.Lock()
		to.mu.Lock()
		to.mu.Unlock()
		from.mu.Unlock()
	}
	x, y := new(account), new(account)
	apart(func() { transfer(x, y) }, func() { transfer(y, x) })
}

// Many philosophers with forks of one class: a ring of instances.
//
// want: likely order fork.mu -> fork.mu -> fork.mu -> fork.mu -> fork.mu -> fork.mu
func TestPhilosophers(t *testing.T) {
	type fork struct{ mu sync.Mutex }
	var forks [5]fork
	for i := range forks {
		apart(func() {
			left, right := &forks[i], &forks[(i+1)%len(forks)]
			left.mu.Lock()
			right.mu.Lock()
			right.mu.Unlock()
			left.mu.Unlock()
		})
	}
}

// An order that was seen long ago still counts after many others.
//
// want: likely order a -> b -> a
func TestSeenLongAgo(t *testing.T) {
	var a, b sync.Mutex
	apart(func() {
		a.Lock()
		b.Lock()
		b.Unlock()
		a.Unlock()
	})
	apart(func() {
		for range 70_000 {
			var c, d sync.Mutex
			c.Lock()
			d.Lock()
			d.Unlock()
			c.Unlock()
		}
	})
	apart(func() {
		b.Lock()
		a.Lock()
		a.Unlock()
		b.Unlock()
	})
}

// The same mistake a hundred times is told once.
//
// want: likely order a -> b -> a
func TestOnlyOnce(t *testing.T) {
	var a, b sync.Mutex
	for range 100 {
		apart(func() {
			a.Lock()
			b.Lock()
			b.Unlock()
			a.Unlock()
		}, func() {
			b.Lock()
			a.Lock()
			a.Unlock()
			b.Unlock()
		})
	}
}

// Two mistakes are two reports.
//
// want: likely order a -> b -> a
// want: likely order c -> d -> c
func TestTwoMistakes(t *testing.T) {
	var a, b, c, d sync.Mutex
	apart(func() {
		a.Lock()
		b.Lock()
		b.Unlock()
		a.Unlock()
		c.Lock()
		d.Lock()
		d.Unlock()
		c.Unlock()
	}, func() {
		b.Lock()
		a.Lock()
		a.Unlock()
		b.Unlock()
		d.Lock()
		c.Lock()
		c.Unlock()
		d.Unlock()
	})
}

// Both orders under an outer lock that everybody takes first.
func TestGate(t *testing.T) {
	var gate, a, b sync.Mutex
	apart(func() {
		gate.Lock()
		a.Lock()
		b.Lock()
		b.Unlock()
		a.Unlock()
		gate.Unlock()
	}, func() {
		gate.Lock()
		b.Lock()
		a.Lock()
		a.Unlock()
		b.Unlock()
		gate.Unlock()
	})
}

// An outer lock that is released too early guards nothing.
//
// want: likely order a -> b -> a
func TestGateReleasedEarly(t *testing.T) {
	var gate, a, b sync.Mutex
	apart(func() {
		gate.Lock()
		a.Lock()
		gate.Unlock()
		b.Lock()
		b.Unlock()
		a.Unlock()
	}, func() {
		gate.Lock()
		b.Lock()
		gate.Unlock()
		a.Lock()
		a.Unlock()
		b.Unlock()
	})
}

// Two different outer locks guard nothing.
//
// want: likely order a -> b -> a
func TestTwoGates(t *testing.T) {
	var one, two, a, b sync.Mutex
	apart(func() {
		one.Lock()
		a.Lock()
		b.Lock()
		b.Unlock()
		a.Unlock()
		one.Unlock()
	}, func() {
		two.Lock()
		b.Lock()
		a.Lock()
		a.Unlock()
		b.Unlock()
		two.Unlock()
	})
}

// An outer lock that readers share guards nothing.
//
// want: likely order a -> b -> a
func TestSharedGate(t *testing.T) {
	var gate sync.RWMutex
	var a, b sync.Mutex
	apart(func() {
		gate.RLock()
		a.Lock()
		b.Lock()
		b.Unlock()
		a.Unlock()
		gate.RUnlock()
	}, func() {
		gate.RLock()
		b.Lock()
		a.Lock()
		a.Unlock()
		b.Unlock()
		gate.RUnlock()
	})
}
