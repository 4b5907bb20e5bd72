package thread

// The locks that a thread holds, apart from its tokens: an entry for each acquisition,
// the newest last. A fast path pushes and pops the last one. Who looks for another
// one, tells of it, or has it noted where it was acquired, comes here.
//
// Layout: record.go (locks[:nlocks]).
// Bits: at: where the hold is: in the lock's word; in a slot of the thread (slots.go); or nowhere, since the thread held the lock
// exclusively before, and its word says so already.
// Invariants:
//
//	K1 there is an entry for each acquisition that was not released, and its lock's word
//	   counts the thread unless at says that it is not there, or slots.go that it was counted since.
//	K2 of the exclusive entries of one lock the oldest is the one that is not again, and a release
//	   takes the newest of its mode.
//
// Transitions: none, -push-> held, -remove-> none.
// Lock order: none; the list is the thread's own.
// Blocking: nothing here blocks.
// Departures: FreeBSD counts the read locks of a thread, and with WITNESS lists all.

import (
	"fmt"
	"strings"

	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// lockHold is one acquisition that was not released (K1).
type lockHold struct {
	obj   *Object
	class Class
	mode  token.Mode
	at    uint8
}

// Where a hold is; else it is the number of a slot.
const (
	inWord = 0
	again  = 0xff
)

// lockNote is beside a lockHold: where and when it was acquired, if that is recorded.
type lockNote struct {
	site  uintptr
	since int64 // 0 if its end need not be noted
	count bool  // in the profile
}

// What the fast paths are made of has single comparisons, for the reason given in fast.go.

// Fast returns the record if nothing keeps the thread from a fast path, else nil.
func (h *Handle) Fast() *Record {
	if r := h.rec; r != nil {
		if r.probe.Load() == 0 {
			if int(r.nlocks) < len(r.locks) {
				return r
			}
		}
	}
	return nil
}

// FastRelease is Fast for a release of the newest lock: it also wants that to be obj in
// the mode, not acquired again. An object has one class.
func (h *Handle) FastRelease(obj *Object, m token.Mode) *Record {
	if r := h.rec; r != nil {
		if r.probe.Load() == 0 {
			if i := int(r.nlocks) - 1; uint(i) < uint(len(r.locks)) {
				if p := &r.locks[i]; p.obj == obj {
					if p.mode == m {
						if p.at == inWord {
							return r
						}
					}
				}
			}
		}
	}
	return nil
}

// Lockless says whether the thread is sure to hold no lock.
func (h *Handle) Lockless() bool { return h.rec != nil && h.rec.nlocks == 0 }

// Own is the thread as the owner in the word of a lock that nobody waits for.
func (r *Record) Own() uint64 { return uint64(r.own) }

// Push notes an acquisition after Fast.
func (r *Record) Push(obj *Object, c Class, m token.Mode) {
	n := int(r.nlocks)
	p := &r.locks[n]
	if p.obj != obj || p.class != c || p.mode != m || p.at != inWord { // as a rule it is that, from last time
		p.obj, p.class, p.mode, p.at = obj, c, m, inWord
	}
	r.nlocks = int32(n + 1)
	if invariants.Enabled {
		r.noteLock(n, 0)
	}
}

// Pop forgets the newest one after FastRelease.
func (r *Record) Pop() { r.nlocks-- }

// AddLock notes an acquisition that was waited for so long. had says that the thread
// held the lock exclusively before.
func (r *Record) AddLock(obj *Object, c Class, m token.Mode, had bool, wait int64) {
	i := int(r.nlocks)
	if i == len(r.locks) {
		r.locks = append(r.locks, make([]lockHold, max(i, 4))...)
	}
	at := uint8(again)
	if !had {
		at = r.occupied(obj, c, m)
	}
	r.locks[i] = lockHold{obj, c, m, at}
	r.nlocks++
	r.got(i)
	if r.listed() || invariants.Enabled {
		r.noteLock(i, wait)
	}
}

// RemoveLock forgets the newest entry of obj in the mode, if there is one, and says whether the thread
// holds the lock as before, and which slot the hold is in.
func (r *Record) RemoveLock(obj *Object, m token.Mode) (still bool, slot int) {
	i := r.findLock(obj, m)
	if i < 0 {
		return false, 0
	}
	if at := r.locks[i].at; at == again {
		still = true
	} else {
		slot = int(at)
	}
	r.lets(i)
	r.noteUnlock(i)
	r.cutLock(i)
	return still, slot
}

func (r *Record) cutLock(i int) {
	copy(r.locks[i:r.nlocks], r.locks[i+1:r.nlocks])
	if i < len(r.lockNotes) {
		copy(r.lockNotes[i:], r.lockNotes[i+1:])
	}
	r.nlocks--
	r.locks[r.nlocks] = lockHold{}
}

// findLock is the index of the newest entry of obj in the mode, or any if that is None.
func (r *Record) findLock(obj *Object, m token.Mode) int {
	for i := int(r.nlocks) - 1; i >= 0; i-- {
		if p := &r.locks[i]; p.obj == obj && (m == token.None || p.mode == m) {
			return i
		}
	}
	return -1
}

// LockMode says how the thread holds obj, and how many times. A host may ask while the
// thread waits, on whatever goroutine; the race detector need not know.
//
//go:norace
func (r *Record) LockMode(obj *Object) (m token.Mode, depth int) {
	for i := range r.locks[:r.nlocks] {
		if p := &r.locks[i]; p.obj == obj {
			m = max(m, p.mode)
			depth++
		}
	}
	return m, depth
}

// HoldsLock says whether the thread has obj in the mode.
func (r *Record) HoldsLock(obj *Object, m token.Mode) bool { return r.findLock(obj, m) >= 0 }

// Again says whether a release of the newest hold of obj in the mode leaves the lock with
// the thread.
func (r *Record) Again(obj *Object, m token.Mode) bool {
	return r.locks[r.findLock(obj, m)].at == again
}

// ChangeLock turns the one entry of obj into one of another mode.
func (r *Record) ChangeLock(obj *Object, to token.Mode) {
	i := r.findLock(obj, token.None)
	r.becomes(i, to)
	r.locks[i].mode = to
	if i < len(r.lockNotes) && r.lockNotes[i].since != 0 && r.listed() {
		n := &r.lockNotes[i]
		obj.Describe().Stats.Gained(token.Holder{
			Thread: r.id, Goroutine: r.goid, Mode: to, Since: n.since, Site: n.site,
		}, 0, true)
	}
}

// Upgraded is ChangeLock to exclusive use that was waited for so long: where that is recorded, the share has
// ended, and this is an acquisition of its own.
func (r *Record) Upgraded(obj *Object, wait int64) {
	if i := r.findLock(obj, token.None); wait > 0 && i < len(r.lockNotes) {
		r.becomes(i, token.Exclusive)
		r.noteUnlock(i)
		r.locks[i].mode = token.Exclusive
		r.noteLock(i, wait)
		return
	}
	r.ChangeLock(obj, token.Exclusive)
}

// Locked says whether the thread holds a lock of the class, or any if that is NoClass.
func (r *Record) Locked(c Class) bool {
	for i := range r.locks[:r.nlocks] {
		if c == NoClass || r.locks[i].class == c {
			return true
		}
	}
	return false
}

// lockedBut is Locked, apart from one lock.
func (r *Record) lockedBut(c Class, but *Object) bool {
	for i := range r.locks[:r.nlocks] {
		if p := &r.locks[i]; p.class == c && p.obj != but {
			return true
		}
	}
	return false
}

// EachLock calls f for each lock that the thread holds, the newest first, once for each
// acquisition. A host may ask, as with LockMode.
//
//go:norace
func (r *Record) EachLock(f func(obj *Object, c Class, m token.Mode)) {
	for i := int(r.nlocks) - 1; i >= 0; i-- {
		f(r.locks[i].obj, r.locks[i].class, r.locks[i].mode)
	}
}

// noteLock records where the entry at i was acquired, and since when it is held.
func (r *Record) noteLock(i int, wait int64) {
	for len(r.lockNotes) < len(r.locks) {
		r.lockNotes = append(r.lockNotes, lockNote{})
	}
	n := &r.lockNotes[i]
	*n = lockNote{site: site()}
	if p := &r.locks[i]; r.listed() {
		n.since = r.Now()
		if r.goid == 0 {
			r.goid = goid()
		}
		p.obj.Describe().class.Store(uint32(p.class))
		p.obj.Describe().Stats.Gained(token.Holder{
			Thread: r.id, Goroutine: r.goid, Mode: p.mode, Since: n.since, Site: n.site,
		}, wait, p.at == again)
		if r.recording() {
			n.count = true
			profile(p.obj, p.class, n.site).acquired(wait)
		}
	}
}

// noteUnlock records the end of the entry at i.
func (r *Record) noteUnlock(i int) {
	if i >= len(r.lockNotes) || r.lockNotes[i].since == 0 {
		return
	}
	n, p := &r.lockNotes[i], &r.locks[i]
	now := r.Now()
	if _, depth := r.LockMode(p.obj); depth == 1 { // else the thread is still a holder
		p.obj.Describe().Stats.Lost(r.id, now)
	}
	if n.count {
		profile(p.obj, p.class, n.site).held(now - n.since)
	}
	*n = lockNote{}
}

// LockSite tells where the thread acquired obj first, or how to learn that.
func (r *Record) LockSite(obj *Object) string {
	for i := range r.locks[:r.nlocks] {
		if r.locks[i].obj == obj {
			return r.siteOfLock(i)
		}
	}
	return "; the thread does not hold it"
}

const howToSites = "; where it was acquired is recorded after lwkt.SetRecording(true), and with -tags lwkt_invariants"

func (r *Record) siteOfLock(i int) string {
	if i < len(r.lockNotes) && r.lockNotes[i].site != 0 {
		return "; acquired at " + Site(r.lockNotes[i].site)
	}
	return howToSites
}

// describeLocks lists the locks that the thread holds, for a message.
func (r *Record) describeLocks() string {
	var b strings.Builder
	unknown := false
	for i := range r.locks[:r.nlocks] {
		p := &r.locks[i]
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s (%v)", p.obj.Title(p.class), p.mode)
		if i < len(r.lockNotes) && r.lockNotes[i].site != 0 {
			fmt.Fprintf(&b, " acquired at %s", Site(r.lockNotes[i].site))
		} else {
			unknown = true
		}
	}
	if unknown {
		b.WriteString(howToSites)
	}
	return b.String()
}

// leftOver lists what a thread that ends has not ended: tokens, locks, critical sections;
// or is "".
func (r *Record) leftOver() string {
	if r.n == r.base && r.nlocks == 0 && r.crit == 0 {
		return ""
	}
	var all []string
	if r.n > r.base {
		all = append(all, r.describeHolds())
	}
	if r.crit > r.critOfLocks() {
		all = append(all, "a critical section")
	}
	if r.nlocks > 0 {
		all = append(all, r.describeLocks())
	}
	return strings.Join(all, ", ")
}

// NewestOf is the lock of the class that the thread has taken last, or nil.
func (r *Record) NewestOf(c Class) *Object {
	for i := int(r.nlocks) - 1; i >= 0; i-- {
		if r.locks[i].class == c {
			return r.locks[i].obj
		}
	}
	return nil
}

// Discard releases one acquisition of a lock of the class by a thread that ends.
// Package lock and others set it for the classes that they implement.
var Discard [classes]func(r *Record, obj *Object, m token.Mode)

// discardLocks releases all locks of a thread that ends.
func (r *Record) discardLocks() {
	for r.nlocks > 0 {
		p := r.locks[r.nlocks-1]
		Discard[p.class](r, p.obj, p.mode)
	}
}

// Detour sends some operations past the fast path, in builds with invariants: at random,
// and all those of a goroutine that the thread does not belong to.
func (h *Handle) Detour() bool {
	return invariants.Often() || h.rec != nil && h.rec != &ended && h.rec.foreign()
}

// Began is the time if it is going to be recorded, else 0; Took what has passed since then.
func (r *Record) Began() int64 { return r.now() }

// Took is the time since Began, or 0 if it is not recorded.
func (r *Record) Took(began int64) int64 {
	if began == 0 {
		return 0
	}
	return max(r.Now()-began, 1)
}

// CountWait and CountSpin count for Stats.
func (r *Record) CountWait() { r.stats.Waits++ }

// CountSpin counts a round of spinning.
func (r *Record) CountSpin() { r.stats.Spins++ }

// ForceDrop gives up and takes back what is held, if forced drops are on.
func (r *Record) ForceDrop(op string) (changed bool) { return r.forced(op, nil) }

// MisuseLock panics on behalf of a slow path of this thread with a Misuse of a lock.
func (r *Record) MisuseLock(op string, obj *Object, c Class, why string) {
	h := r.culprit()
	panic(&Misuse{Op: op, Lock: obj.Title(c), Thread: h.String(), Why: why, Where: caller()})
}

// FailLock panics with a Misuse of a lock by the thread h, which may be nil: the program.
func FailLock(h *Handle, op string, obj *Object, c Class, why string) {
	who := "the program"
	if h != nil {
		who = h.String()
	}
	panic(&Misuse{Op: op, Lock: obj.Title(c), Thread: who, Why: why, Where: caller()})
}
