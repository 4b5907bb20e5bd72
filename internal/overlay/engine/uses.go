// Which locks a thread has taken since it started others, and when last: so whoever started another thread after that is known to be
// unable to meet it there.
package engine

import "sync/atomic"

// uses is a hash table in sets of four. The thread alone writes it, without a lock; others read it under the engine's. It is exact
// until maxUses sets are not enough; then the lock that was not taken for longest makes room, and is taken for used by who asks about
// a moment before its last use.
type uses []useSet

type useSet struct {
	id    [4]atomic.Uint64
	clock [4]atomic.Uint32 // of the last use
	floor atomic.Uint32    // newest clock of what made room
}

const maxUses = 256

//go:norace
func (u uses) set(id ID) *useSet { return &u[int(mix(0, id, 0)>>20)&(len(u)-1)] }

// note enters a use, or says that the table has to grow.
//
//go:norace
func (u uses) note(id ID, clock uint32) bool {
	s := u.set(id)
	oldest := 0
	for i := range s.id {
		if ID(s.id[i].Load()) == id {
			s.clock[i].Store(clock)
			return true
		}
		if s.clock[i].Load() < s.clock[oldest].Load() {
			oldest = i // an empty place has clock 0
		}
	}
	if s.id[oldest].Load() != 0 {
		if len(u) < maxUses {
			return false
		}
		s.floor.Store(max(s.floor.Load(), s.clock[oldest].Load())) // before it goes: since reads it last
	}
	s.clock[oldest].Store(clock)
	s.id[oldest].Store(uint64(id))
	return true
}

// grown gives a larger table with the same uses.
//
//go:norace
func (u uses) grown() uses {
	for size := 2 * len(u); ; size *= 2 {
		larger, fits := make(uses, size), true
		for i := range u {
			for j := range u[i].id {
				if id := ID(u[i].id[j].Load()); id != 0 {
					fits = fits && larger.note(id, u[i].clock[j].Load())
				}
			}
		}
		if fits {
			return larger
		}
	}
}

// since says whether the lock was taken after the clock was at.
//
//go:norace
func (u uses) since(id ID, at uint32) bool {
	if u == nil {
		return false
	}
	s := u.set(id)
	for i := range s.id {
		if ID(s.id[i].Load()) == id && s.clock[i].Load() > at {
			return true
		}
	}
	return s.floor.Load() > at
}

// noteUse enters a use of t's.
//
//go:norace
func (t *Thread) noteUse(id ID) {
	for !t.label.uses.note(id, t.clock) {
		t.e.mu.lock()
		t.label.uses = t.label.uses.grown()
		t.e.mu.unlock()
	}
}
