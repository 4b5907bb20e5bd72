// This file is the cells of the locks of sync, and of a channel used as a semaphore, which stand beside ours.
//
// Why it is fair: as cells.go says. The size of a cell, and so its alignment on the heap, is a multiple of two lines.

package bench

import (
	"sync"
	"unsafe"

	"github.com/serializing-tokens/lwkt"
)

func newMutex() cell   { return new(mutexCell) }
func newRWMutex() cell { return new(rwmutexCell) }

// mutexCell is a sync.Mutex and what it protects.
type mutexCell struct {
	mu sync.Mutex
	data
	_ [2*line - (unsafe.Sizeof(sync.Mutex{})+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *mutexCell) sections(_ *lwkt.Thread, n, turns int) {
	for range n {
		c.mu.Lock()
		c.add(turns)
		c.mu.Unlock()
	}
}

func (c *mutexCell) locker(_ *lwkt.Thread) sync.Locker { return &c.mu }

// rwmutexCell is a sync.RWMutex and what it protects.
type rwmutexCell struct {
	mu sync.RWMutex
	data
	_ [2*line - (unsafe.Sizeof(sync.RWMutex{})+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *rwmutexCell) sections(_ *lwkt.Thread, n, turns int) {
	for range n {
		c.mu.Lock()
		c.add(turns)
		c.mu.Unlock()
	}
}

func (c *rwmutexCell) locker(_ *lwkt.Thread) sync.Locker { return &c.mu }

func (c *rwmutexCell) reads(_ *lwkt.Thread, n int, r reader) reader {
	for range n {
		if r.countdown--; r.countdown == 0 {
			c.mu.Lock()
			r = r.wrote(&c.data)
			c.mu.Unlock()
			continue
		}
		c.mu.RLock()
		r = r.saw(&c.data)
		c.mu.RUnlock()
	}
	return r
}

// newChannel is a semaphore that admits one.
func newChannel() cell {
	c := &channelCell{free: make(channel, 1)}
	c.free <- struct{}{}
	return c
}

// channel has the units of a semaphore that are free.
type channel chan struct{}

// channelCell is such a semaphore and what it protects.
type channelCell struct {
	free channel
	data
	_ [2*line - (unsafe.Sizeof(channel(nil))+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *channelCell) sections(_ *lwkt.Thread, n, turns int) {
	for range n {
		<-c.free
		c.add(turns)
		c.free <- struct{}{}
	}
}

func (c *channelCell) locker(_ *lwkt.Thread) sync.Locker { return c.free }

func (c channel) Lock()   { <-c }
func (c channel) Unlock() { c <- struct{}{} }
