package cases

import (
	"sync"
	"testing"
)

// The second order is only tried: whoever fails lets go.
func TestTriedOtherOrder(t *testing.T) {
	var a, b sync.Mutex
	apart(func() {
		a.Lock()
		b.Lock()
		b.Unlock()
		a.Unlock()
	}, func() {
		b.Lock()
		if a.TryLock() {
			a.Unlock()
		}
		b.Unlock()
	})
}

// A lock that was tried is held like any other: what is waited for after it counts.
//
// want: likely order a -> b -> a
func TestTriedThenWaited(t *testing.T) {
	var a, b sync.Mutex
	apart(func() {
		if a.TryLock() {
			b.Lock()
			b.Unlock()
			a.Unlock()
		}
	}, func() {
		b.Lock()
		a.Lock()
		a.Unlock()
		b.Unlock()
	})
}

// A try that fails is not held.
func TestTryFailed(t *testing.T) {
	var a, b sync.Mutex
	apart(func() {
		b.Lock()
		a.Lock()
		a.Unlock()
		b.Unlock()
	})
	a.Lock()
	apart(func() {
		if a.TryLock() {
			t.Error("it is held")
		}
		b.Lock()
		b.Unlock()
	})
	a.Unlock()
}

// Readers that try.
func TestTriedReaders(t *testing.T) {
	var x, y sync.RWMutex
	apart(func() {
		both(&x, false, &y, false)
	}, func() {
		y.Lock()
		if x.TryRLock() {
			x.RUnlock()
		}
		y.Unlock()
	})
}

// All in a ring are tried.
func TestTriedRing(t *testing.T) {
	var a, b sync.Mutex
	for _, p := range [][2]*sync.Mutex{{&a, &b}, {&b, &a}} {
		apart(func() {
			if p[0].TryLock() {
				if p[1].TryLock() {
					p[1].Unlock()
				}
				p[0].Unlock()
			}
		})
	}
}
