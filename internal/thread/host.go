package thread

// The seam to what a thread runs on. A thread without a host is a goroutine; one with
// a host, of package sim, runs when that says so. The fast paths of hosted threads
// never succeed, because a bit of their probe is always set, so all that
// the host has to do with lies in the slow halves.

import (
	"math"
	"reflect"
	"slices"
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// Host is what one thread runs on. All but Unpark is called by the thread itself.
// Point, Park and Yield may let other threads run before they return, and may end
// the goroutine (runtime.Goexit) when the run is given up; what the thread
// has under way then is undone by Abandon.
type Host interface {
	// Point is called before the effect of an operation, and returns when the thread
	// is to perform it.
	Point(op Op)
	// Park and Unpark are those of hw.Parker, except that the permit is lost with
	// the run. It never ends the goroutine for internal/sleepq, which first has to
	// take the thread off its queue: that is told hw.Done, and Resume ends it.
	Park(done <-chan struct{}, deadline int64, sleeping bool) hw.Why
	Unpark()
	// Yield lets others run.
	Yield()
	// Spin is Yield for a thread that stays on its CPU, and looks at a lock again and again
	// until that is not InVain or done is closed.
	Spin(l Lock, m token.Mode, done <-chan struct{})
	// Channel performs one of the cases, as reflect.Select does, or returns -1 if wait
	// is false and that would block.
	Channel(cases []reflect.SelectCase, wait bool) (chosen int, v reflect.Value, ok bool)
	// Now is the time that deadlines are told in, never 0.
	Now() int64
	// Dying ends the goroutine if the run is being given up.
	Dying()
	// Running says whether the thread is on a CPU and holds no token: whether it makes
	// sense to spin until it is done. Any thread may ask.
	Running() bool
	// TouchedLock tells that the thread has read or written the queue of a lock other than
	// that of its operation.
	TouchedLock(l Lock)
	// Accessed tells that the thread has read or written what the key stands for, which its operation
	// does not name.
	Accessed(key any, write bool)
	// CritEnter and CritExit are the ends of a critical section of the thread, in which its
	// processor does nothing else. CritExit may let other threads run, if it ends the
	// outermost one.
	CritEnter()
	CritExit()
}

// Spawner is a Host that can start a thread beside its own.
type Spawner interface {
	// Spawn starts a thread that calls f with its *lwkt.Thread and then closes done.
	Spawn(name string, f func(td any), done chan struct{})
}

// OpKind is what a thread is about to do.
type OpKind uint8

// The kinds of operations that a host is told of.
const (
	OpAcquire    OpKind = iota // Tok in Mode, until Done; the thread may hold others
	OpAcquireAll               // Wants, until Done
	OpTry                      // Tok, or Wants
	OpRelease                  // Tok: its word will change
	OpBlock                    // all holds are given up for a function of the user's
	OpResume                   // all holds are taken back
	OpSleep                    // on Key, with all holds given up
	OpWakeup                   // whoever sleeps on Key
	OpMerge                    // Tok into Wants[0].Tok
	OpLock                     // Lock in Mode, until Done; if Attempt is set it may also end in another way
	OpTryLock                  // Lock in Mode
	OpUnlock                   // Lock: its word will change
	OpSpin                     // Lock in Mode, until it has it: it will not park for it
	OpLook                     // at Lock, or Key, or whether Done is closed
	OpChange                   // Lock, or Key
	OpDestroy                  // Lock
	OpSurvey                   // a look at whatever others change
)

// Op is what a thread is about to do.
type Op struct {
	Kind  OpKind
	Mode  token.Mode
	Tok   *token.Token
	Wants []token.Want
	Key   any
	Lock  Lock
	Done  <-chan struct{}

	// Attempt says that the thread is to perform the operation even if it would have to wait:
	// it may fail, or drops something first, or its time may be over.
	Attempt bool
	Change  Change // that the operation is of a lock which the thread has
}

// Change is what becomes of a lock that a thread has.
type Change uint8

// The changes.
const (
	NoChange  Change = iota
	Upgrade          // of OpLock and OpTryLock: a share becomes exclusive use
	Downgrade        // of OpUnlock: exclusive use becomes a share
	Disown           // of OpUnlock: it becomes nobody's in particular
)

// Lock is a lock as a host sees it.
type Lock interface {
	// WouldWait says whether the thread would have to wait for it in the mode.
	WouldWait(r *Record, m token.Mode) bool
	// Holder is the identity of who has it exclusively, or 0.
	Holder() uint32
	// Obj is its Object.
	Obj() *Object
	// What names it for a message.
	What() string
}

// point tells the host, if there is one, of an operation on one token.
func (r *Record) point(kind OpKind, t *token.Token, m token.Mode) {
	if r.host != nil {
		r.host.Point(Op{Kind: kind, Tok: t, Mode: m})
	}
}

// pointSet tells the host of an operation on several tokens.
func (r *Record) pointSet(kind OpKind, wants []token.Want, done <-chan struct{}) {
	if r.host != nil {
		r.host.Point(Op{Kind: kind, Wants: slices.Clone(wants), Done: done})
	}
}

// Point tells the host of an operation on a wait channel.
func (r *Record) Point(kind OpKind, key any) {
	if r.host != nil {
		r.host.Point(Op{Kind: kind, Key: key})
	}
}

// PointLock tells the host of an operation on a lock.
func (r *Record) PointLock(kind OpKind, l Lock, m token.Mode, done <-chan struct{}) {
	if r.host != nil {
		r.host.Point(Op{Kind: kind, Lock: l, Mode: m, Done: done})
	}
}

// PointAttempt is PointLock of an OpLock that is an attempt.
func (r *Record) PointAttempt(l Lock, m token.Mode, done <-chan struct{}) {
	if r.host != nil {
		r.host.Point(Op{Kind: OpLock, Lock: l, Mode: m, Done: done, Attempt: true})
	}
}

// PointChange tells the host of a change of a lock that the thread has, which may fail or wait.
func (r *Record) PointChange(kind OpKind, c Change, l Lock, done <-chan struct{}) {
	if r.host != nil {
		r.host.Point(Op{Kind: kind, Change: c, Lock: l, Mode: token.Exclusive, Done: done, Attempt: kind == OpLock})
	}
}

// TouchedLock tells the host that the queue of another lock was read or written.
func (r *Record) TouchedLock(l Lock) {
	if r.host != nil {
		r.host.TouchedLock(l)
	}
}

// Accessed tells the host that something was read or written beside the object of the operation.
func (r *Record) Accessed(key any, write bool) {
	if r.host != nil {
		r.host.Accessed(key, write)
	}
}

// Simulated is the host of the simulated thread that calls, or nil. It is for operations that are not
// told their thread, none of which is fast. Package sim sets it.
var Simulated = func() Host { return nil }

// Announce is a Point of the simulated thread that calls, if one does.
func Announce(op Op) {
	if h := Simulated(); h != nil {
		h.Point(op)
	}
}

// Accessed is Accessed of the simulated thread that calls, if one does.
func Accessed(key any, write bool) {
	if h := Simulated(); h != nil {
		h.Accessed(key, write)
	}
}

// Spin lets a simulated thread use up the time of a round of spinning; it says whether
// the thread is one.
func (r *Record) Spin() (simulated bool) {
	if r.host != nil {
		r.host.Yield()
	}
	return r.host != nil
}

// SpinOn is Spin on a lock that the thread wants in the mode until done is closed. Explorations
// end only if they know what is spun on.
func (r *Record) SpinOn(l Lock, m token.Mode, done <-chan struct{}) (simulated bool) {
	if r.host != nil {
		r.host.Spin(l, m, done)
	}
	return r.host != nil
}

// InVain says whether to look at the lock once more would change nothing: its owner runs,
// and keeps the thread out.
func (r *Record) InVain(l Lock, m token.Mode) bool {
	o := ByID(l.Holder())
	return o != nil && o.Running() && l.WouldWait(r, m)
}

// Hosted says whether the thread runs on a host.
func (r *Record) Hosted() bool { return r.host != nil }

// Now is the time of the thread's host, in which its deadlines are told.
func (r *Record) Now() int64 {
	if r.host != nil {
		return r.host.Now()
	}
	return hw.Now()
}

// Deadline is when a wait that begins now and lasts so many nanoseconds is over: at once if they are
// negative, never, which is 0, if they are 0.
func (r *Record) Deadline(wait int64) int64 {
	if wait == 0 {
		return 0
	}
	now := r.Now()
	return now + min(max(wait, 0), math.MaxInt64-now)
}

// visible says whether the release of the newest reference of the hold at i changes
// the token's word.
func (r *Record) visible(i int) bool {
	p := &r.holds[i]
	return p.depth == 1 || p.shares == p.depth-1
}

// Hosted returns the host of the thread, or nil.
func Hosted(h *Handle) Host {
	if h == nil || h.rec == nil {
		return nil
	}
	return h.rec.host
}

// HandleOf returns the handle of a *lwkt.Thread. Package lwkt sets it, so that
// package sim can start and recognize threads and nobody else.
var HandleOf func(td any) *Handle

// HandleAt is HandleOf of a *lwkt.Thread for fast paths outside that package: its handle is what
// a Thread begins with.
func HandleAt(td unsafe.Pointer) *Handle { return (*Handle)(td) }

// NewHosted makes a record for the host, to be used by one thread after the other.
func NewHosted(host Host, seen token.Observer) *Record {
	r := addRecord(host)
	r.claim.Observer = seen
	return r
}

// Attach is Start of a handle with a record of NewHosted that no thread uses. num is
// not 0, and for messages.
func Attach(h *Handle, r *Record, name string, num uint64, grade int32) {
	h.rec, h.name, h.num = r, name, num
	r.setGrade(grade)
	r.guest.Store(h)
	if r.probe.Load()&lentTo != 0 { // by one that was given up after this one
		r.probe.And(^lentTo)
	}
}

// user is the handle of the thread that uses the record, or nil. Whoever asks while a hosted thread
// ends gets either.
//
//go:norace
func (r *Record) user() *Handle {
	if r.host == nil {
		return r.handle
	}
	if h := r.guest.Load(); h != nil && h.rec == r {
		return h
	}
	return nil
}

// Probe says whether the word is the thread's probe. What the thread writes to it itself
// nobody else looks at, but for lentTo, which is written under Lending.
func (r *Record) Probe(word unsafe.Pointer) bool { return word == unsafe.Pointer(&r.probe) }

// StillHeld is what Detach will return.
func StillHeld(h *Handle) (held string) { return h.rec.leftOver() }

// Detach is End of a handle that was attached. The thread has returned.
func Detach(h *Handle) (held string) {
	held = StillHeld(h)
	h.rec.retire()
	h.rec = &ended
	return held
}

// Abandon is Detach of a thread that was ended in the middle of something: a claim
// that is filed is withdrawn, what it holds is released.
func Abandon(h *Handle) {
	r := h.rec
	if r.claim.Cancel() {
		clear(r.holds[r.base:]) // given up for the claim, or by its grant
		r.n = r.base
	}
	r.retire()
	h.rec = &ended
}

func (r *Record) retire() {
	r.leaves()
	r.Settle()
	if len(r.lendees) > 0 || r.lends.Load() != 0 {
		r.stopLending() // it was ended while it waited
	}
	for r.n > r.base {
		r.discard(int(r.n) - 1)
	}
	if r.base > 0 {
		clear(r.holds)
	}
	r.n, r.base = 0, 0
	r.discardLocks()
	r.reset()
	if r.probe.Load()&(busy|nested|lentTo) != 0 {
		r.probe.And(^(busy | nested | lentTo))
	}
}

// What follows a host may ask while the thread is at a Point or in Park, whatever
// goroutine it is on; the race detector need not know.

// Holding says whether the thread holds a token now.
//
//go:norace
func (r *Record) Holding() bool { return r.n > r.base }

// HasShare says whether the thread has a share of the lock, or if that is nil of any lock of the
// class.
//
//go:norace
func (r *Record) HasShare(obj *Object, c Class) bool {
	for i := range r.locks[:r.nlocks] {
		if p := &r.locks[i]; p.mode == token.Shared && (p.obj == obj || obj == nil && p.class == c) {
			return true
		}
	}
	return false
}

// Forced says whether forced drops are on for the thread.
//
//go:norace
func (r *Record) Forced() bool { return r.probe.Load()&force != 0 }

// EachHold calls f for each token that the thread holds, or is about to take back.
//
//go:norace
func (r *Record) EachHold(f func(t *token.Token, m token.Mode)) {
	for i := r.base; i < r.n; i++ {
		f(r.holds[i].tok, r.holds[i].mode())
	}
}

// EachWant calls f for each token of the claim that the thread waits with.
//
//go:norace
func (r *Record) EachWant(f func(t *token.Token, m token.Mode)) {
	for i := range r.claim.Wants {
		if w := &r.claim.Wants[i]; w.Tok != nil {
			f(w.Tok, w.Mode)
		}
	}
}

// WouldWait says whether the retake of what the thread gave up would wait.
//
//go:norace
func (r *Record) WouldWait() bool {
	for i := r.base; i < r.n; i++ {
		if r.holds[i].tok.WouldWait(r.holds[i].mode()) {
			return true
		}
	}
	return false
}
