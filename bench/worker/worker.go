// Command worker does the work of one row for a while and prints what it took, as one JSON object. The bench command builds it three
// times, with the locks of package sync, with these and the witness below them, and with those of go-deadlock, from this one text. To
// be run by hand it needs nothing: worker -row pair -for 100ms.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

// A result is what is printed.
type result struct {
	N      int     `json:"n"`      // operations
	NS     float64 `json:"ns"`     // for each
	Allocs float64 `json:"allocs"` // for each
	End    uint64  `json:"end"`    // bytes that the process has at the end
	Peak   uint64  `json:"peak"`   // and has had at most
	Live   uint64  `json:"live"`   // bytes that are still in use after a garbage collection
}

// rows are what can be done n times. Each gives the time that it took without what had to be made before.
var rows = map[string]func(n int) time.Duration{
	"pair": func(n int) time.Duration {
		var m Mutex
		start := time.Now()
		for range n {
			m.Lock()
			m.Unlock() //lint:ignore SA2001 that is what is measured
		}
		return time.Since(start)
	},
	"nested": func(n int) time.Duration {
		var outer, inner Mutex
		start := time.Now()
		for range n {
			outer.Lock()
			inner.Lock()
			inner.Unlock() //lint:ignore SA2001 that is what is measured
			outer.Unlock()
		}
		return time.Since(start)
	},
	"read": func(n int) time.Duration {
		var m RWMutex
		start := time.Now()
		for range n {
			m.RLock()
			m.RUnlock() //lint:ignore SA2001 that is what is measured
		}
		return time.Since(start)
	},
	"contended-2":  func(n int) time.Duration { return contended(2, n) },
	"contended-64": func(n int) time.Duration { return contended(64, n) },
	"short-lived": func(n int) time.Duration {
		start := time.Now()
		for range n {
			o := new(object)
			o.mu.Lock()
			o.used = true
			o.mu.Unlock()
			last = o
		}
		return time.Since(start)
	},
	"short-nested": func(n int) time.Duration {
		start := time.Now()
		for range n {
			o, p := new(object), new(object)
			o.mu.Lock()
			p.mu.Lock()
			p.used = true
			p.mu.Unlock()
			o.mu.Unlock()
			last = p
		}
		return time.Since(start)
	},
	"short-between": func(n int) time.Duration {
		start := time.Now()
		for range n {
			o := new(object)
			server.Lock()
			o.mu.Lock()
			stats.Lock()
			o.used = true
			stats.Unlock()
			o.mu.Unlock()
			server.Unlock()
			last = o
		}
		return time.Since(start)
	},
}

// Locks that stay.
var server, stats Mutex

// An object has a lock somewhere inside, as objects do. last keeps the compiler from seeing that nobody needs one.
type object struct {
	used bool
	mu   Mutex
	_    [4]uint64
}

var last *object

// contended has several goroutines take one lock n times in all.
func contended(goroutines, n int) time.Duration {
	var m Mutex
	var all sync.WaitGroup
	count := 0
	each := max(n/goroutines, 1)
	gate := make(chan struct{})
	for range goroutines {
		all.Go(func() {
			<-gate
			for range each {
				m.Lock()
				count++
				m.Unlock()
			}
		})
	}
	start := time.Now()
	close(gate)
	all.Wait()
	took := time.Since(start)
	if count != each*goroutines {
		panic("the lock does not exclude")
	}
	return took
}

// memory is what the process has from the system.
func memory() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys - m.HeapReleased
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// measure does something at least for a time; with a number, just that many times.
func measure(f func(int) time.Duration, long time.Duration, number int) (r result) {
	f(1000) // what the first ones cost is no matter here
	if number > 0 {
		const parts = 32
		before := mallocs()
		var took time.Duration
		for range parts {
			took += f(max(number/parts, 1))
			r.Peak = max(r.Peak, memory())
		}
		r.N = max(number/parts, 1) * parts
		r.NS = float64(took) / float64(r.N)
		r.Allocs = float64(mallocs()-before) / float64(r.N)
	} else {
		for r.N = 1000; ; r.N *= 2 {
			before := mallocs()
			took := f(r.N)
			if took >= long {
				r.NS = float64(took) / float64(r.N)
				r.Allocs = float64(mallocs()-before) / float64(r.N)
				break
			}
		}
		r.Peak = memory()
	}
	r.End = memory()
	runtime.KeepAlive(last)
	last = nil
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r.Live = m.HeapAlloc
	return r
}

func main() {
	row := flag.String("row", "pair", "what to do")
	long := flag.Duration("for", 100*time.Millisecond, "for how long")
	number := flag.Int("n", 0, "how often, instead of for how long")
	flag.Parse()
	f := rows[*row]
	if f == nil {
		fmt.Fprintf(os.Stderr, "worker: there is no row %q\n", *row)
		os.Exit(2)
	}
	if err := json.NewEncoder(os.Stdout).Encode(measure(f, *long, *number)); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}
