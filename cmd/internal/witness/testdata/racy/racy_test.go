// Package racy has a data race that two pairs of locks, each of one goroutine only, do not guard.
package racy

import (
	"sync"
	"testing"
)

var shared int

func TestRace(t *testing.T) {
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			var a, b sync.Mutex
			var rw sync.RWMutex
			for range 3 {
				a.Lock()
				b.Lock()
				rw.RLock()
				shared++
				rw.RUnlock()
				b.Unlock()
				a.Unlock()
			}
		})
	}
	wg.Wait()
}

// What a lock does guard is no race.
func TestNoRace(t *testing.T) {
	var mu sync.Mutex
	var rw sync.RWMutex
	var once sync.Once
	c := sync.NewCond(&mu)
	guarded, written, made := 0, 0, 0
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			once.Do(func() { made++ })
			for range 100 {
				mu.Lock()
				guarded += made
				c.Broadcast()
				mu.Unlock()
				rw.Lock()
				written++
				rw.Unlock()
				rw.RLock()
				_ = written
				rw.RUnlock()
			}
		})
	}
	mu.Lock()
	for guarded < 400 {
		c.Wait()
	}
	mu.Unlock()
	wg.Wait()
	if guarded != 400 || written != 400 {
		t.Error(guarded, written)
	}
}
