package cases

import (
	"sync"
	"testing"
)

// A mutex is taken here and released by another goroutine, which is legal in Go.
func TestHandedOver(t *testing.T) {
	var mu sync.Mutex
	mu.Lock()
	apart(mu.Unlock)
	mu.Lock()
	mu.Unlock() //lint:ignore SA2001 that is the case
}

// Who handed its lock over does not hold it any more.
func TestHandedOverIsNotHeld(t *testing.T) {
	var a, b sync.Mutex
	apart(func() {
		a.Lock()
		apart(a.Unlock)
		b.Lock()
		b.Unlock()
	}, func() {
		b.Lock()
		a.Lock()
		a.Unlock()
		b.Unlock()
	})
}

// A mutex as a semaphore: one goroutine waits for what another one releases.
func TestSemaphore(t *testing.T) {
	var ready sync.Mutex
	ready.Lock()
	var wg sync.WaitGroup
	wg.Go(func() {
		ready.Lock()
		ready.Unlock() //lint:ignore SA2001 that is the case
	})
	ready.Unlock()
	wg.Wait()
}

// A reader that another goroutine releases.
func TestHandedOverReader(t *testing.T) {
	var rw sync.RWMutex
	rw.RLock()
	apart(rw.RUnlock)
	rw.Lock()
	rw.Unlock() //lint:ignore SA2001 that is the case
}

// The goroutine that took a mutex is gone, and nobody ever releases it.
//
// want: likely leak left
func TestHolderGone(t *testing.T) { apart(func() { left.Lock() }) }

var left sync.Mutex

// The goroutine that took it is gone, and another one releases it.
func TestHolderGoneReleased(t *testing.T) {
	var mu sync.Mutex
	apart(mu.Lock, mu.Unlock)
}

// A copy of a lock is another lock.
func TestCopied(t *testing.T) {
	type box struct {
		mu sync.Mutex
		n  int
	}
	boxes := []box{{}}
	boxes[0].mu.Lock()
	boxes[0].mu.Unlock() //lint:ignore SA2001 it gets its identity
	boxes = append(boxes, box{})
	boxes[1] = boxes[0] //nolint:govet // that is the case
	boxes[0].mu.Lock()
	boxes[1].mu.Lock()
	boxes[1].mu.Unlock()
	boxes[0].mu.Unlock()
}

// A slice that grows copies its locks.
func TestCopiedByAppend(t *testing.T) {
	type box struct{ mu sync.Mutex }
	var boxes []box
	for range 100 {
		boxes = append(boxes, box{})
		for i := range boxes {
			boxes[i].mu.Lock()
			boxes[i].mu.Unlock() //lint:ignore SA2001 that is the case
		}
	}
}

// Memory that is used again is another lock.
func TestReused(t *testing.T) {
	var a sync.Mutex
	for i := range 1000 {
		apart(func() {
			b := new(sync.Mutex)
			if i%2 == 0 {
				a.Lock()
				a.Unlock() //lint:ignore SA2001 alone
			}
			b.Lock()
			b.Unlock() //lint:ignore SA2001 alone
		})
	}
}
