package lock

// What else can be done with a lock: change its mode, begin and end its life, drop it for the
// time of a sleep, and tell about it.
//
// State machine: word.go

import (
	"fmt"
	"strings"

	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
	"github.com/serializing-tokens/lwkt/internal/turnstile"
)

// verbs are what an operation on a lock is called in messages.
type verbs struct{ plain, try, context, release string }

// ops are the verbs by class and mode.
var ops [16][3]verbs

func init() {
	name := func(c thread.Class, m token.Mode, prefix string) {
		ops[c][m] = verbs{prefix + "Lock", "Try" + prefix + "Lock", prefix + "LockContext", prefix + "Unlock"}
	}
	for _, c := range []thread.Class{thread.Mutex, thread.Semaphore, thread.Giant, thread.Spin} {
		name(c, token.Exclusive, "")
	}
	for _, c := range []thread.Class{thread.RW, thread.RM, thread.SleepableRM} {
		name(c, token.Exclusive, "W")
		name(c, token.Shared, "R")
	}
	for _, c := range []thread.Class{thread.SX, thread.Lockmgr} {
		name(c, token.Exclusive, "X")
		name(c, token.Shared, "S")
	}
	ops[thread.Serializer][token.Exclusive] = verbs{"Enter", "TryEnter", "EnterContext", "Exit"}
	for _, c := range []thread.Class{thread.Giant, thread.Mutex, thread.Semaphore, thread.RW, thread.SX, thread.Lockmgr, thread.Serializer} {
		thread.Discard[c] = func(r *thread.Record, obj *thread.Object, m token.Mode) {
			l := of(obj)
			if again, slot := r.RemoveLock(obj, m); !again {
				l.let(r, c, m, slot)
			}
		}
	}
	s := &thread.Surrender[thread.Giant]
	s.Drop = func(r *thread.Record, obj *thread.Object) int { return of(obj).dropAll(r, thread.Giant) }
	s.Retake = func(r *thread.Record, op string, obj *thread.Object, depth int) {
		of(obj).retakeAll(r, op, thread.Giant, depth)
	}
}

// TryUpgrade makes a share exclusive if its thread is the only sharer, and has only one
// share; else the share is kept (T4).
func TryUpgrade(h *thread.Handle, l *Lock, c thread.Class) bool {
	const op = "TryUpgrade"
	r := l.enter(h, op, c)
	defer r.Leave()
	had, depth := r.LockMode(&l.Object)
	if had != token.Shared {
		l.alive(r, op)
		r.MisuseLock(op, &l.Object, c, l.whyNotHeld(r, token.Shared))
	}
	r.PointChange(thread.OpTryLock, thread.Upgrade, l, nil)
	l.surface(r)
	if depth != 1 || !l.change(r.ID(), barred) {
		return false
	}
	r.ChangeLock(&l.Object, token.Exclusive)
	if l.load().Waited() && !c.Sleepable() { // they lend to this thread now
		var s section
		s.begin(l, c)
		if q := s.chain.Find(l); q != nil {
			turnstile.SetOwner(q, r)
		}
		s.end(nil)
	}
	return true
}

// change makes the only share exclusive, if it is the only one and no mark of not is set.
func (l *Lock) change(id uint32, not Word) bool {
	return l.settle(func(w Word) (Word, bool) {
		return w.without(token.Shared).with(token.Exclusive, id), w.only() && w&not == 0
	})
}

// Downgrade makes an exclusive hold a share with no gap, and lets waiting sharers in unless a
// better waiter wants it exclusively (T7). It must not be recursed.
func Downgrade(h *thread.Handle, l *Lock, c thread.Class) {
	const op = "Downgrade"
	r := l.enter(h, op, c)
	defer r.Leave()
	switch had, depth := r.LockMode(&l.Object); {
	case had != token.Exclusive:
		l.alive(r, op)
		r.MisuseLock(op, &l.Object, c, l.whyNotHeld(r, token.Exclusive))
	case depth > 1:
		r.MisuseLock(op, &l.Object, c, fmt.Sprintf("the thread has it %d times", depth))
	}
	r.PointChange(thread.OpUnlock, thread.Downgrade, l, nil)
	r.ChangeLock(&l.Object, token.Shared)
	if l.word.CompareAndSwap(r.Own(), uint64(share)) { // T7
		return
	}
	l.shed(c, share) // T7: somebody waits, or visits
}

// FlagNames names flags of Init for a message.
func FlagNames(flags uint32) string {
	var names []string
	for _, f := range [...]struct {
		flag uint32
		name string
	}{{Recurse, "Recurse"}, {WakeAll, "WakeAll"}, {PassX, "SharersFirst"}, {Sleepable, "Sleepable"}, {DupOK, "DupOK"}, {NoWitness, "NoWitness"}} {
		if flags&f.flag != 0 {
			names, flags = append(names, f.name), flags&^f.flag
		}
	}
	if flags != 0 {
		names = append(names, fmt.Sprintf("%#x", flags))
	}
	return strings.Join(names, "|")
}

// Init gives a lock a name and flags. It panics if the lock has been initialized and not
// destroyed since, or is in use.
func Init(l *Lock, c thread.Class, name string, flags uint32) {
	thread.Announce(thread.Op{Kind: thread.OpChange, Lock: l})
	Initialize(l, c, name, flags)
}

// Initialize is Init of a lock that nobody else knows yet: it is no point at which threads switch.
func Initialize(l *Lock, c thread.Class, name string, flags uint32) {
	if !l.load().tells() {
		l.shut() // it was used before, as a zero lock, and perhaps is in use
	}
	w := l.load() &^ calmest
	switch about := l.about.Load(); {
	case w.Owner() == dead.Owner():
	case about&inited != 0 && c == thread.Giant:
		thread.FailLock(nil, "Init", &l.Object, c, "it was initialized before; a giant lock is once, and has no Destroy")
	case about&inited != 0:
		thread.FailLock(nil, "Init", &l.Object, c, "it was initialized before; Destroy it first")
	case w != 0:
		thread.FailLock(nil, "Init", &l.Object, c, "it is in use")
	}
	l.about.Store(uint32(c) | flags | inited)
	if name != "" || l.Name() != "" {
		l.SetName(name)
	}
	l.SetFlags(flags & (Recurse | DupOK | NoWitness))
	l.revive()
}

// revive makes a destroyed lock free, but for those who visit it, which is misuse (T10).
func (l *Lock) revive() {
	if l.load().Owner() == dead.Owner() {
		l.word.And(^uint64(dead))
	}
}

// Destroy ends the life of a lock until it is initialized again. It must be free, or if own is
// true may be held once by the thread, exclusively; and nobody may wait for it.
func Destroy(h *thread.Handle, l *Lock, c thread.Class, own bool) {
	const op = "Destroy"
	r := l.enter(h, op, c)
	defer r.Leave()
	l.identify(c)
	r.PointLock(thread.OpDestroy, l, token.Exclusive, nil)
	l.alive(r, op)
	if l.settle(func(w Word) (Word, bool) { return dead, w&^calmest == 0 }) { // T10
		return
	}
	had, depth := r.LockMode(&l.Object)
	if own && had == token.Exclusive && depth == 1 && l.turn(func(w Word) (Word, bool) { return w | dead, !w.Waited() }) { // T10
		r.RemoveLock(&l.Object, token.Exclusive)
		return
	}
	switch w := l.load(); {
	case w.Waited():
		r.MisuseLock(op, &l.Object, c, "others wait for it")
	case w.Owner() != 0:
		r.MisuseLock(op, &l.Object, c, ownerName(w)+" has it")
	default:
		r.MisuseLock(op, &l.Object, c, "it is held shared")
	}
}

// Held says how the thread holds the lock, and how many times.
func Held(h *thread.Handle, l *Lock) (m token.Mode, depth int) {
	r := l.enter(h, "Held", l.Class())
	defer r.Leave()
	return r.LockMode(&l.Object)
}

// drop gives the lock up for the time of a sleep and says how it was held, for retake. The
// thread is on its sleep queue already. It must hold the lock, once.
func (l *Lock) drop(r *thread.Record, c thread.Class) (m token.Mode) {
	m, _ = r.LockMode(&l.Object)
	r.TouchedLock(l)
	if again, slot := r.RemoveLock(&l.Object, m); !again { // else it is the lock that a request took once more
		l.let(r, c, m, slot)
	}
	return m
}

// mayDrop panics unless the lock can be dropped for the time of a sleep.
func (l *Lock) mayDrop(r *thread.Record, op string, c thread.Class) {
	switch m, depth := r.LockMode(&l.Object); {
	case m == token.None:
		r.MisuseLock(op, &l.Object, c, "it is the interlock of "+op+", which gives it up, so the thread must have it; "+l.whyNotHeld(r, token.Exclusive))
	case depth > 1:
		r.MisuseLock(op, &l.Object, c, fmt.Sprintf("it is the interlock of %s, which gives it up, so the thread must have it once; it has it %d times", op, depth))
	}
}

// retake takes back what drop gave up.
func (l *Lock) retake(r *thread.Record, op string, c thread.Class, m token.Mode) {
	l.acquire(r, op, c, Request{Mode: m})
}

// dropAll gives up all acquisitions of a lock by its owner, and says how many.
func (l *Lock) dropAll(r *thread.Record, c thread.Class) (depth int) {
	_, depth = r.LockMode(&l.Object)
	r.TouchedLock(l)
	for range depth {
		r.RemoveLock(&l.Object, token.Exclusive)
	}
	l.let(r, c, token.Exclusive, 0)
	return depth
}

// retakeAll takes back what dropAll gave up.
func (l *Lock) retakeAll(r *thread.Record, op string, c thread.Class, depth int) {
	l.acquire(r, op, c, Request{Mode: token.Exclusive})
	for range depth - 1 {
		r.AddLock(&l.Object, c, token.Exclusive, true, 0)
	}
}

// interlock is a lock as a sleep sees it that drops it.
type interlock Lock

// Interlock is the lock as a sleep sees it that drops it.
func (l *Lock) Interlock(c thread.Class) sleepq.Interlock {
	l.identify(c)
	return (*interlock)(l)
}

func (i *interlock) lock() *Lock { return (*Lock)(i) }

// Lock is that of sleepq.Interlock.
func (i *interlock) Lock() thread.Lock { return i.lock() }

// Obj is that of sleepq.Interlock.
func (i *interlock) Obj() *thread.Object { return &i.Object }

// Class is that of sleepq.Interlock.
func (i *interlock) Class() thread.Class { return i.lock().Class() }

// MayDrop is that of sleepq.Interlock. One that any sleep gives up may be held many times.
func (i *interlock) MayDrop(r *thread.Record, op string) {
	if c := i.Class(); !c.GivenUp() || !r.HoldsLock(&i.Object, token.None) {
		i.lock().mayDrop(r, op, c)
	}
}

// Drop is that of sleepq.Interlock.
func (i *interlock) Drop(r *thread.Record) (how int) {
	if c := i.Class(); c.GivenUp() {
		return i.lock().dropAll(r, c)
	}
	return int(i.lock().drop(r, i.Class()))
}

// Retake is that of sleepq.Interlock.
func (i *interlock) Retake(r *thread.Record, op string, how int) {
	if c := i.Class(); c.GivenUp() {
		i.lock().retakeAll(r, op, c, how)
	} else {
		i.lock().retake(r, op, c, token.Mode(how))
	}
}
