// Package thread is the thread record, the holds of a thread, and the one point
// at which a thread can block. Every lock above it parks here and nowhere else,
// because here the tokens of the thread are given up and taken back.
package thread

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// Handle is what a user's thread handle points to. It is small and never used
// again; the record behind it is pooled, so that a handle kept for too long finds
// the record of nobody, not of somebody else.
type Handle struct {
	rec  *Record // the pooled record while the thread lives, then &ended
	name string
	num  uint64 // number of the thread, for messages; never used again
}

// Record is everything about a living thread.
//
// Bits of probe: why the fast paths of this thread are to take the slow way.
//   - busy: a slow path of this thread is under way. Set and cleared by it. Never
//     missing, so that a second goroutine on the same handle is caught.
//   - gone: the thread ended; only in the record that ended handles point to.
//   - nested: inside Block with tokens given up; what is taken there may be one
//     of them. Set and cleared by the thread.
//   - record, force, check, witnessed: statistics, forced drops, checks of the hierarchy, the witness are on. Set and cleared
//     for all threads at once; may be seen late.
//   - lentTo: who waits for a token of this thread lends to it, so a release has to look.
//     Set by the one who waits (Lending), cleared by the thread; may be there without cause.
//   - hosted: the thread has a host (host.go), which must see each operation. Constant.
//
// Invariants:
//
//	R1 holds[base:n] is what the thread holds; holds[:base] is what it gave up for
//	   the Blocks that it is in. Each token is there at most once above base.
//	R2 while the thread is parked, or runs what was given to Block, the words of the
//	   tokens in holds do not count it.
//	R3 only the thread's goroutine touches a field that is not marked.
//	R4 recent is a slot of holds, the one that was acquired again last. If its token is
//	   t, it is the hold of t: slots that are not in use have no token, and while
//	   there are some below base, probe is not 0.
//
// Layout: below. Transitions: holds.go and block.go.
// Lock order: all.lock is a leaf. Blocking: only in park.
// Departures: DragonFly's stack of 32 tokrefs per thread grows here, and is
// released in any order.
type Record struct {
	probe hw.Uint32

	n, base int32      // R1
	entered int32      // base when the slow path under way began
	id      uint32     // identity in token words; constant
	crowd   bool       // the token taken last was waited for
	own     token.Word // word of a free token that this thread takes; constant
	seq     uint64     // clock of losses and marks; bits 0 and 1 are zero
	holds   []hold     // R1; grows
	recent  *hold      // R4
	sites   []uintptr  // beside holds, where each was acquired; valid where hold.noted

	nlocks    int32
	locks     []lockHold // K1; grows
	lockNotes []lockNote // beside locks, if that is recorded

	grade    atomic.Int32 // its own; written by the thread
	lent     hw.Uint32    // (Lending to write) N1
	lending               // (Lending)
	reads                 // (reads.go)
	noBlock  int32        // depth of NoBlock scopes
	crit     int32        // depth of critical sections
	sleeping              // G1
	context  Context      // for the hierarchy

	wit        *engine.Thread // as the witness knows it, once it does
	origin     engine.Origin  // for it
	unwatched  bool           // it is not told any more
	witnessing uint32         // of witnessings, when it was told last
	stats      Stats

	handle *Handle // (all.lock) nil when pooled
	goid   uint64  // goroutine id, found when first needed

	claim token.Claim
	park  hw.Parker
	host  Host                   // what the thread runs on; nil: a goroutine. Constant
	guest atomic.Pointer[Handle] // if there is a host: of the thread that uses the record, or has
	off   atomic.Bool            // a goroutine that is parked
	sleep any                    // what internal/waitq keeps per thread

	first      [4]hold       // backing of holds, to begin with
	firstLocks [6]lockHold   // backing of locks, to begin with
	want       [4]token.Want // backing of claim.Wants, to begin with
}

const (
	busy uint32 = 1 << iota
	gone
	nested
	record
	force
	hosted
	check
	lentTo
	witnessed
)

// Priorities, as in DragonFly: 31 is best.
const (
	MinPriority     = 0
	DefaultPriority = 16
	MaxPriority     = 31
)

// kernel is how far the grade of a thread is above its priority. A grade is what waits are ordered by and
// what is lent. That of a thread in user mode, which only a simulated machine has, is its mere priority, and so below all others.
const kernel = MaxPriority + 1

// GradeOf is the grade of a thread with this priority of its own.
func GradeOf(priority int, user bool) int32 {
	if user {
		return int32(priority)
	}
	return int32(priority) + kernel
}

// PriorityOf is the priority in a grade.
func PriorityOf(grade int32) int { return int(grade) % kernel }

// Stats count what a thread did. They cost nothing on a fast path.
type Stats struct {
	Waits   uint64 // acquisitions that could not be granted at once
	Drops   uint64 // times that held tokens were given up to block
	Changes uint64 // drops after which a token turned out to have changed hands
	Spins   uint64 // rounds of looking at a lock while its owner ran
	// MaxOvertaken is the largest number of times that one wait was overtaken.
	MaxOvertaken uint64
}

// ended is where the handles of ended threads point.
var ended Record

func init() { ended.probe.Store(gone) }

// all is every record ever made; those that no thread uses are pooled.
var all struct {
	lock    hw.SpinLock
	records []*Record // (all.lock) by id-1
	free    []*Record // (all.lock)
	num     uint64    // (all.lock) threads so far
	bits    uint32    // (all.lock) probe bits of every thread

	view atomic.Pointer[[]*Record] // records, for those who look without the lock
}

// Start gives the handle a record.
func Start(h *Handle, name string) {
	all.lock.Lock()
	n := len(all.free)
	if n == 0 {
		all.lock.Unlock()
		addRecord(nil)
		Start(h, name)
		return
	}
	r := all.free[n-1]
	all.free = all.free[:n-1]
	all.num++
	h.rec, h.name, h.num = r, name, all.num
	r.handle = h
	if r.probe.Load() != all.bits {
		r.probe.Store(all.bits)
	}
	all.lock.Unlock()
}

// addRecord makes a record, which is pooled unless it has a host.
func addRecord(host Host) *Record {
	r := new(Record)
	r.holds, r.sites, r.claim.Wants = r.first[:], nil, r.want[:0]
	r.recent = &r.first[0]
	r.claim.Waker = r
	r.locks = r.firstLocks[:]
	r.grade.Store(kernel + DefaultPriority)
	r.host = host
	all.lock.Lock()
	r.id = uint32(len(all.records) + 1)
	if r.id > token.MaxID {
		all.lock.Unlock()
		panic("lwkt: more threads at once than fit into a token's word")
	}
	r.own, r.claim.ID = token.Owned(r.id), r.id
	all.records = append(all.records, r)
	view := all.records // what is in it never changes
	all.view.Store(&view)
	if host != nil {
		r.probe.Store(all.bits | hosted)
	} else {
		all.free = append(all.free, r)
	}
	all.lock.Unlock()
	return r
}

// End retires the handle's record. What the thread still holds is released first,
// and told.
func End(h *Handle) (held string) {
	r := enter(h, "End", nil)
	if r.base > 0 {
		r.misuse("End", nil, "the thread is inside Block")
	}
	r.leaves()
	if held = r.leftOver(); held != "" {
		for r.n > r.base {
			r.discard(int(r.n) - 1)
		}
		r.discardLocks()
		r.giveBack()
	}
	r.reset()
	h.rec = &ended
	all.lock.Lock()
	r.handle = nil
	all.free = append(all.free, r)
	r.probe.Store(all.bits)
	all.lock.Unlock()
	return held
}

// reset makes the record as new for its next thread.
func (r *Record) reset() {
	r.noBlock, r.crit, r.context, r.stats, r.seq, r.goid = 0, 0, Syscall, Stats{}, 0, 0
	r.falling, r.level, r.given = "", 0, r.given[:0]
	r.wakes()
	r.noReaders()
	r.clearSlots()
	r.Settle()
	r.setGrade(kernel + DefaultPriority)
	r.wit, r.origin, r.unwatched = nil, engine.Origin{}, false
}

// detour sends some operations past the fast path, in builds with invariants: at
// random, so that the slow halves are tested too, and all those of a goroutine that
// the thread does not belong to, or with a token that was copied, which the slow half
// finds out.
func (h *Handle) detour(t *token.Token) bool {
	return t.Copied() || invariants.Often() || h.rec != nil && h.rec != &ended && h.rec.foreign()
}

// Unpark lets the parked thread run (token.Waker).
func (r *Record) Unpark() {
	if r.host != nil {
		r.host.Unpark()
		return
	}
	r.park.Unpark()
}

// setProbe switches a probe bit of every thread, now and to come.
func setProbe(bit uint32, on bool) {
	all.lock.Lock()
	defer all.lock.Unlock()
	if on {
		all.bits |= bit
	} else {
		all.bits &^= bit
	}
	for _, r := range all.records {
		if on {
			r.probe.Or(bit)
		} else {
			r.probe.And(^bit)
		}
	}
}

// SetRecording switches the recording of statistics and sites.
func SetRecording(on bool) {
	if on && !Recording() {
		for _, t := range token.Known() {
			t.Describe().Stats.ForgetHolders()
		}
		forgetHolders()
	}
	setProbe(record, on)
}

// forgetHolders is for the moment when the holders of locks begin to be listed.
func forgetHolders() {
	if !Listed() {
		for _, o := range Objects() {
			o.Describe().Stats.ForgetHolders()
		}
	}
}

// Recording says whether it is on.
func Recording() bool { return anyProbe(record) }

// Listed says whether the holders of locks are known: while recording or the witness is on.
func Listed() bool { return anyProbe(record | witnessed) }

func anyProbe(bits uint32) bool {
	all.lock.Lock()
	defer all.lock.Unlock()
	return all.bits&bits != 0
}

// SetForcedDrops makes every operation that could block give up its tokens.
func SetForcedDrops(on bool) { setProbe(force, on) }

// Assign sets a field that points to a record, and that tests watch.
func Assign(p **Record, r *Record) {
	hw.Tell(unsafe.Pointer(p), uint64(uintptr(unsafe.Pointer(*p))), uint64(uintptr(unsafe.Pointer(r))))
	*p = r
}

// NameOf returns how the living thread with this identity is called in messages.
func NameOf(id uint32) string {
	all.lock.Lock()
	defer all.lock.Unlock()
	if i := int(id) - 1; i >= 0 && i < len(all.records) {
		if h := all.records[i].user(); h != nil {
			return h.String()
		}
	}
	return "a thread that has ended"
}

// Name is the name that Start was given.
func (h *Handle) Name() string {
	if h == nil {
		fail(h, "Name", nil, "the thread is nil; pass the one that Go, Run or NewThread gave")
	}
	return h.name
}

// Priority is the thread's own priority, whatever it is lent.
func (h *Handle) Priority() int { return PriorityOf(enter(h, "Priority", nil).leave().grade.Load()) }

// LentPriority is what the thread is lent, or 0.
func (h *Handle) LentPriority() int { return PriorityOf(enter(h, "LentPriority", nil).leave().Lent()) }

// SetPriority is for waits that begin later.
func (h *Handle) SetPriority(p int) {
	r := enter(h, "SetPriority", nil)
	if p < MinPriority || p > MaxPriority {
		r.misuse("SetPriority", nil, fmt.Sprintf("priority %d is out of range 0..31", p))
	}
	if r.setGrade(GradeOf(p, r.grade.Load() < kernel)) {
		Lending.Lock()
		r.Reckon()
		Lending.Unlock()
	}
	r.leave()
}

// Stats returns the thread's counts.
func (h *Handle) Stats() Stats { return enter(h, "Stats", nil).leave().stats }

// ByID is the record with an identity in words, or nil.
func ByID(id uint32) *Record {
	if view := all.view.Load(); view != nil && int(id)-1 < len(*view) && id > 0 {
		return (*view)[id-1]
	}
	return nil
}

// ID is the thread's identity in token words.
func (r *Record) ID() uint32 { return r.id }
