package thread

// The slots of a thread, as open locks use them (package lock, open.go): a slot has the address of a lock that the
// thread has shared, until the hold ends, or somebody closes the lock and counts who has it.
//
// Layout: reads.go; counted: 1 or 0, beside each slot.
//
// Bits:
//   - slot: the thread has the lock shared, or is about to look whether it is open. Set and cleared by the
//     thread alone; may be set without cause for a moment, never missing after the barrier of who closes the lock.
//   - counted: for what is in the slot, or was until a moment ago, there is a share in the word of the lock. Set by
//     who closes the lock, cleared by the thread, both under Counting. Never spurious, never missing when that is free.
//
// Invariants:
//
//	B1 a slot that is not counted has a lock that is open or closing, or its thread is about to look. One that is
//	   counted may have a lock that is open again.
//	B2 a hold is in the slot that its entry in locks names. The slot of a new hold follows from how many there are, so that
//	   it is found again at the end of an acquisition.
//
// Transitions:
//
//	O1 no slot     --read----------------------------> slot        (then it looks at open; edge: the last exclusive unlock, by that)
//	O2 slot        --read that finds it closed-------> no slot     (under Counting; if it was counted the thread has the lock)
//	O3 slot        --unlock--------------------------> no slot     (then it looks, as Vacate says; edge: this -> next exclusive lock)
//	O4 slot        --upgrade-------------------------> no slot     (under Counting; the hold is in the word now)
//	O5 not counted --closing-------------------------> counted     (under Counting; the hold is in the word now)
//	O6 counted     --unlock, or as O2, O4------------> not counted (under Counting)
//
// Lock order: Counting is a leaf.
// Blocking: nothing here blocks.
// Departures: those of open.go.

import (
	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// Counting guards which slots were counted.
var Counting hw.SpinLock

// CountRead says of one read in 64 that it is to be counted. They are at uneven distances (multiples of the golden ratio),
// since in a loop that reads several locks every 64th read may be of always the same one. The next thread that has the
// record goes on from there, since there are threads that read but once.
func (r *Record) CountRead() bool {
	r.draw += 0x9e3779b9
	return r.draw < 1<<(32-6)
}

// CountLast says of one in 64 of the reads of which CountRead says so that it is time for something else.
func (r *Record) CountLast() bool { return r.draw < 1<<(32-12) }

// nextSlot is the slot for the thread's next hold; the first one is left to read-mostly locks, and 0 means none.
func (r *Record) nextSlot() int { return max(slots-1-int(r.nlocks), 0) }

// Occupy writes obj into the slot for the thread's next hold. Its result is that slot, or 0 if there is none or it
// is in use.
func (r *Record) Occupy(obj *Object) (slot int) {
	if i := r.nextSlot(); i > 0 && r.slots[i].Owned() == 0 {
		r.slots[i].Set(slotOf(obj)) // O1
		return i
	}
	return 0
}

// PushSlot notes an acquisition after Fast and Occupy.
func (r *Record) PushSlot(obj *Object, c Class, slot int) {
	n := int(r.nlocks)
	p := &r.locks[n]
	if p.obj != obj || p.class != c || p.at != uint8(slot) || p.mode != token.Shared { // as in Push
		p.obj, p.class, p.mode, p.at = obj, c, token.Shared, uint8(slot)
	}
	r.nlocks = int32(n + 1)
	if invariants.Enabled {
		r.noteLock(n, 0)
	}
}

// occupied is the slot that the thread has occupied for its next hold, or 0.
func (r *Record) occupied(obj *Object, c Class, m token.Mode) uint8 {
	i := r.nextSlot()
	if c != RW || m != token.Shared || i == 0 || r.slots[i].Owned() != slotOf(obj) {
		return 0
	}
	for _, p := range r.locks[:r.nlocks] {
		if int(p.at) == i {
			return 0 // it is that of an older hold, of which there were more when it began
		}
	}
	return uint8(i)
}

// FastShared is FastRelease of a share, and says in which slot it is.
func (h *Handle) FastShared(obj *Object) (r *Record, slot int) {
	if r := h.rec; r != nil {
		if r.probe.Load() == 0 {
			if i := int(r.nlocks) - 1; uint(i) < uint(len(r.locks)) {
				if p := &r.locks[i]; p.obj == obj {
					if p.mode == token.Shared {
						return r, int(p.at)
					}
				}
			}
		}
	}
	return nil, 0
}

// Retreat undoes Occupy, if the lock is not open any more. It says whether the thread was counted meanwhile, and so
// has the lock.
func (r *Record) Retreat(slot int) (counted bool) {
	Counting.Lock()
	r.slots[slot].Set(0) // O2
	counted = r.uncount(slot)
	Counting.Unlock()
	return counted
}

// Vacate ends the hold in a slot. If the lock is not open after that, or Counted says so after that, Vacated must follow.
func (r *Record) Vacate(slot int) { r.slots[slot].Set(0) } // O3

// Counted says whether the hold in a slot of the thread was counted.
func (r *Record) Counted(slot int) bool { return r.counted[slot].Load() != 0 }

// Vacated says whether the hold that was in a slot is a share in the word, and is to be ended there.
func (r *Record) Vacated(slot int) (counted bool) {
	Counting.Lock()
	counted = r.uncount(slot)
	Counting.Unlock()
	return counted
}

// uncount says whether the hold in a slot was counted, and forgets it.
func (r *Record) uncount(slot int) (counted bool) {
	if counted = r.Counted(slot); counted {
		r.counted[slot].Store(0) // O6
	}
	return counted
}

// Surface takes the holds of obj out of the thread's slots. It calls share, under Counting, for each that is not in the word
// yet.
func (r *Record) Surface(obj *Object, share func()) {
	for i := range r.locks[:r.nlocks] {
		if p := &r.locks[i]; p.obj == obj && p.at != inWord && p.at != again {
			Counting.Lock()
			if !r.uncount(int(p.at)) {
				share()
			}
			r.slots[p.at].Set(0) // O4
			Counting.Unlock()
			p.at = inWord
		}
	}
}

// clearSlots frees the slots of a thread that holds nothing. They are, unless it was ended in the middle of something; then so
// were all others of its machine, and perhaps one that has Counting.
func (r *Record) clearSlots() {
	for i := range r.slots {
		if r.slots[i].Owned() != 0 {
			r.slots[i].Set(0)
		}
		if r.Counted(i) {
			r.counted[i].Store(0)
		}
	}
}

// CountSlots is how many holds of obj are in slots and were not counted. With note, which needs Counting, it
// counts them.
func CountSlots(obj *Object, note bool) (n int) {
	seen := hw.Recall()
	TrackedBy(obj, func(r *Record) bool {
		n += r.countSlots(obj, note)
		seen.Forget(uint64(n))
		return true
	})
	return n
}

func (r *Record) countSlots(obj *Object, note bool) (n int) {
	for i := range r.slots {
		if r.slots[i].Load() == slotOf(obj) && !r.Counted(i) {
			n++
			if note {
				r.counted[i].Store(1) // O5
			}
		}
	}
	return n
}

// Count is how many threads there are.
func Count() int {
	if view := all.view.Load(); view != nil {
		return len(*view)
	}
	return 0
}
