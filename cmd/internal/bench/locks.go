// This file is the kinds of locks, with their targets, and a cell for each of package lwkt; packages.go has those of the
// packages beside it.
//
// Why it is fair: as cells.go says; a kind chooses what stands beside it and its targets, and nothing else.
//
// To add a lock: a cell, an entry in kinds, and whether it gets the rows of exclusive, of shared, or rows of its own.

package bench

import (
	"slices"
	"sync"
	"unsafe"

	"github.com/serializing-tokens/lwkt"
)

// The kinds. Targets are those of an otherwise idle machine; a lock without is shown so that one can see what it costs.
var (
	tokenKind  = kind{name: "token", own: newToken, rival: newMutex, rivalName: "mutex", alone: 1.3, pair: 1.5, crowded: 1.2, extraK: otherK}
	mtxKind    = kind{name: "mtx", own: newMtx, rival: newMutex, rivalName: "mutex", alone: 1.3, crowded: 1.2}
	rwlockKind = kind{name: "rwlock", own: newRWLock, rival: newRWMutex, rivalName: "rwmutex", alone: 1.3, crowded: 1.2}
	sxKind     = kind{name: "sx", own: newSX, rival: newRWMutex, rivalName: "rwmutex"}
	rmlockKind = kind{name: "rmlock", own: newRMLock, rival: newRWMutex, rivalName: "rwmutex", read1: 0.7, read2: 1}

	spinKind       = kind{name: "spin", own: newSpinMtx, rival: newMutex, rivalName: "mutex"}
	mtxpoolKind    = kind{name: "mtxpool", own: newMtxPool, rival: newMutex, rivalName: "mutex", leaf: true}
	lockmgrKind    = kind{name: "lockmgr", own: newLockmgr, rival: newRWMutex, rivalName: "rwmutex"}
	serializerKind = kind{name: "serializer", own: newSerializer, rival: newMutex, rivalName: "mutex"}
	giantKind      = kind{name: "giant", own: newGiant, rival: newMutex, rivalName: "mutex"}
	semaKind       = kind{name: "sema", own: newSema, rival: newChannel, rivalName: "channel"}
)

// lockRows is the rows of all kinds but tokens, which have more of them.
func lockRows() []row {
	return slices.Concat(mtxKind.exclusive(), rwlockKind.shared(), rmlockKind.shared(), sxKind.shared(), lockmgrKind.shared(),
		spinKind.exclusive(), mtxpoolKind.exclusive(), serializerKind.exclusive(), giantKind.exclusive(), semaKind.exclusive())
}

func newToken() cell   { return new(tokenCell) }
func newMtx() cell     { return new(mtxCell) }
func newSpinMtx() cell { return new(spinCell) }
func newRWLock() cell  { return new(rwlockCell) }
func newSX() cell      { return new(sxCell) }

// tokenCell is a token and what it protects.
type tokenCell struct {
	mu lwkt.Token
	data
	_ [2*line - (unsafe.Sizeof(lwkt.Token{})+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *tokenCell) sections(td *lwkt.Thread, n, turns int) {
	for range n {
		c.mu.Acquire(td)
		c.add(turns)
		c.mu.Release(td)
	}
}

func (c *tokenCell) locker(td *lwkt.Thread) sync.Locker { return c.mu.Locker(td) }

func (c *tokenCell) reads(td *lwkt.Thread, n int, r reader) reader {
	for range n {
		if r.countdown--; r.countdown == 0 {
			c.mu.Acquire(td)
			r = r.wrote(&c.data)
			c.mu.Release(td)
			continue
		}
		c.mu.AcquireShared(td)
		r = r.saw(&c.data)
		c.mu.Release(td)
	}
	return r
}

// mtxCell is a Mtx and what it protects.
type mtxCell struct {
	mu lwkt.Mtx
	data
	_ [2*line - (unsafe.Sizeof(lwkt.Mtx{})+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *mtxCell) sections(td *lwkt.Thread, n, turns int) {
	for range n {
		c.mu.Lock(td)
		c.add(turns)
		c.mu.Unlock(td)
	}
}

func (c *mtxCell) locker(td *lwkt.Thread) sync.Locker { return c.mu.Locker(td) }

// spinCell is a SpinMtx and what it protects.
type spinCell struct {
	mu lwkt.SpinMtx
	data
	_ [2*line - (unsafe.Sizeof(lwkt.SpinMtx{})+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *spinCell) sections(td *lwkt.Thread, n, turns int) {
	for range n {
		c.mu.Lock(td)
		c.add(turns)
		c.mu.Unlock(td)
	}
}

func (c *spinCell) locker(td *lwkt.Thread) sync.Locker { return c.mu.Locker(td) }

// rwlockCell is a RWLock and what it protects.
type rwlockCell struct {
	mu lwkt.RWLock
	data
	_ [2*line - (unsafe.Sizeof(lwkt.RWLock{})+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *rwlockCell) sections(td *lwkt.Thread, n, turns int) {
	for range n {
		c.mu.WLock(td)
		c.add(turns)
		c.mu.WUnlock(td)
	}
}

func (c *rwlockCell) locker(td *lwkt.Thread) sync.Locker { return c.mu.WLocker(td) }

func (c *rwlockCell) reads(td *lwkt.Thread, n int, r reader) reader {
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

// sxCell is an SX and what it protects.
type sxCell struct {
	mu lwkt.SX
	data
	_ [2*line - (unsafe.Sizeof(lwkt.SX{})+unsafe.Sizeof(data{}))%(2*line)]byte
}

func (c *sxCell) sections(td *lwkt.Thread, n, turns int) {
	for range n {
		c.mu.XLock(td)
		c.add(turns)
		c.mu.XUnlock(td)
	}
}

func (c *sxCell) locker(td *lwkt.Thread) sync.Locker { return c.mu.XLocker(td) }

func (c *sxCell) reads(td *lwkt.Thread, n int, r reader) reader {
	for range n {
		if r.countdown--; r.countdown == 0 {
			c.mu.XLock(td)
			r = r.wrote(&c.data)
			c.mu.XUnlock(td)
			continue
		}
		c.mu.SLock(td)
		r = r.saw(&c.data)
		c.mu.SUnlock(td)
	}
	return r
}
