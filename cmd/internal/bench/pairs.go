// This file measures what one goroutine pays: a free lock, a second lock, a lock already held, a
// shared one.
//
// Why it is fair: the loops differ in the lock's methods only. The lock and its counter are made
// before the clock starts and lie together, as in a program, at the start of a cache line on both
// sides. Each operation increments the counter (or, as a reader, adds it up), so that the pair is not
// empty and the compiler must keep what the lock protects inside of it.

package bench

import (
	"sync"
	"time"
	"unsafe"

	"github.com/serializing-tokens/lwkt"
)

// tokenCell is a token and what it protects. Its size, and so its alignment on the heap, is a multiple
// of two lines.
type tokenCell struct {
	tok lwkt.Token
	n   int64
	x   uint64
	_   [2*line - (unsafe.Sizeof(lwkt.Token{})+16)%(2*line)]byte
}

// mutexCell is tokenCell with a sync.Mutex.
type mutexCell struct {
	mu sync.Mutex
	n  int64
	x  uint64
	_  [2*line - (unsafe.Sizeof(sync.Mutex{})+16)%(2*line)]byte
}

// rwmutexCell is tokenCell with a sync.RWMutex.
type rwmutexCell struct {
	mu sync.RWMutex
	n  int64
	x  uint64
	_  [2*line - (unsafe.Sizeof(sync.RWMutex{})+16)%(2*line)]byte
}

func tokenPairs(n int, _ time.Duration) (int, time.Duration, error) {
	td := lwkt.NewThread("bench")
	defer td.End()
	c := new(tokenCell)
	start := time.Now()
	for range n {
		c.tok.Acquire(td)
		c.n++
		c.tok.Release(td)
	}
	took := time.Since(start)
	return n, took, exact(n, c.n)
}

func mutexPairs(n int, _ time.Duration) (int, time.Duration, error) {
	c := new(mutexCell)
	start := time.Now()
	for range n {
		c.mu.Lock()
		c.n++
		c.mu.Unlock()
	}
	took := time.Since(start)
	return n, took, exact(n, c.n)
}

// tokenNested times the second lock alone: the first is held throughout.
func tokenNested(n int, _ time.Duration) (int, time.Duration, error) {
	td := lwkt.NewThread("bench")
	defer td.End()
	outer, c := new(tokenCell), new(tokenCell)
	outer.tok.Acquire(td)
	defer outer.tok.Release(td)
	start := time.Now()
	for range n {
		c.tok.Acquire(td)
		c.n++
		c.tok.Release(td)
	}
	took := time.Since(start)
	return n, took, exact(n, c.n)
}

func mutexNested(n int, _ time.Duration) (int, time.Duration, error) {
	outer, c := new(mutexCell), new(mutexCell)
	outer.mu.Lock()
	defer outer.mu.Unlock()
	start := time.Now()
	for range n {
		c.mu.Lock()
		c.n++
		c.mu.Unlock()
	}
	took := time.Since(start)
	return n, took, exact(n, c.n)
}

// tokenRecursive times a further reference to a token already held. A mutex has no such thing: its
// program splits the function in two or takes a second mutex, so mutexNested stands against it.
func tokenRecursive(n int, _ time.Duration) (int, time.Duration, error) {
	td := lwkt.NewThread("bench")
	defer td.End()
	c := new(tokenCell)
	c.tok.Acquire(td)
	defer c.tok.Release(td)
	start := time.Now()
	for range n {
		c.tok.Acquire(td)
		c.n++
		c.tok.Release(td)
	}
	took := time.Since(start)
	return n, took, exact(n, c.n)
}

// tokenReads times one reader; the counter is 1 throughout.
func tokenReads(n int, _ time.Duration) (int, time.Duration, error) {
	td := lwkt.NewThread("bench")
	defer td.End()
	c := &tokenCell{n: 1}
	var sum int64
	start := time.Now()
	for range n {
		c.tok.AcquireShared(td)
		sum += c.n
		c.tok.Release(td)
	}
	took := time.Since(start)
	return n, took, exact(n, sum)
}

func rwmutexReads(n int, _ time.Duration) (int, time.Duration, error) {
	c := &rwmutexCell{n: 1}
	var sum int64
	start := time.Now()
	for range n {
		c.mu.RLock()
		sum += c.n
		c.mu.RUnlock()
	}
	took := time.Since(start)
	return n, took, exact(n, sum)
}
