// The identity of a lock: a number in the lock, not its address, which may be
// somebody else's tomorrow.
package engine

import (
	"sync/atomic"
	"unsafe"
)

// Tag is what a lock carries for the engine. The zero value is a lock that was
// never used. A copy of a lock is another lock: the tag knows where it lies.
//
// owner is guarded by the lock itself: it is written by who just got it or is about to let
// go. Of a Group it is not 0 if somebody came out of Wait: then the next Done begins a new round. It is written with
// the engine's lock then.
type Tag struct {
	id    atomic.Uint64 // class<<serialBits | serial; 0: none yet
	owner uint32        // number of the thread that has it exclusively, 0: nobody, or sharers
	self  atomic.Uint32 // a digest of the tag's own address; written before id
	later *later        // orders to the lock that are not in the graph; of the engine that enrolled it, guarded by its lock
}

const serialBits = 44

// ID is the identity of a lock. It is never used again.
type ID uint64

// Class is the class of the lock.
//
//go:norace
func (id ID) Class() Class { return Class(id >> serialBits) }

// Serial is the number of the lock among all locks.
//
//go:norace
func (id ID) Serial() uint64 { return uint64(id) & (1<<serialBits - 1) }

// Known says whether the lock has its identity. If not, the embedder calls
// Enroll before anything else.
//
//go:norace
func (g *Tag) Known() bool {
	return g.id.Load() != 0 && g.self.Load() == uint32(uintptr(unsafe.Pointer(g))>>3)
}

//go:norace
func (g *Tag) pointer() unsafe.Pointer { return unsafe.Pointer(g) }

// ID is the identity of the lock, 0 if it has none.
//
//go:norace
func (g *Tag) ID() ID {
	if !g.Known() {
		return 0
	}
	return ID(g.id.Load())
}

// Enroll gives the lock its identity and class, if it has none yet.
//
//go:norace
func (e *Engine) Enroll(g *Tag, c Class) ID {
	e.mu.lock()
	defer e.mu.unlock()
	if g.Known() {
		return ID(g.id.Load())
	}
	// Either it was never used, or it is a copy: then who reads on the way sees no id.
	g.id.Store(0)
	g.owner = 0
	g.later = nil
	g.self.Store(uint32(uintptr(unsafe.Pointer(g)) >> 3))
	e.serial++
	id := uint64(c)<<serialBits | e.serial&(1<<serialBits-1)
	g.id.Store(id)
	return ID(id)
}

// Forget says that the lock is destroyed: whatever orders it was part of are
// dropped, those of its class stay. Used again it is another lock.
//
//go:norace
func (e *Engine) Forget(g *Tag) {
	if !g.Known() {
		return
	}
	e.mu.lock()
	defer e.mu.unlock()
	id := ID(g.id.Load())
	g.id.Store(0)
	g.owner = 0
	g.later = nil
	k := idKey(id)
	e.orphans.del(k)
	e.loose.del(k)
	e.groups.del(k)
	n := e.inst.nodes.get(k)
	if n == nil {
		return
	}
	n.dead = true
	e.inst.nodes.del(k)
	e.inst.dead = append(e.inst.dead, n)
	if d := len(e.inst.dead); d >= 512 && d > e.inst.nodes.n {
		e.sweep()
	}
}
