package cases

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A condition variable, as it should be.
func TestCond(t *testing.T) {
	var mu sync.Mutex
	ready := false
	c := sync.NewCond(&mu)
	var wg sync.WaitGroup
	wg.Go(func() {
		mu.Lock()
		for !ready {
			c.Wait()
		}
		mu.Unlock()
	})
	mu.Lock()
	ready = true
	c.Broadcast()
	mu.Unlock()
	wg.Wait()
}

// A wait on a condition with a second lock held.
//
// want: possible cond c, other
func TestCondWithSecondLock(t *testing.T) {
	var mu, other sync.Mutex
	ready := false
	c := sync.NewCond(&mu)
	var wg sync.WaitGroup
	wg.Go(func() {
		other.Lock()
		mu.Lock()
		for !ready {
			c.Wait()
		}
		mu.Unlock()
		other.Unlock()
	})
	quiet()
	mu.Lock()
	ready = true
	c.Signal()
	mu.Unlock()
	wg.Wait()
}

// The same, and whoever wakes took that lock on its way.
//
// want: likely cond c, other
func TestCondWakerNeedsLock(t *testing.T) {
	var mu, other sync.Mutex
	ready := false
	c := sync.NewCond(&mu)
	wake := func() {
		mu.Lock()
		ready = true
		c.Broadcast()
		mu.Unlock()
	}
	wait := func() {
		other.Lock()
		mu.Lock()
		for !ready {
			c.Wait()
		}
		mu.Unlock()
		other.Unlock()
	}
	apart(func() { other.Lock(); wake(); other.Unlock() })
	ready = false
	apart(func() { go wait(); quiet(); wake() })
}

// The same, and the one that waits was first.
//
// want: certain cond c, other
func TestCondWakerHangs(t *testing.T) {
	apart(func() {
		var mu, other sync.Mutex
		c := sync.NewCond(&mu)
		ready := false
		go func() {
			other.Lock()
			mu.Lock()
			for !ready {
				c.Wait()
			}
			mu.Unlock()
			other.Unlock()
		}()
		quiet()
		go func() {
			other.Lock()
			mu.Lock()
			ready = true
			c.Signal()
			mu.Unlock()
			other.Unlock()
		}()
		quiet()
	})
}

// Whoever wakes holds the interlock only, or locks that nobody waits with.
func TestCondWakerNeedsOthers(t *testing.T) {
	var mu, other sync.Mutex
	ready := false
	c := sync.NewCond(&mu)
	var wg sync.WaitGroup
	wg.Go(func() {
		mu.Lock()
		for !ready {
			c.Wait()
		}
		mu.Unlock()
	})
	quiet()
	other.Lock()
	mu.Lock()
	ready = true
	c.Signal()
	mu.Unlock()
	other.Unlock()
	wg.Wait()
}

// The interlock is taken first and the second lock after it: when the wait is over it is the other way round.
//
// want: possible cond c, other
// want: possible order mu -> other -> mu
func TestCondSecondLockInside(t *testing.T) {
	var mu, other sync.Mutex
	ready := false
	c := sync.NewCond(&mu)
	var wg sync.WaitGroup
	wg.Go(func() {
		mu.Lock()
		other.Lock()
		for !ready {
			c.Wait()
		}
		other.Unlock()
		mu.Unlock()
	})
	quiet()
	mu.Lock()
	ready = true
	c.Signal()
	mu.Unlock()
	wg.Wait()
}

// A condition variable of readers.
func TestCondOfReaders(t *testing.T) {
	var rw sync.RWMutex
	ready := false
	c := sync.NewCond(rw.RLocker())
	var wg sync.WaitGroup
	wg.Go(func() {
		c.L.Lock()
		for !ready {
			c.Wait()
		}
		c.L.Unlock()
	})
	quiet()
	rw.Lock()
	ready = true
	rw.Unlock()
	c.Broadcast()
	wg.Wait()
}

// A mutex held while goroutines are waited for that do not need it.
func TestWaitGroupWithLock(t *testing.T) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	mu.Lock()
	wg.Go(func() {})
	wg.Wait()
	mu.Unlock()
}

// A mutex held while goroutines are waited for that need it.
//
// want: certain deadlock wg -> mu -> wg
func TestWaitGroupNeedsLock(t *testing.T) {
	stuck(func() {
		var mu sync.Mutex
		var wg sync.WaitGroup
		mu.Lock()
		wg.Go(func() {
			mu.Lock()
			mu.Unlock() //lint:ignore SA2001 never
		})
		wg.Wait()
		mu.Unlock()
	})
}

// A Once that takes a lock, and another one of its class that is asked for with that lock held.
//
// want: possible order lazy.once -> mu -> lazy.once
func TestOnceAndLock(t *testing.T) {
	var mu sync.Mutex
	type lazy struct{ once sync.Once }
	l, other := new(lazy), new(lazy)
	apart(
		func() { l.once.Do(func() { mu.Lock(); mu.Unlock() }) },
		func() {
			mu.Lock()
			other.once.Do(func() {})
			mu.Unlock()
		})
}

// A Once that is done orders nothing.
func TestOnceDone(t *testing.T) {
	var mu sync.Mutex
	var once sync.Once
	apart(
		func() { once.Do(func() { mu.Lock(); mu.Unlock() }) },
		func() {
			mu.Lock()
			once.Do(func() {})
			mu.Unlock()
		})
}

// Values made once.
func TestOnceValue(t *testing.T) {
	f := sync.OnceValue(func() int { return 1 })
	g := sync.OnceValue(func() int { return f() + 1 })
	for range 2 {
		apart(func() { g() }, func() { f() })
	}
}

// A pool, a map: nothing to report.
func TestPoolAndMap(t *testing.T) {
	var mu sync.Mutex
	pool := sync.Pool{New: func() any { mu.Lock(); defer mu.Unlock(); return new(int) }}
	var m sync.Map
	apart(func() {
		x := pool.Get()
		m.Store(1, x)
		pool.Put(x)
	}, func() {
		mu.Lock()
		m.Load(1)
		mu.Unlock()
	})
}

// In a bubble of synctest, with time that is not real.
//
// want: likely order a -> b -> a
func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a, b sync.Mutex
		go func() {
			a.Lock()
			time.Sleep(time.Hour)
			b.Lock()
			b.Unlock()
			a.Unlock()
		}()
		go func() {
			time.Sleep(2 * time.Hour)
			b.Lock()
			a.Lock()
			a.Unlock()
			b.Unlock()
		}()
		time.Sleep(3 * time.Hour)
		synctest.Wait()
	})
}

// In a bubble, without a mistake.
func TestBubbleClean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				mu.Lock()
				mu.Unlock() //lint:ignore SA2001 that is the case
				time.Sleep(time.Minute)
			})
		}
		wg.Wait()
	})
}

// Tests that run in parallel.
//
// want: possible order shared.a -> shared.b -> shared.a
func TestParallel(t *testing.T) {
	type shared struct{ a, b sync.Mutex }
	t.Run("one", func(t *testing.T) {
		t.Parallel()
		var s shared
		s.a.Lock()
		s.b.Lock()
		s.b.Unlock()
		s.a.Unlock()
	})
	t.Run("two", func(t *testing.T) {
		t.Parallel()
		var s shared
		s.b.Lock()
		s.a.Lock()
		s.a.Unlock()
		s.b.Unlock()
	})
}

// A timer's function takes what its maker holds.
func TestTimer(t *testing.T) {
	var mu sync.Mutex
	done := make(chan bool)
	mu.Lock()
	time.AfterFunc(0, func() {
		mu.Lock()
		mu.Unlock() //lint:ignore SA2001 that is the case
		close(done)
	})
	mu.Unlock()
	<-done
}
