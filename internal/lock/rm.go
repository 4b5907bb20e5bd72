package lock

// The read-mostly lock (rmlock(9)). A reader writes its lock's address into a slot of its own
// thread record, and no word that others write or read while there is no writer. A writer
// takes a lock of the ordinary kind, announces itself, looks through the records of all
// threads for readers, lends them its priority and waits until they are gone.
//
// Layout: back, which writers have exclusively, and readers shared for the moment in which
// they come in after they had to wait for a writer; gate: 8..1 class | 0 announced; the slots of
// package thread.
//
// Bits:
//   - announced: a writer has the lock, or has back and waits for the readers to go. Set and cleared by
//     the one who has back exclusively; and set while the lock is destroyed. Never set without cause, never missing.
//   - slot: the thread reads the lock, or is about to look whether it may. Set and cleared by the thread
//     alone; may be set without cause for a moment, never missing.
//
// Invariants:
//
//	M1 while a writer is between WLock and WUnlock, no slot of a reader that has the lock is set.
//	M2 announced is set only by a holder of back, so it is clear whenever back is held shared.
//	M3 a reader that is kept out by announced, and every other writer, waits for back: there
//	   is one queue, with its priorities and its bound on being overtaken.
//	M4 waiter is nil unless it waits for readers; then its lendees are those that have the
//	   lock, and it is woken by the last of them.
//
// Transitions:
//
//	R1 no slot  --RLock----------------------> slot        (then it looks; edge: last WUnlock, by announced)
//	R2 slot     --RLock that sees announced--> no slot     (and the writer is told, as in R5; then it waits for back)
//	R3 no slot  --RLock that has back shared-> slot        (then back is given up; edge: last WUnlock, by back)
//	R4 no slot  --RLock of one who reads-----> slot        (whatever is announced)
//	R5 slot     --RUnlock--------------------> no slot     (edge: this -> next WLock, by the slot)
//	R6 not announced --WLock that has back, Destroy--> announced   (then a barrier, and it looks at the slots)
//	R7 announced --WUnlock, WLock given up, Init--> not announced  (then back is given up)
//	R8 no waiter --WLock that sees slots----> waiter      (Lending)
//	R9 waiter   --last reader told, given up> no waiter   (Lending)
//	R10 no class --first use, Init----------> class
//	R11 any      --Init---------------------> announced, no class
//
// Who reads the lock has a slot, for each time that it does, and knows that it has. R5 is followed by a look at announced: if it
// is set, the writer is told, under Lending.
//
// Why M1 holds, and R5 misses no writer: a reader writes its slot and then reads announced; a writer writes
// announced and then reads the slots; between its two steps each has a barrier, or the writer has it
// for both (hw.Local). So one of them sees the other. internal/hw has a test that
// goes through all interleavings of the two with stores that are late.
//
// Lock order: back's queue, that is Lending for the plain kind; then Lending.
// Blocking: a reader that finds a writer, and a writer, wait with their tokens given up.
// Departures: FreeBSD has the tracker in the caller's frame and a list of them for each processor, to which a
// reader is pinned; a writer takes away a token of each processor, and readers
// come and get it back. A goroutine cannot be pinned, but has a record of its own.

import (
	"slices"
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
	"github.com/serializing-tokens/lwkt/internal/waitq"
)

// RM is a read-mostly lock. The zero RM is free.
type RM struct {
	back    Lock // the first field: its Object is that of the lock
	gate    thread.Gate
	crowded hw.Uint32        // (Lending to write) len(crowd)
	waiter  *thread.Record   // (Lending) M4
	crowd   []*thread.Record // (Lending) readers that had no slot left, once for each acquisition
}

// class is RM if nothing else was said.
func (m *RM) class() thread.Class {
	c, _ := m.known()
	return c
}

// known is the class, and whether it was noted.
func (m *RM) known() (c thread.Class, ok bool) {
	seen := hw.Recall()
	if c, ok = m.gate.Class(), true; c == thread.NoClass {
		c, ok = thread.RM, false
	}
	seen.Forget(uint64(c), hw.Bit(ok))
	return c, ok
}

// identify notes the class of a zero lock, at its first use.
func (m *RM) identify() thread.Class {
	c, ok := m.known()
	if !ok {
		m.become(c)
	}
	return c
}

func (m *RM) become(c thread.Class) {
	hw.Enlist()
	m.back.identify(c)
	m.gate.Or(uint32(c) << 1) // R10
}

// rmOf is the lock whose back l is: its first field.
func rmOf(l *Lock) *RM { return (*RM)(unsafe.Pointer(l)) }

// Back is the lock that writers take.
func (m *RM) Back() *Lock { return &m.back }

// Title names the lock for a message.
func (m *RM) Title() string { return m.back.Title(m.class()) }

// wouldWait is WouldWait of a read-mostly lock.
//
//go:norace
func (m *RM) wouldWait(r *thread.Record, mode token.Mode) bool {
	w := m.back.load()
	had, _ := r.LockMode(&m.back.Object)
	switch {
	case had != token.None, w.Owner() == dead.Owner():
		return false // it is misuse, or a reader again
	case mode == token.Shared:
		return m.shut()
	}
	return !w.admits(mode, false, false) || m.read()
}

// read says whether anybody reads the lock, or is about to find out that it may not.
func (m *RM) read() (yes bool) {
	seen := hw.Recall()
	if yes = m.crowded.Load() > 0; !yes {
		thread.TrackedBy(&m.back.Object, func(*thread.Record) bool {
			yes = true
			return false
		})
	}
	seen.Forget(hw.Bit(yes))
	return yes
}

// Read takes the lock for reading and says whether a token changed hands meanwhile (R1).
func Read(h *thread.Handle, m *RM) (changed bool) {
	return thread.Read(h, &m.back.Object, &m.gate)
}

// ReadRelease undoes one Read (R5).
func ReadRelease(h *thread.Handle, m *RM) { thread.EndRead(h, &m.back.Object, &m.gate) }

// shut says whether a writer has announced itself, or the lock was destroyed.
func (m *RM) shut() bool { return m.gate.Load()&thread.Announced != 0 }

// announce keeps readers out, and orders that before the next look at their slots.
func (m *RM) announce() {
	m.gate.Or(thread.Announced) // R6
	hw.Barrier()
}

func (m *RM) unannounce() { m.gate.And(^uint32(thread.Announced)) } // R7

// enter is what a reader does if no writer keeps it out (R1, R4).
func (m *RM) enter(r *thread.Record, again bool) bool {
	if again {
		m.track(r) // R4
		return true
	}
	if m.track(r); !m.shut() { // R1
		return true
	}
	m.leave(r) // R2
	return false
}

// track puts the lock into a slot, or the thread into the crowd.
func (m *RM) track(r *thread.Record) {
	if r.TrackAny(&m.back.Object) {
		return
	}
	thread.Lending.Lock()
	m.crowd = append(m.crowd, r)
	m.crowded.Store(uint32(len(m.crowd)))
	thread.Lending.Unlock()
}

// leave undoes track, and tells a writer.
func (m *RM) leave(r *thread.Record) {
	if !r.UntrackAny(&m.back.Object) {
		thread.Lending.Lock()
		i := slices.Index(m.crowd, r)
		m.crowd = slices.Delete(m.crowd, i, i+1)
		m.crowded.Store(uint32(len(m.crowd)))
		thread.Lending.Unlock()
	}
	if m.shut() {
		m.tell(r)
	}
}

// tell takes back what the writer lends to a reader that has gone, and wakes it if that was
// the last one (R9).
func (m *RM) tell(r *thread.Record) {
	var wakes waitq.Wakes
	seen := hw.Recall()
	thread.Lending.Lock()
	if w := m.waiter; w != nil && !r.Tracks(&m.back.Object) && !slices.Contains(m.crowd, r) && w.ReaderGone(r) {
		wakes.Add(w)
	}
	thread.Lending.Unlock()
	seen.Forget(wakes.Sum())
	wakes.Flush()
	seen.Forget()
}

func readSlow(h *thread.Handle, obj *thread.Object) (changed bool) {
	m := rmOf(of(obj))
	c := m.class()
	op := ops[c][token.Shared].plain
	r := m.back.enter(h, op, c)
	changed, _ = m.readFor(r, op, nil)
	r.Leave()
	return changed
}

// ReadUntil is Read, given up when done is closed: then ok is false.
func ReadUntil(h *thread.Handle, m *RM, done <-chan struct{}) (changed, ok bool) {
	op := ops[m.class()][token.Shared].context
	r := m.back.enter(h, op, m.class())
	changed, ok = m.readFor(r, op, done)
	r.Leave()
	return changed, ok
}

// readFor is the slow half of what takes the lock for reading and may wait.
func (m *RM) readFor(r *thread.Record, op string, done <-chan struct{}) (changed, ok bool) {
	l, c := &m.back, m.identify()
	r.MayTake(op, &l.Object, c)
	r.Wants(&l.Object, c, token.Shared)
	had, _ := r.LockMode(&l.Object)
	if had == token.Exclusive {
		r.MisuseLock(op, &l.Object, c, "the thread has it exclusively already"+r.LockSite(&l.Object))
	}
	r.PointLock(thread.OpLock, l, token.Shared, done)
	l.alive(r, op)
	changed = r.ForceDrop(op)
	begun, seen := r.Began(), hw.Recall()
	ok = m.enter(r, had == token.Shared)
	seen.Forget(hw.Bit(ok))
	if ok {
		r.AddLock(&l.Object, c, token.Shared, false, 0)
		return changed, true
	}
	ok = l.take(r, token.Shared) || l.spin(r, token.Shared, done)
	seen.Forget(hw.Bit(ok))
	if ok {
		m.comeIn(r, c, 0)
		return changed, true
	}
	held, out := l.wait(r, op, c, &Request{Mode: token.Shared, Done: done})
	if ok = out == Got; ok {
		m.comeIn(r, c, r.Took(begun))
	}
	return r.Resume(held) || changed, ok
}

// comeIn makes a thread that has back shared a reader (R3, M2).
func (m *RM) comeIn(r *thread.Record, c thread.Class, wait int64) {
	m.track(r)
	m.back.let(r, c, token.Shared, 0)
	r.AddLock(&m.back.Object, c, token.Shared, false, wait)
}

// TryRead is Read if that need not wait.
func TryRead(h *thread.Handle, m *RM) bool {
	l, c := &m.back, m.identify()
	op := ops[c][token.Shared].try
	r := m.back.enter(h, op, c)
	defer r.Leave()
	had, _ := r.LockMode(&l.Object)
	if had == token.Exclusive {
		return false
	}
	r.PointLock(thread.OpTryLock, l, token.Shared, nil)
	l.alive(r, op)
	if !m.enter(r, had == token.Shared) {
		return false
	}
	r.AddLock(&l.Object, c, token.Shared, false, 0)
	return true
}

// WriteRelease undoes Write.
func WriteRelease(h *thread.Handle, m *RM) { m.release(h, token.Exclusive) }

// release is the slow half of both releases.
func (m *RM) release(h *thread.Handle, mode token.Mode) {
	l, c := &m.back, m.class()
	op := ops[c][mode].release
	r := m.back.enter(h, op, c)
	defer r.Leave()
	if !r.HoldsLock(&l.Object, mode) {
		l.alive(r, op)
		r.MisuseLock(op, &l.Object, c, m.whyNotHeld(r, mode))
	}
	r.PointLock(thread.OpUnlock, l, mode, nil)
	r.RemoveLock(&l.Object, mode)
	m.let(r, c, mode)
}

// let gives up what the thread has of the lock.
func (m *RM) let(r *thread.Record, c thread.Class, mode token.Mode) {
	if mode == token.Shared {
		m.leave(r) // R5
		return
	}
	m.unannounce() // R7
	m.back.let(r, c, token.Exclusive, 0)
}

func (m *RM) whyNotHeld(r *thread.Record, mode token.Mode) string {
	if had, _ := r.LockMode(&m.back.Object); had == token.None && m.read() {
		return "the thread does not have it; others read it"
	}
	return m.back.whyNotHeld(r, mode)
}

// Write takes the lock exclusively and says whether a token changed hands meanwhile.
func Write(h *thread.Handle, m *RM) (changed bool) {
	op := ops[m.class()][token.Exclusive].plain
	r := m.back.enter(h, op, m.class())
	changed, _ = m.writeFor(r, op, nil)
	r.Leave()
	return changed
}

// WriteUntil is Write, given up when done is closed: then ok is false.
func WriteUntil(h *thread.Handle, m *RM, done <-chan struct{}) (changed, ok bool) {
	op := ops[m.class()][token.Exclusive].context
	r := m.back.enter(h, op, m.class())
	changed, ok = m.writeFor(r, op, done)
	r.Leave()
	return changed, ok
}

// writeFor is what takes the lock for writing and may wait.
func (m *RM) writeFor(r *thread.Record, op string, done <-chan struct{}) (changed, ok bool) {
	l, c := &m.back, m.identify()
	r.MayTake(op, &l.Object, c)
	r.Wants(&l.Object, c, token.Exclusive)
	switch had, _ := r.LockMode(&l.Object); had {
	case token.Exclusive:
		r.MisuseLock(op, &l.Object, c, "the thread has it already, and its writers do not recurse"+r.LockSite(&l.Object))
	case token.Shared:
		r.MisuseLock(op, &l.Object, c, "the thread reads it already, and would wait for itself"+r.LockSite(&l.Object))
	}
	r.PointLock(thread.OpLock, l, token.Exclusive, done)
	l.alive(r, op)
	changed = r.ForceDrop(op)
	begun, seen := r.Began(), hw.Recall()
	d := draining{m: m, r: r, op: op, c: c}
	d.dropped = !l.take(r, token.Exclusive) && !l.spin(r, token.Exclusive, done)
	seen.Forget(hw.Bit(d.dropped))
	if d.dropped {
		var out Outcome
		if d.held, out = l.wait(r, op, c, &Request{Mode: token.Exclusive, Done: done}); out != Got {
			return r.Resume(d.held) || changed, false
		}
	}
	ok = d.readers(done)
	seen.Forget(hw.Bit(ok), hw.Bit(d.dropped))
	if ok {
		wait := int64(0)
		if d.dropped {
			wait = r.Took(begun)
		}
		r.AddLock(&l.Object, c, token.Exclusive, false, wait)
	}
	if d.dropped {
		changed = r.Resume(d.held) || changed
	}
	return changed, ok
}

// TryWrite is Write if that need not wait.
func TryWrite(h *thread.Handle, m *RM) bool {
	l, c := &m.back, m.identify()
	op := ops[c][token.Exclusive].try
	r := m.back.enter(h, op, c)
	defer r.Leave()
	if had, _ := r.LockMode(&l.Object); had != token.None {
		return false
	}
	r.PointLock(thread.OpTryLock, l, token.Exclusive, nil)
	l.alive(r, op)
	if m.read() || !l.take(r, token.Exclusive) {
		return false
	}
	m.announce()
	if m.read() { // it came between
		m.let(r, c, token.Exclusive)
		return false
	}
	r.AddLock(&l.Object, c, token.Exclusive, false, 0)
	return true
}

// draining is a writer, which has back, on its way to having the lock.
type draining struct {
	m       *RM
	r       *thread.Record
	op      string
	c       thread.Class
	dropped bool // tokens were given up, and are to be taken back by Resume
	held    thread.Suspended
}

// readers waits until nobody reads (R6, R8). If done is closed first, or it panics, back is
// given up.
func (d *draining) readers(done <-chan struct{}) (ok bool) {
	m, r := d.m, d.r
	m.announce()
	if !m.read() || d.spin() {
		return true
	}
	seen := hw.Recall()
	defer func() {
		if !ok {
			m.let(r, d.c, token.Exclusive)
		}
	}()
	r.MayDrop(d.op)
	r.CountWait()
	r.PreparePark()
	r.FindReaders(&m.back.Object)
	thread.Lending.Lock()
	thread.Assign(&m.waiter, r) // R8
	sleeper := r.AwaitReaders(&m.back.Object, m.crowd)
	n := r.Awaited()
	thread.Lending.Unlock()
	seen.Forget(uint64(n), hw.Bit(sleeper != ""))
	if sleeper != "" {
		m.stop(r)
		r.MisuseLock(d.op, &m.back.Object, d.c, sleeper)
	}
	if n > 0 && !d.dropped { // in view of the readers already, so the last one is not missed
		d.dropped = true
		d.held = r.Suspend()
	}
	for why := hw.Permit; n > 0 && why == hw.Permit; {
		seen.Forget(uint64(n))
		if done == nil {
			r.Parks(&m.back.Object, d.c, token.Exclusive)
		}
		why = r.Park(done, 0)
		if done == nil {
			r.Unparks()
		}
		thread.Lending.Lock()
		n = r.Awaited()
		thread.Lending.Unlock()
	}
	seen.Forget(uint64(n))
	m.stop(r)
	return n == 0
}

// stop ends the wait for readers (M4).
func (m *RM) stop(r *thread.Record) {
	thread.Lending.Lock()
	thread.Assign(&m.waiter, nil) // R9
	thread.Lending.Unlock()
	r.ForgetReaders()
}

// spin looks for a moment whether the readers go, which as a rule they do.
func (d *draining) spin() bool {
	if d.r.Holding() || d.r.Hosted() || hw.Processors() == 1 {
		return false
	}
	for range spins {
		d.r.CountSpin()
		hw.Pause(spinPause)
		if !d.m.read() {
			return true
		}
	}
	return false
}

// InitRM gives a lock a name and flags, Sleepable among them.
func InitRM(m *RM, name string, flags uint32) {
	thread.Announce(thread.Op{Kind: thread.OpChange, Lock: &m.back})
	c := thread.RM
	if flags&Sleepable != 0 {
		c = thread.SleepableRM
	}
	if m.back.load() == 0 && m.read() {
		thread.FailLock(nil, "Init", &m.back.Object, m.class(), "it is in use")
	}
	Initialize(&m.back, c, name, flags)
	m.gate.Store(thread.Announced) // R11: it may have been another class before
	m.become(c)
	m.unannounce()
}

// DestroyRM ends the life of a lock until it is initialized again. It must be free.
func DestroyRM(h *thread.Handle, m *RM) {
	const op = "Destroy"
	l, c := &m.back, m.identify()
	Destroy(h, l, c, false)
	m.announce() // so that readers look at the word
	if m.read() {
		m.unannounce()
		l.revive() // undoes T10
		thread.FailLock(h, op, &l.Object, c, "it is held shared")
	}
}

// rmInterlock is a read-mostly lock as a sleep sees it that drops it.
type rmInterlock RM

// Interlock is the lock as a sleep sees it that drops it.
func (m *RM) Interlock() sleepq.Interlock {
	m.identify()
	return (*rmInterlock)(m)
}

// Lock is that of sleepq.Interlock.
func (i *rmInterlock) Lock() thread.Lock { return &i.back }

// Obj is that of sleepq.Interlock.
func (i *rmInterlock) Obj() *thread.Object { return &i.back.Object }

// Class is that of sleepq.Interlock.
func (i *rmInterlock) Class() thread.Class { return (*RM)(i).class() }

// MayDrop is that of sleepq.Interlock.
func (i *rmInterlock) MayDrop(r *thread.Record, op string) { i.back.mayDrop(r, op, i.Class()) }

// Drop is that of sleepq.Interlock.
func (i *rmInterlock) Drop(r *thread.Record) (how int) {
	mode, _ := r.LockMode(&i.back.Object)
	r.TouchedLock(&i.back)
	r.RemoveLock(&i.back.Object, mode)
	(*RM)(i).let(r, i.Class(), mode)
	return int(mode)
}

// Retake is that of sleepq.Interlock.
func (i *rmInterlock) Retake(r *thread.Record, op string, how int) {
	if token.Mode(how) == token.Shared {
		(*RM)(i).readFor(r, op, nil)
	} else {
		(*RM)(i).writeFor(r, op, nil)
	}
}

func init() {
	thread.ReadSlow = readSlow
	thread.EndReadSlow = func(h *thread.Handle, obj *thread.Object) { rmOf(of(obj)).release(h, token.Shared) }
	thread.ReaderLeft = func(r *thread.Record, obj *thread.Object) { rmOf(of(obj)).tell(r) }
	for _, c := range []thread.Class{thread.RM, thread.SleepableRM} {
		thread.Discard[c] = func(r *thread.Record, obj *thread.Object, mode token.Mode) {
			r.RemoveLock(obj, mode)
			rmOf(of(obj)).let(r, c, mode)
		}
	}
}
