package cases

import (
	"sync"
	"testing"
)

// Once an order is known, taking locks allocates nothing.
func TestNoAllocation(t *testing.T) {
	var a, b sync.Mutex
	var rw sync.RWMutex
	if n := testing.AllocsPerRun(1000, func() {
		a.Lock()
		b.Lock()
		rw.RLock()
		rw.RUnlock()
		b.Unlock()
		a.Unlock()
		if b.TryLock() {
			b.Unlock()
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A million locks that are made and dropped leave nothing behind; the engine's own tests look at those that are nested.
func TestMillion(t *testing.T) {
	type box struct{ mu sync.Mutex }
	for range 1_000_000 {
		kept = new(box)
		kept.(*box).mu.Lock()
		kept.(*box).mu.Unlock() //lint:ignore SA2001 that is the case
	}
}

var kept any

func BenchmarkPair(b *testing.B) {
	var mu sync.Mutex
	for b.Loop() {
		mu.Lock()
		mu.Unlock() //lint:ignore SA2001 that is measured
	}
}

func BenchmarkNested(b *testing.B) {
	var x, y sync.Mutex
	for b.Loop() {
		x.Lock()
		y.Lock()
		y.Unlock()
		x.Unlock()
	}
}

func BenchmarkReaders(b *testing.B) {
	var rw sync.RWMutex
	for b.Loop() {
		rw.RLock()
		rw.RUnlock() //lint:ignore SA2001 that is measured
	}
}
