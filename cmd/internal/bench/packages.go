// This file is the cells of the locks that have packages of their own.
//
// Why it is fair: as cells.go says. A mutex of a pool lies in the pool, so apart from what it protects; that is what pools cost.

package bench

import (
	"sync"
	"unsafe"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/giant"
	"github.com/serializing-tokens/lwkt/lockmgr"
	"github.com/serializing-tokens/lwkt/mtxpool"
	"github.com/serializing-tokens/lwkt/rmlock"
	"github.com/serializing-tokens/lwkt/sema"
	"github.com/serializing-tokens/lwkt/serializer"
)

func newRMLock() cell     { return new(rmlockCell) }
func newLockmgr() cell    { return new(lockmgrCell) }
func newMtxPool() cell    { return new(mtxpoolCell) }
func newSerializer() cell { return new(serializerCell) }
func newGiant() cell      { return new(giantCell) }

// newSema is a semaphore that admits one.
func newSema() cell {
	c := new(semaCell)
	c.mu.Init("", 1)
	return c
}

// rmlockCell is a read-mostly lock and what it protects.
type rmlockCell struct {
	mu rmlock.Lock
	data
	_ [2*line - (unsafe.Sizeof(rmlock.Lock{})+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *rmlockCell) sections(td *lwkt.Thread, n, turns int) {
	for range n {
		c.mu.WLock(td)
		c.add(turns)
		c.mu.WUnlock(td)
	}
}

func (c *rmlockCell) locker(td *lwkt.Thread) sync.Locker { return c.mu.WLocker(td) }

func (c *rmlockCell) reads(td *lwkt.Thread, n int, r reader) reader {
	for range n {
		if r.countdown--; r.countdown == 0 {
			c.mu.WLock(td)
			r = r.wrote(&c.data)
			c.mu.WUnlock(td)
			continue
		}
		c.mu.RLock(td)
		r = r.saw(&c.data)
		c.mu.RUnlock(td)
	}
	return r
}

// lockmgrCell is a lockmgr lock and what it protects.
type lockmgrCell struct {
	mu lockmgr.Lock
	data
	_ [2*line - (unsafe.Sizeof(lockmgr.Lock{})+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *lockmgrCell) sections(td *lwkt.Thread, n, turns int) {
	for range n {
		c.mu.XLock(td)
		c.add(turns)
		c.mu.Unlock(td)
	}
}

func (c *lockmgrCell) locker(td *lwkt.Thread) sync.Locker { return c.mu.XLocker(td) }

func (c *lockmgrCell) reads(td *lwkt.Thread, n int, r reader) reader {
	for range n {
		if r.countdown--; r.countdown == 0 {
			c.mu.XLock(td)
			r = r.wrote(&c.data)
			c.mu.Unlock(td)
			continue
		}
		c.mu.SLock(td)
		r = r.saw(&c.data)
		c.mu.Unlock(td)
	}
	return r
}

// mtxpoolCell is a pool, of which the mutex of the address of the cell is used, and what it protects.
type mtxpoolCell struct {
	mu mtxpool.Pool
	data
	_ [2*line - (unsafe.Sizeof(mtxpool.Pool{})+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *mtxpoolCell) sections(td *lwkt.Thread, n, turns int) {
	for range n {
		c.mu.Lock(td, c)
		c.add(turns)
		c.mu.Unlock(td, c)
	}
}

func (c *mtxpoolCell) locker(td *lwkt.Thread) sync.Locker { return c.mu.Find(c).Locker(td) }

// serializerCell is a serializer and what it protects.
type serializerCell struct {
	mu serializer.Serializer
	data
	_ [2*line - (unsafe.Sizeof(serializer.Serializer{})+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *serializerCell) sections(td *lwkt.Thread, n, turns int) {
	for range n {
		c.mu.Enter(td)
		c.add(turns)
		c.mu.Exit(td)
	}
}

func (c *serializerCell) locker(td *lwkt.Thread) sync.Locker { return c.mu.Locker(td) }

// giantCell is a giant lock and what it protects.
type giantCell struct {
	mu giant.Mtx
	data
	_ [2*line - (unsafe.Sizeof(giant.Mtx{})+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *giantCell) sections(td *lwkt.Thread, n, turns int) {
	for range n {
		c.mu.Lock(td)
		c.add(turns)
		c.mu.Unlock(td)
	}
}

func (c *giantCell) locker(td *lwkt.Thread) sync.Locker { return c.mu.Locker(td) }

// semaCell is a semaphore and what it protects.
type semaCell struct {
	mu sema.Sema
	data
	_ [2*line - (unsafe.Sizeof(sema.Sema{})+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *semaCell) sections(td *lwkt.Thread, n, turns int) {
	for range n {
		c.mu.Wait(td)
		c.add(turns)
		c.mu.Post(td)
	}
}

func (c *semaCell) locker(td *lwkt.Thread) sync.Locker { return semaLocker{&c.mu, td} }

// semaLocker is one unit of a semaphore.
type semaLocker struct {
	s  *sema.Sema
	td *lwkt.Thread
}

func (l semaLocker) Lock()   { l.s.Wait(l.td) }
func (l semaLocker) Unlock() { l.s.Post(l.td) }
