package lock

// Open locks. Readers that add to one word and subtract from it fetch it from each other, and that is most of
// what they cost. So a lock that has been read for a while and not written is opened: who reads it then writes its
// address into a slot of its own thread record, and only looks at the word. Who needs a word that counts all holds,
// and that is everybody who wants the lock exclusively, closes it first: it looks for the lock in the slots of all
// threads, and for each that it finds adds a share to the word. From there on nothing is different from a lock that
// was never open.
//
// State machine: word.go
//
// Why no hold is lost, or counted twice. A reader writes its slot (O1, O3 of internal/thread/slots.go) and then looks
// at open; who closes clears open (T21) and then looks at the slots; between its two steps each has a barrier, or the
// one who closes has it for both (hw.Local). So a reader that looks before T21 is found if it came in, and is not if
// it went out. One that does not see the lock open asks, under Counting, whether it was found. By the time it looks
// the lock may be open again; but then the slot, if it was found, was marked as counted before that (O5, T22, T20),
// and a reader that goes out looks at the mark after it has looked at open. internal/hw has a test that goes through
// all interleavings of this with stores that are late.
//
// Why no wakeup is lost: who leaves a slot wakes nobody. While a lock is open nobody waits but sharers, and one of
// them was called and will look (W4); who begins to wait for it exclusively has closed it before (mark).
//
// When it pays. To close a lock costs a system call and a look at each thread: some microseconds, which is what a
// thousand reads in slots gain. So it is opened after that many reads without a writer between them, and more if
// there are many threads. A thread counts one of its reads in 64, by raising calm, which writers clear in passing.
//
// Lock order: a queue's lock, then Counting.
// Blocking: nothing here parks.
// Departures: from BRAVO (Dice and Kogan, 2019), whose idea this is: that has one table of readers for all locks, its
// writers wait for them one by one, and it keeps a lock closed for a multiple of the time which that took.

import (
	"sync/atomic"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// calmness is how calm a lock must be to be opened, and one more for every threadsPerCalm threads; or 0: at once.
var calmness atomic.Int32

const (
	calmByDefault  = 16
	threadsPerCalm = 4
)

func init() { calmness.Store(calmByDefault) }

// SetCalmness sets calmness and returns the old one. It is for tests; simulated threads open locks after it only.
func SetCalmness(n int) (old int) { return int(calmness.Swap(int32(n))) }

// counts says whether a read that ends is to be counted. Simulated threads count all or none, and all that pass.
func counts(r *thread.Record, w Word) bool {
	if r.Hosted() {
		return w.passable() || hw.Explored && calmness.Load() != calmByDefault
	}
	return r.CountRead()
}

// noteRead is told of a read that is counted, after its end, what the word was by then.
func (l *Lock) noteRead(r *thread.Record, w Word) {
	if w.passable() {
		l.passed(r, w)
	} else {
		l.calmer(w)
	}
}

// calmer notes that the lock was read for a while (T19), and opens it if it has been calm for long (T20). w is what
// the word was a moment ago, when the thread let go of it; if it has changed since, there will be a next time.
func (l *Lock) calmer(w Word) {
	enough := int(calmness.Load())
	if enough > 0 {
		enough = min(enough+thread.Count()/threadsPerCalm, int(calmest/calmOnce))
	}
	now := w + calmOnce
	if w.calm() >= enough {
		hw.Enlist()
		now = w&^calmest | open
	}
	if w.still() {
		l.word.CompareAndSwap(uint64(w), uint64(now))
	}
}

// acquireOpen is AcquireShared of a lock that was open a moment ago.
func acquireOpen(h *thread.Handle, r *thread.Record, l *Lock, c thread.Class) (changed bool) {
	if slot := r.Occupy(&l.Object); slot != 0 { // comeIn, written out
		if l.load()&open != 0 {
			r.PushSlot(&l.Object, c, slot)
			return false
		}
		if r.Retreat(slot) {
			r.Push(&l.Object, c, token.Shared)
			return false
		}
	}
	if l.addShare() < owned { // it would have had one at the look
		r.Push(&l.Object, c, token.Shared)
		return false
	}
	return acquireVisiting(h, r, l, c)
}

// comeIn gives the thread a share of an open lock, in a slot or, if it was closed meanwhile, perhaps in the word.
func (l *Lock) comeIn(r *thread.Record) (in bool) {
	seen, slot := hw.Recall(), r.Occupy(&l.Object)
	in = slot != 0 && (l.load()&open != 0 || r.Retreat(slot))
	seen.Forget(hw.Bit(in))
	return in
}

// goOut ends a hold in a slot.
func (l *Lock) goOut(r *thread.Record, c thread.Class, slot int) {
	r.Vacate(slot)
	if l.load()&open == 0 || r.Counted(slot) && !planted(TrustsOpen) {
		l.goneOut(r, c, slot)
	}
}

// goneOut does the rest for a lock that is not open, or was not for a while.
func (l *Lock) goneOut(r *thread.Record, c thread.Class, slot int) {
	if r.Vacated(slot) {
		l.lookAfter(l.dropShare(), c)
	}
}

// surface makes shares in the word of what the thread has in slots.
func (l *Lock) surface(r *thread.Record) { r.Surface(&l.Object, func() { l.addShare() }) }

// shut closes the lock, if it is open, or waits until it is closed.
func (l *Lock) shut() {
	seen := hw.Recall()
	thread.Counting.Lock()
	// A word that is closing now is that of a copy, or of a machine that was given up.
	if l.turn(func(w Word) (Word, bool) { return w&^(open|calmest) | closing, !w.tells() }) { // T21
		hw.Barrier()
		n := Word(0)
		if !planted(SkipsSlots) {
			n = Word(thread.CountSlots(&l.Object, true))
		}
		l.turn(func(w Word) (Word, bool) { return w&^closing + n*share, true }) // T22
	}
	thread.Counting.Unlock()
	seen.Forget()
}

// settle is turn, with words that count all holds.
func (l *Lock) settle(f func(w Word) (now Word, ok bool)) (ok bool) {
	for {
		told := true
		ok = l.turn(func(w Word) (Word, bool) {
			if told = w.tells(); !told {
				return w, false
			}
			return f(w)
		})
		if told {
			return ok
		}
		l.shut()
	}
}

// counted is the word, with what is in slots counted in passing: for those who only tell of it. While somebody closes the
// lock that may be too few, unless the caller has Counting.
func (l *Lock) counted() Word {
	w := l.load()
	if !w.tells() {
		w = w&^(open|closing) + Word(thread.CountSlots(&l.Object, false))*share
	}
	return w
}

// exactly is counted with Counting.
func (l *Lock) exactly() Word {
	thread.Counting.Lock()
	w := l.counted()
	thread.Counting.Unlock()
	return w
}
