package thread

// The read-mostly locks that a thread reads. Each reader has the lock's address in a slot of its own record
// (the tracker of rmlock(9)), which nobody else writes. A writer looks through the slots of
// all threads, and waits for those it finds.
//
// State machine: lend.go
//
// Open locks have slots of the same records, in a way of their own: slots.go.
//
// A thread may read more locks than it has slots for; those are kept by the lock (package
// lock), under Lending. One acquisition takes one slot, so a lock that is read recursively is in
// several.

import (
	"slices"
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/internal/token"
)

const slots = 4

// reads is a thread's part in them.
type reads struct {
	slots   [slots]hw.Local
	counted [slots]hw.Uint32 // (Counting to write) 1: the hold in the slot was counted (slots.go)
	draw    uint32           // of CountRead
	readers []*Record        // of a writer: whom it found
}

// A lock that is held is not moved or collected: the list of held locks points to it.
func slotOf(obj *Object) uintptr { return uintptr(unsafe.Pointer(obj)) }

// The two fast paths are written out, in single comparisons, as those of tokens are: half of what they cost
// would be function calls and truth values. They use the first slot only.

// Gate is what a reader looks at: the class of the lock, once it is known, and whether a
// writer has announced itself.
type Gate struct{ hw.Uint32 }

// Announced is the bit of a Gate that keeps readers out; the class stands above it.
const Announced = 1

// Class is the class of the lock, or NoClass.
func (g *Gate) Class() Class { return Class(g.Load() >> 1) }

// Read takes the lock for reading and says whether a token changed hands meanwhile.
func Read(h *Handle, obj *Object, gate *Gate) (changed bool) {
	if h == nil || invariants.Enabled && h.Detour() {
		return ReadSlow(h, obj)
	}
	if r := h.rec; r != nil && r.probe.Load() == 0 {
		n := int(r.nlocks)
		if s := &r.slots[0]; s.Owned() == 0 && n < len(r.locks) {
			s.Set(slotOf(obj)) // R1
			if g := gate.Load(); g&Announced == 0 && g != 0 {
				p := &r.locks[n]
				if p.obj != obj { // as a rule it is, from last time
					p.obj = obj
				}
				p.class, p.mode, p.at = Class(g>>1), token.Shared, inWord
				r.nlocks = int32(n + 1)
				if invariants.Enabled {
					r.noteLock(n, 0)
				}
				return false
			}
			s.Set(0) // R2
			ReaderLeft(r, obj)
		}
	}
	return ReadSlow(h, obj)
}

// EndRead undoes one Read.
func EndRead(h *Handle, obj *Object, gate *Gate) {
	if h == nil || invariants.Enabled && h.Detour() {
		EndReadSlow(h, obj)
		return
	}
	if r := h.rec; r != nil && r.probe.Load() == 0 {
		if s := &r.slots[0]; s.Owned() == slotOf(obj) {
			if i := int(r.nlocks) - 1; uint(i) < uint(len(r.locks)) && r.locks[i].obj == obj {
				r.nlocks = int32(i) // it has the lock shared, or the slot would not say so
				s.Set(0)            // R5
				if gate.Load()&Announced != 0 {
					ReaderLeft(r, obj)
				}
				return
			}
		}
	}
	EndReadSlow(h, obj)
}

// What package lock does for the fast paths.
var (
	ReadSlow    func(h *Handle, obj *Object) (changed bool)
	EndReadSlow func(h *Handle, obj *Object)
	ReaderLeft  func(r *Record, obj *Object) // tells a writer of the lock that the thread reads it no more
)

// TrackAny says in a slot that the thread is about to read the lock, if one is free. It must look
// then whether there is a writer.
func (r *Record) TrackAny(obj *Object) bool { return r.swapSlot(0, slotOf(obj)) }

// UntrackAny clears a slot that has the lock, if there is one. The thread must look then whether there
// is a writer.
func (r *Record) UntrackAny(obj *Object) bool { return r.swapSlot(slotOf(obj), 0) }

func (r *Record) swapSlot(old, now uintptr) bool {
	for i := range r.slots {
		if r.slots[i].Owned() == old {
			r.slots[i].Set(now)
			return true
		}
	}
	return false
}

// Tracks says whether a slot of the thread, which may be another one, has the lock.
func (r *Record) Tracks(obj *Object) bool {
	seen := hw.Recall()
	for i := range r.slots {
		if r.slots[i].Load() == slotOf(obj) {
			seen.Forget(1)
			return true
		}
	}
	if seen != hw.Recall() { // the thread has a part in the run
		seen.Forget()
	}
	return false
}

// TrackedBy calls f for each thread with the lock in a slot, until it says false. A thread that is not
// found, though it has the lock in a slot by the end, finds what the caller wrote before.
func TrackedBy(obj *Object, f func(r *Record) bool) {
	view := all.view.Load()
	if view == nil {
		return
	}
	for _, r := range *view {
		if r.Tracks(obj) && !f(r) {
			return
		}
	}
}

// FindReaders notes who has the lock in a slot, for AwaitReaders. The thread has announced
// itself and called hw.Barrier.
func (r *Record) FindReaders(obj *Object) {
	TrackedBy(obj, func(o *Record) bool {
		r.readers = append(r.readers, o)
		return true
	})
}

// AwaitReaders makes the thread, a writer, wait for those whom it found, if they still read the
// lock, and for more; it lends to them (N1). If one of them sleeps, so that it could be for ever, it says
// who and with what. The caller has Lending.
func (r *Record) AwaitReaders(obj *Object, more []*Record) (sleeper string) {
	r.awaits = obj
	for _, o := range r.readers {
		if o.Tracks(obj) {
			r.lendTo(o)
		}
	}
	for _, o := range more {
		r.lendTo(o)
	}
	for _, o := range r.lendees {
		if with := o.keeps(func(k *Object) bool { return k == obj }); with != "" {
			return SleepsWith(o.id, with)
		}
	}
	return ""
}

func (r *Record) lendTo(o *Record) {
	if !slices.Contains(r.lendees, o) {
		r.lendees = append(r.lendees, o)
		o.lenders = append(o.lenders, r)
		o.Reckon()
	}
}

// Awaited is how many readers the thread still waits for. The caller has Lending.
func (r *Record) Awaited() int { return len(r.lendees) }

// ReaderGone ends the wait of the thread for one of the readers, and says whether that was the
// last. The caller has Lending.
func (r *Record) ReaderGone(o *Record) (last bool) {
	i := slices.Index(r.lendees, o)
	if i < 0 {
		return false
	}
	r.lendees = slices.Delete(r.lendees, i, i+1)
	o.stopLender(r)
	return len(r.lendees) == 0
}

// ForgetReaders ends what FindReaders and AwaitReaders began.
func (r *Record) ForgetReaders() {
	r.stopLending()
	r.noReaders()
}

func (r *Record) noReaders() {
	clear(r.readers)
	r.readers = r.readers[:0]
}

// readAwaited is a lock that the thread reads, other than one that it drops, for whose readers
// somebody waits; or nil. The caller has Lending.
func (r *Record) readAwaited(dropped *Object) *Object {
	for _, l := range r.lenders {
		if l.awaits != nil && l.awaits != dropped {
			return l.awaits
		}
	}
	return nil
}

// readsSleepable is a sleepable read-mostly lock that the thread reads, other than one that it
// drops; or nil.
func (r *Record) readsSleepable(dropped *Object) *Object {
	for i := range r.locks[:r.nlocks] {
		if p := &r.locks[i]; p.obj != dropped && p.class == SleepableRM && p.mode == token.Shared {
			return p.obj
		}
	}
	return nil
}
