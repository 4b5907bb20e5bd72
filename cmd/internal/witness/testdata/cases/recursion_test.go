package cases

import (
	"runtime"
	"sync"
	"testing"
)

// stuck runs f on a goroutine that will wait for itself, and returns when it does.
func stuck(f func()) {
	go f()
	quiet()
}

// A mutex taken again by its holder.
//
// want: certain recursion mu
func TestLockTwice(t *testing.T) {
	stuck(func() {
		var mu sync.Mutex
		mu.Lock()
		mu.Lock()
	})
}

// The same through a method that locks for itself.
//
// want: certain recursion counter.mu
func TestLockTwiceByMethods(t *testing.T) {
	c := new(counter)
	stuck(c.addTwo)
}

type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}

func (c *counter) addTwo() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add()
	c.add()
}

// A writer becomes a reader of the same lock.
//
// want: certain recursion rw
func TestReadWhileWriting(t *testing.T) {
	stuck(func() {
		var rw sync.RWMutex
		rw.Lock()
		rw.RLock()
	})
}

// A writer writes again.
//
// want: certain recursion rw
func TestWriteTwice(t *testing.T) {
	stuck(func() {
		var rw sync.RWMutex
		rw.Lock()
		rw.Lock()
	})
}

// A reader becomes the writer of the same lock.
//
// want: certain upgrade rw
func TestWriteWhileReading(t *testing.T) {
	stuck(func() {
		var rw sync.RWMutex
		rw.RLock()
		rw.Lock()
	})
}

// A reader reads again: that works until a writer comes between.
//
// want: possible recursion rw
func TestReadTwice(t *testing.T) {
	var rw sync.RWMutex
	rw.RLock()
	rw.RLock()
	rw.RUnlock()
	rw.RUnlock()
}

// A reader reads again, and a writer came between.
//
// want: certain recursion rw
// want: certain hang
func TestReadTwiceHangs(t *testing.T) {
	stuck(func() {
		var rw sync.RWMutex
		rw.RLock()
		go func() { rw.Lock(); rw.Unlock() }() //lint:ignore SA2001 never
		for rw.TryRLock() {                    // until the writer waits
			rw.RUnlock()
			runtime.Gosched()
		}
		rw.RLock()
		rw.RUnlock()
		rw.RUnlock()
	})
}

// A Once that runs itself.
//
// want: certain recursion once
func TestOnceInItself(t *testing.T) {
	var once sync.Once
	stuck(func() { once.Do(func() { once.Do(func() {}) }) })
}

// A try of what is held fails and leaves nothing behind.
func TestTryWhileHeld(t *testing.T) {
	var mu sync.Mutex
	var rw sync.RWMutex
	mu.Lock()
	if mu.TryLock() {
		t.Fatal("twice")
	}
	rw.RLock()
	if rw.TryLock() {
		t.Fatal("a reader writes")
	}
	if !rw.TryRLock() {
		t.Fatal("a reader cannot read")
	}
	rw.RUnlock()
	rw.RUnlock()
	mu.Unlock()
}

// Taken again after it was released.
func TestAgain(t *testing.T) {
	var mu sync.Mutex
	for range 3 {
		mu.Lock()
		mu.Unlock() //lint:ignore SA2001 that is the case
	}
}

// One lock of a class after the other is no recursion.
func TestOneAfterTheOther(t *testing.T) {
	var list [3]counter
	for i := range list {
		list[i].add()
	}
}
