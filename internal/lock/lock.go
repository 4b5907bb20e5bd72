// Package lock is the one algorithm under Mtx, RWLock, SX and their like: a word that says
// who has the lock and whether anybody waits, and a queue of those who do. Which of them it
// is says the class; whether it recurses, and who goes first, say flags.
//
// State machine: word.go
package lock

import (
	"sync/atomic"
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// Lock is a lock of any class. The zero Lock is free.
type Lock struct {
	thread.Object
	word  hw.Uint64
	about atomic.Uint32 // class in the low byte, once it is known; flags
}

// Flags of a lock, in about.
const (
	Recurse   = thread.Recurses  // its owner may take it again
	DupOK     = thread.DupOK     // two locks of this name may be held at once
	NoWitness = thread.NoWitness // orders are not checked

	WakeAll   = 1 << (8 + iota) // a release wakes all exclusive waiters, else all shared ones
	PassX                       // sharers pass exclusive waiters, who may starve
	NoShare                     // it is never shared: who asks for a share has it exclusively
	NoAvoid                     // a thread with shares of other locks of the class is not let pass
	inited                      // by Init
	Sleepable                   // the writer of a read-mostly lock may sleep
	Leaf                        // no other lock with this flag may be held; of a mutex only

	classMask = 0xff
)

// DefaultPatience is the patience without SetPatience.
const DefaultPatience = 64

// patience is how many times a waiter that was called may find the lock taken before
// nobody may overtake it any more. More is faster, less is fairer; docs/numbers.md.
var patience atomic.Uint32

func init() { patience.Store(DefaultPatience) }

// SetPatience sets the patience of all waiters and returns the old one. It is for
// explorations, which come to a hard waiter sooner if it is small; 0 stands for none.
func SetPatience(n int) (old int) { return int(patience.Swap(uint32(max(n, 0)))) }

func (l *Lock) load() Word { return Word(l.word.Load()) }

// turn makes the word what f makes of it, in one step, if f admits that. What f notes may depend on
// the marks. It is for slow paths.
func (l *Lock) turn(f func(w Word) (now Word, ok bool)) bool {
	seen := hw.Recall()
	for {
		seen.Forget()
		w := l.load()
		now, ok := f(w)
		if !ok || now == w || l.word.CompareAndSwap(uint64(w), uint64(now)) {
			seen.Forget(hw.Bit(ok), uint64(w&marks))
			return ok
		}
		// Somebody took or left it, came or went as a visitor, or began to wait.
	}
}

// Class is the class of a lock that was used, or NoClass.
func (l *Lock) Class() thread.Class { return thread.Class(l.about.Load() & classMask) }

// Flag says whether the lock has the flag.
func (l *Lock) Flag(f uint32) bool { return l.about.Load()&f != 0 }

// recurses says whether the owner may take the lock again.
func (l *Lock) recurses(c thread.Class) bool { return c.GivenUp() || l.Flag(Recurse) }

// identify notes the class of the lock, for those who know no more than the lock.
func (l *Lock) identify(c thread.Class) {
	if l.Class() == thread.NoClass {
		l.about.Or(uint32(c))
	}
}

// enter begins an operation by a thread.
func (l *Lock) enter(h *thread.Handle, op string, c thread.Class) *thread.Record {
	return thread.EnterLock(h, op, &l.Object, c)
}

// Word is the state of the lock at some moment.
func (l *Lock) Word() Word { return l.load() }

// Holder is that of thread.Lock.
func (l *Lock) Holder() uint32 { return l.load().Owner() }

// Obj is that of thread.Lock.
func (l *Lock) Obj() *thread.Object { return &l.Object }

// What is that of thread.Lock.
func (l *Lock) What() string { return l.Title(l.Class()) }

// WouldWait is that of thread.Lock. A host may ask on any goroutine.
//
//go:norace
func (l *Lock) WouldWait(r *thread.Record, m token.Mode) bool {
	if c := l.Class(); c == thread.RM || c == thread.SleepableRM {
		return rmOf(l).wouldWait(r, m)
	}
	w := l.counted()
	if w.Owner() == r.ID() || w.Owner() == dead.Owner() {
		return false // what it does then is not waiting
	}
	return !w.admits(m, l.sharer(r, m), l.Flag(PassX))
}

// sharer says whether m is Shared and the thread has a share already (T3); of a lockmgr lock, of
// any of them.
//
//go:norace
func (l *Lock) sharer(r *thread.Record, m token.Mode) bool {
	if m != token.Shared {
		return false
	}
	return r.HasShare(&l.Object, thread.NoClass) ||
		l.Class() == thread.Lockmgr && !l.Flag(NoAvoid) && r.HasShare(nil, thread.Lockmgr)
}

// Acquire takes the lock exclusively and says whether a token changed hands meanwhile.
func Acquire(h *thread.Handle, l *Lock, c thread.Class) (changed bool) {
	if h == nil || invariants.Enabled && h.Detour() {
		return acquireSlow(h, l, c, token.Exclusive)
	}
	if r := h.Fast(); r != nil { // looking first is cheaper than a CAS that fails
		if w := l.load(); w&^(waitX|waitS|called|kept|calmest) == 0 {
			if l.word.CompareAndSwap(uint64(w), uint64(w&^calmest)|r.Own()) { // T1
				r.Push(&l.Object, c, token.Exclusive)
				return false
			}
		}
	}
	return acquireSlow(h, l, c, token.Exclusive)
}

// AcquireFor is Acquire by an operation of what has the lock inside, which a misuse names.
func AcquireFor(h *thread.Handle, l *Lock, c thread.Class, op string) (changed bool) {
	if h != nil && !(invariants.Enabled && h.Detour()) {
		if r := h.Fast(); r != nil && l.word.CompareAndSwap(0, r.Own()) { // T1
			r.Push(&l.Object, c, token.Exclusive)
			return false
		}
	}
	r := l.enter(h, op, c)
	changed, _ = l.acquire(r, op, c, Request{Mode: token.Exclusive})
	r.Leave()
	return changed
}

// AcquireLeaf is Acquire of a mutex with the flag Leaf, for a thread that must not have another one.
func AcquireLeaf(h *thread.Handle, l *Lock) (changed bool) {
	if h != nil && !h.Lockless() {
		r := l.enter(h, "Lock", thread.Mutex)
		l.isLeaf(r, "Lock", nil)
		r.Leave()
	}
	return Acquire(h, l, thread.Mutex)
}

// isLeaf panics if the thread has a lock with the flag Leaf, other than but.
func (l *Lock) isLeaf(r *thread.Record, op string, but *Lock) {
	r.EachLock(func(obj *thread.Object, c thread.Class, _ token.Mode) {
		if o := of(obj); c == thread.Mutex && o != but && o.Flag(Leaf) {
			r.MisuseLock(op, &l.Object, thread.Mutex, "the thread has a mutex of a pool already, and two keys may share one"+r.LockSite(obj))
		}
	})
}

// AcquireShared takes the lock shared.
func AcquireShared(h *thread.Handle, l *Lock, c thread.Class) (changed bool) {
	if h == nil || invariants.Enabled && h.Detour() {
		return acquireSlow(h, l, c, token.Shared)
	}
	if r := h.Fast(); r != nil {
		w := l.load()
		if w&^(fieldMask<<shareShift|waitX|waitS|called|calmest) == 0 {
			if l.addShare() < owned {
				r.Push(&l.Object, c, token.Shared)
				return false
			}
			return acquireVisiting(h, r, l, c)
		}
		if w&open != 0 {
			return acquireOpen(h, r, l, c)
		}
	}
	return acquireSlow(h, l, c, token.Shared)
}

// Release undoes the newest exclusive acquisition of the lock by the thread.
func Release(h *thread.Handle, l *Lock, c thread.Class) {
	if h == nil || invariants.Enabled && h.Detour() || planted(TrustsLook) {
		releaseSlow(h, l, c, token.Exclusive)
		return
	}
	if r := h.FastRelease(&l.Object, token.Exclusive); r != nil {
		if own := r.Own(); l.word.Load() == own {
			if l.word.CompareAndSwap(own, 0) { // T5
				r.Pop()
				return
			}
		} else if l.leave(r) {
			r.Pop()
			return
		}
	}
	releaseSlow(h, l, c, token.Exclusive)
}

// leave gives up a lock that somebody waits for or visits, if nobody needs to look and the
// thread is lent nothing that would have to be taken back (T5).
func (l *Lock) leave(r *thread.Record) bool {
	w := l.load()
	if !w.quiet(token.Exclusive) || r.Lent() != 0 || !l.word.CompareAndSwap(uint64(w), uint64(w.without(token.Exclusive))) {
		return false
	}
	r.Released() // somebody may have lent to it after the look
	return true
}

// ReleaseShared undoes the newest shared acquisition of the lock by the thread.
func ReleaseShared(h *thread.Handle, l *Lock, c thread.Class) {
	if h == nil || invariants.Enabled && h.Detour() {
		releaseSlow(h, l, c, token.Shared)
		return
	}
	if r, slot := h.FastShared(&l.Object); r != nil {
		if slot != 0 {
			r.Pop()
			r.Vacate(slot) // goOut, written out
			if l.load()&open == 0 || r.Counted(slot) {
				l.goneOut(r, c, slot)
			}
			return
		}
		w := l.dropShare()
		r.Pop() // not before, since a locked instruction waits for all stores
		if w&marks != 0 && w&(called|barred) != called {
			l.lookAfter(w, c)
		} else if c == thread.RW && r.CountRead() {
			l.noteRead(r, w)
		}
		return
	}
	releaseSlow(h, l, c, token.Shared)
}

// acquireVisiting is AcquireShared of a lock that was owned when the share was added.
func acquireVisiting(h *thread.Handle, r *thread.Record, l *Lock, c thread.Class) (changed bool) {
	if l.stays() {
		r.Push(&l.Object, c, token.Shared)
		return false
	}
	return acquireSlow(h, l, c, token.Shared)
}

// addShare adds a share to a lock that admitted one a moment ago. If it returns a word with
// an owner the thread is a visitor (T2, T3, T15-T17).
func (l *Lock) addShare() Word { return Word(l.word.Add(uint64(share))) }

// stays ends a visit and says whether it has become a hold: whether the owner went first.
func (l *Lock) stays() bool {
	if planted(LeavesAnyway) {
		l.word.Add(^uint64(share - 1))
		return false
	}
	return !l.turn(func(w Word) (Word, bool) { return w - share, w.Owner() != 0 }) // T18
}

// dropShare gives up a share and returns what the word is now (T6).
func (l *Lock) dropShare() Word { return Word(l.word.Add(^uint64(share - 1))) }

// lookAfter calls who is next after dropShare, unless somebody else will.
func (l *Lock) lookAfter(w Word, c thread.Class) {
	if !(w + share).quiet(token.Shared) {
		var s section
		s.begin(l, c)
		s.end(nil)
	}
}

// AcquireUntil takes the lock, given up when done is closed: then ok is false.
func AcquireUntil(h *thread.Handle, l *Lock, c thread.Class, m token.Mode, done <-chan struct{}) (changed, ok bool) {
	op := ops[c][m].context
	r := l.enter(h, op, c)
	changed, out := l.acquire(r, op, c, Request{Mode: m, Done: done})
	r.Leave()
	return changed, out == Got
}

func acquireSlow(h *thread.Handle, l *Lock, c thread.Class, m token.Mode) (changed bool) {
	op := ops[c][m].plain
	r := l.enter(h, op, c)
	changed, _ = l.acquire(r, op, c, Request{Mode: m})
	r.Leave()
	return changed
}

// acquire is the slow half of all acquisitions that may wait.
func (l *Lock) acquire(r *thread.Record, op string, c thread.Class, q Request) (changed bool, out Outcome) {
	l.identify(c)
	q.mayDrop(r, op)
	if r.MayTakeBut(op, &l.Object, c, q.dropped()) && l.Flag(Leaf) {
		l.isLeaf(r, op, l)
	}
	r.Wants(&l.Object, c, q.Mode)
	if out, done := l.again(r, op, c, &q); done {
		q.drop(r)
		return false, out
	}
	q.point(r, l)
	l.alive(r, op)
	if !q.NoWait {
		changed = r.ForceDrop(op)
	}
	waited, out := l.obtain(r, op, c, &q)
	return waited || changed, out
}

// obtain takes the lock, or waits for it. The interlock of the request is dropped.
func (l *Lock) obtain(r *thread.Record, op string, c thread.Class, q *Request) (changed bool, out Outcome) {
	begun, seen := r.Began(), hw.Recall()
	ok := l.takeFor(r, q) || q.maySpin() && l.spin(r, q.Mode, q.Done)
	seen.Forget(hw.Bit(ok))
	switch {
	case ok:
		r.AddLock(&l.Object, c, q.Mode, false, 0)
		q.drop(r)
		return false, Got
	case q.NoWait:
		q.drop(r)
		return false, Busy
	}
	held, out := l.wait(r, op, c, q)
	if out == Got {
		r.AddLock(&l.Object, c, q.Mode, false, r.Took(begun))
	} else if q.granted {
		l.let(r, c, q.Mode, 0)
	}
	changed = r.Resume(held) // with the lock in hand
	seen.Forget(hw.Bit(changed), uint64(out))
	return changed, out
}

// again deals with a lock that the thread has already: it says whether that was all there
// is to do, and how it ended.
func (l *Lock) again(r *thread.Record, op string, c thread.Class, q *Request) (out Outcome, done bool) {
	had, _ := r.LockMode(&l.Object)
	m, recurse := q.Mode, q.Recurse || l.recurses(c)
	switch {
	case had == token.None, had == token.Shared && m == token.Shared:
		return Got, false
	case q.Drain:
		r.MisuseLock(op, &l.Object, c, "the thread has it itself, "+had.String()+", and would wait for itself"+r.LockSite(&l.Object))
	case had == token.Exclusive && m == token.Exclusive && recurse:
		r.AddLock(&l.Object, c, m, true, 0)
		return Got, true
	case q.NoWait && m == token.Exclusive:
		return Busy, true
	case had == token.Exclusive && m == token.Exclusive:
		r.MisuseLock(op, &l.Object, c, "the thread has it already, and it does not recurse"+r.LockSite(&l.Object))
	case had == token.Exclusive && q.Avoid:
		return Deadlock, true
	case had == token.Exclusive:
		r.MisuseLock(op, &l.Object, c, "the thread has it exclusively already; Downgrade makes that a share"+r.LockSite(&l.Object))
	}
	r.MisuseLock(op, &l.Object, c, "the thread has it shared already, and would wait for itself; TryUpgrade does not"+r.LockSite(&l.Object))
	return Got, false
}

// alive panics if the lock was destroyed.
func (l *Lock) alive(r *thread.Record, op string) {
	seen := hw.Recall()
	if l.load().Owner() == dead.Owner() {
		r.TouchedLock(l)
		r.MisuseLock(op, &l.Object, l.Class(), "it was destroyed; it can be used again after Init")
	}
	seen.Forget()
}

// take takes the lock if the word admits that.
func (l *Lock) take(r *thread.Record, m token.Mode) bool {
	admits := func(w Word) bool { return w.admits(m, w != 0 && l.sharer(r, m), l.Flag(PassX)) }
	if m == token.Shared {
		w := l.load()
		if w&open != 0 {
			if l.comeIn(r) {
				return true
			}
			w = l.load()
		}
		return admits(w) && (l.addShare() < owned || l.stays())
	}
	return l.settle(func(w Word) (Word, bool) { return w.with(m, r.ID()), admits(w) }) // T1
}

// How long to look at a lock before waiting for it, while its owner runs: rounds, and
// pauses of the processor in each.
const (
	spins     = 4
	spinPause = 30
)

// spin looks at the lock for a while, as long as its owner runs; on a simulated machine,
// where that is known, until it does not or done is closed. A holder of tokens does not, nor one of what the sleep
// for this lock would give up: others wait for it, and perhaps those whom it would spin on.
func (l *Lock) spin(r *thread.Record, m token.Mode, done <-chan struct{}) bool {
	if r.Holding() || l.Class().Sleepable() && r.GivesUp() || !r.Hosted() && hw.Processors() == 1 {
		return false
	}
	for n := 0; n < spins || r.Hosted() && !hw.Closed(done); n++ {
		o := thread.ByID(l.load().Owner())
		if o == nil || !o.Running() {
			break // shared, or not on a processor
		}
		r.CountSpin()
		if !r.SpinOn(l, m, done) {
			hw.Pause(spinPause)
		}
		if l.take(r, m) {
			return true
		}
	}
	return false
}

// Try takes the lock if that needs no wait.
func Try(h *thread.Handle, l *Lock, c thread.Class, m token.Mode) bool {
	op := ops[c][m].try
	r := l.enter(h, op, c)
	defer r.Leave()
	l.identify(c)
	switch had, _ := r.LockMode(&l.Object); {
	case had == token.Exclusive && m == token.Exclusive && l.recurses(c):
		r.AddLock(&l.Object, c, m, true, 0)
		return true
	case had == token.Exclusive, had == token.Shared && m == token.Exclusive:
		return false
	}
	r.PointLock(thread.OpTryLock, l, m, nil)
	l.alive(r, op)
	if !l.take(r, m) {
		return false
	}
	r.AddLock(&l.Object, c, m, false, 0)
	return true
}

func releaseSlow(h *thread.Handle, l *Lock, c thread.Class, m token.Mode) {
	op := ops[c][m].release
	r := l.enter(h, op, c)
	l.release(r, op, c, m)
	r.Leave()
}

// release is the slow half of all releases.
func (l *Lock) release(r *thread.Record, op string, c thread.Class, m token.Mode) {
	if had, _ := r.LockMode(&l.Object); had == token.None || !r.HoldsLock(&l.Object, m) {
		l.alive(r, op)
		r.MisuseLock(op, &l.Object, c, l.whyNotHeld(r, m))
	}
	if !r.Again(&l.Object, m) {
		r.PointLock(thread.OpUnlock, l, m, nil)
	}
	if again, slot := r.RemoveLock(&l.Object, m); !again {
		l.let(r, c, m, slot)
	}
}

// whyNotHeld explains why the thread cannot release, change or drop a lock that it does not hold in the mode.
func (l *Lock) whyNotHeld(r *thread.Record, m token.Mode) string {
	r.TouchedLock(l)
	if had, _ := r.LockMode(&l.Object); had != token.None {
		return "the thread has it " + had.String() + ", not " + m.String() + r.LockSite(&l.Object)
	}
	switch w := l.exactly(); {
	case w.Owner() == r.ID() && !w.Disowned():
		return "it is a copy of a lock that the thread has; a lock must not be copied (go vet finds that)"
	case w.Owner() != 0:
		return "the thread does not have it; " + ownerName(w) + " does"
	case w.Shares() > 0:
		return "the thread does not have it; others share it, or it is a copy of a lock that is shared (go vet finds that)"
	}
	return "nobody has it: it was never taken, or released once too often or by the wrong thread"
}

// ownerName is how the owner in w is called in messages.
func ownerName(w Word) string {
	if w.Disowned() {
		return "nobody in particular"
	}
	return thread.NameOf(w.Owner())
}

// of is the lock whose Object obj is: its first field.
func of(obj *thread.Object) *Lock { return (*Lock)(unsafe.Pointer(obj)) }
