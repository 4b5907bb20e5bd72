package thread

// Lending of priority. A thread that waits for what another one owns lends it its
// priority, and that one lends it on to whomever it waits for itself. What a thread is
// lent is never kept up by increments: it is reckoned anew from who waits for it
// now, so that it ends with its cause.
//
// Layout: a thread is blocked on at most one turnstile, or waits for tokens, or for the readers of
// a read-mostly lock (reads.go); it owns any number of turnstiles; it lends to the holders of the
// tokens, or to the readers, that it waits for.
// Bits: none.
// Invariants: whenever Lending is free,
//
//	N1 what a thread is lent is the best priority among the waiters of the turnstiles that
//	   it owns, if it has their locks still, and among its lenders, and the one that its last wake-up gave it until the
//	   sleep returns; or 0 if its own is not worse.
//	N2 a thread that is blocked has the place in its queue that its priority gives it.
//	N3 nobody is blocked on the turnstile of a lock, or waits for a reader of it, that the thread which has it keeps
//	   while it sleeps: whoever is second to come panics.
//
// Transitions: none; every change of an owner, a waiter or a priority ends in reckon.
// Lock order: Lending, then the book of package token. Nothing else is taken under it.
// Blocking: Lending spins for sections of some ten instructions for each thread of a chain.
// Departures: FreeBSD does not take back what a waiter lent that lost its own priority; it has a
// lock for each chain, and passes from one to the next.

import (
	"slices"
	"sync/atomic"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// Lending guards turnstiles: their queues, their owners, and what is lent through them.
var Lending hw.SpinLock

// unequal counts the threads that have another grade than the default. While there are none,
// nothing is lent through tokens, and nobody pays for it.
var unequal atomic.Int32

// setGrade sets the thread's own grade and says whether it was another one.
func (r *Record) setGrade(g int32) (changed bool) {
	old := r.grade.Load()
	if old == g {
		return false
	}
	r.grade.Store(g)
	if old != kernel+DefaultPriority {
		unequal.Add(-1)
	}
	if g != kernel+DefaultPriority {
		unequal.Add(1)
	}
	return true
}

// Turnstile is what a thread can be blocked on, as lending sees it.
type Turnstile interface {
	// Owner is who is lent the priority of the waiters, or nil.
	Owner() *Record
	// Best is the best grade of a waiter, or -1.
	Best() int32
	// Moved is called when the priority of a waiter has changed.
	Moved(r *Record)
	// OwnedBy says whether the lock of the turnstile is still the thread's.
	OwnedBy(r *Record) bool
	// Of says whether it is that of a lock.
	Of(obj *Object) bool
	// What names the lock for a message.
	What() string
}

// lending is a thread's part in it.
type lending struct {
	blocked   Turnstile   // (Lending) what it waits for
	contested []Turnstile // (Lending) what it owns and others wait for
	kept      []kept      // (Lending) what it keeps in the sleeps and Blocks that it is in, and must not; written by the thread
	lends     hw.Uint32   // (Lending to write) it lends, or may, for tokens that it waits for
	woken     int32       // (Lending) the grade that its wake-up gave it, or 0
	lendees   []*Record   // (Lending) who holds the tokens, or reads the lock, that it waits for
	lenders   []*Record   // (Lending) who waits for tokens that it holds, or locks that it reads
	awaits    *Object     // (Lending) the lock whose readers are the lendees
}

// kept is a lock that must not be held across sleep, and is by one who does not know that somebody waits for it.
type kept struct {
	obj   *Object
	with  string // all that the thread has, for a message
	level int32  // of the sleep
}

// Grade is what waits of this thread are ordered by: its own, or what it is lent.
//
//go:norace
func (r *Record) Grade() int32 { return max(r.grade.Load(), r.Lent()) }

// OwnGrade is the thread's own, whatever it is lent.
//
//go:norace
func (r *Record) OwnGrade() int32 { return r.grade.Load() }

// Lent is the grade that the thread is lent, or 0.
//
//go:norace
func (r *Record) Lent() int32 { return int32(r.lent.Load()) }

// Released is called by a thread that has let go of a lock without taking Lending, and so may be
// lent what is not due any more (N1).
func (r *Record) Released() {
	seen := hw.Recall()
	if r.Lent() != 0 {
		Lending.Lock()
		r.Reckon()
		Lending.Unlock()
	}
	seen.Forget()
}

// Blocked makes the thread one that waits on t, or on nothing if that is nil. The caller
// has Lending.
func (r *Record) Blocked(t Turnstile) { r.blocked = t }

// BlockedOn is what the thread waits for. The caller has Lending.
func (r *Record) BlockedOn() Turnstile { return r.blocked }

// Contest makes t one of the turnstiles that the thread owns. The caller has Lending.
func (r *Record) Contest(t Turnstile) { r.contested = append(r.contested, t) }

// Uncontest undoes Contest. The caller has Lending, and calls Reckon.
func (r *Record) Uncontest(t Turnstile) {
	if i := slices.Index(r.contested, t); i >= 0 {
		r.contested = slices.Delete(r.contested, i, i+1)
	}
}

// Contested are the turnstiles that the thread owns. The caller has Lending.
func (r *Record) Contested() []Turnstile { return r.contested }

// Reckon brings what the thread is lent up to date, and what it lends itself (N1, N2).
// The caller has Lending.
func (r *Record) Reckon() {
	seen, was := hw.Recall(), r.Grade()
	for {
		best := r.due()
		r.lent.Store(uint32(best))
		if best == 0 || r.due() == best {
			break
		}
		// It let go of a lock meanwhile. If it does so from here on, Released sees what was stored.
	}
	if r.Grade() != was {
		r.passOn()
	}
	seen.Forget()
}

// due is what the thread is to be lent now.
func (r *Record) due() (best int32) {
	for _, t := range r.contested {
		if t.OwnedBy(r) { // else whoever was called will find it another owner
			best = max(best, t.Best())
		}
	}
	for _, l := range r.lenders {
		best = max(best, l.Grade())
	}
	best = max(best, r.woken)
	if best <= r.grade.Load() {
		best = 0
	}
	return best
}

// Raise gives the thread the priority of its wake-up, until Raise(0): not as one in user mode, for it has yet to
// return to that.
func (r *Record) Raise(p int32) {
	seen := hw.Recall()
	Lending.Lock()
	switch {
	case p > 0 && r.woken == 0:
		unequal.Add(1)
	case p == 0 && r.woken > 0:
		unequal.Add(-1)
	}
	if r.woken = p; p > 0 {
		r.woken += kernel
	}
	r.Reckon()
	Lending.Unlock()
	seen.Forget()
}

// Settle ends the priority that a wake-up gave the thread, if it did.
func (r *Record) Settle() {
	if r.woken != 0 { // written before the wake-up, by the waker, and by nobody since
		r.Raise(0)
	}
}

// passOn is called when the priority of the thread has changed. It ends: the chain does,
// or comes back to a thread that has the new priority already.
func (r *Record) passOn() {
	if t := r.blocked; t != nil {
		t.Moved(r)
		if o := t.Owner(); o != nil {
			o.Reckon()
		}
		return
	}
	if r.awaits == nil {
		r.lendToHolders() // it may wait for tokens, perhaps since before there was anything to lend
	}
	for i := 0; i < len(r.lendees); i++ { // they become fewer if the chain comes back here
		r.lendees[i].Reckon()
	}
}

// lendOn is called by a thread that waits for tokens, and so has given up its own.
func (r *Record) lendOn() {
	seen := hw.Recall()
	if r.probe.Load()&lentTo != 0 {
		r.giveBack()
	}
	Lending.Lock()
	r.lendToHolders()
	Lending.Unlock()
	seen.Forget()
}

// lendToHolders lends to those who hold the tokens that the thread waits for, and to older
// waiters for whom they are reserved; if it does wait for tokens. The caller has Lending.
func (r *Record) lendToHolders() {
	r.lends.Store(1) // before the look: it ends what begins here, or the look finds that its wait is over
	if !r.claim.SetPriority(r.Grade()) {
		if len(r.lendees) == 0 {
			r.lends.Store(0)
		}
		return
	}
	for r.lendToBlockers() {
		// Some may have let go before they saw lentTo.
	}
}

// lendToBlockers is one look at who they are; it says whether it has found new ones.
func (r *Record) lendToBlockers() (any bool) {
	var ids [8]uint32
	holders := r.claim.Blockers(ids[:0])
	gone := func(o *Record) bool { return !slices.Contains(holders, o.id) }
	for i := slices.IndexFunc(r.lendees, gone); i >= 0; i = slices.IndexFunc(r.lendees, gone) {
		o := r.lendees[i]
		r.lendees = slices.Delete(r.lendees, i, i+1)
		o.stopLender(r) // the chain may come back here
	}
	for _, id := range holders {
		if o := ByID(id); o != nil && o != r && !slices.Contains(r.lendees, o) {
			any = true
			o.probe.Or(lentTo)
			r.lendTo(o)
		}
	}
	return any
}

// leaveWaited gives back a token that somebody waits for, and may have begun to lend for since the thread looked.
func (r *Record) leaveWaited(t *token.Token) {
	t.Leave(token.Exclusive)
	if r.probe.Load()&lentTo != 0 {
		r.giveBack()
	}
}

func (r *Record) stopLender(l *Record) {
	if i := slices.Index(r.lenders, l); i >= 0 {
		r.lenders = slices.Delete(r.lenders, i, i+1)
	}
	r.Reckon()
}

// giveBack is called by a thread that was lent priority for its tokens and has let go of
// one: who does not wait for it any more lends no more.
func (r *Record) giveBack() {
	var ids [8]uint32
	seen := hw.Recall()
	Lending.Lock()
	left := false
	for i := len(r.lenders) - 1; i >= 0; i-- {
		l := r.lenders[i]
		switch {
		case l.awaits != nil: // it waits for this thread as a reader
		case slices.Contains(l.claim.Blockers(ids[:0]), r.id):
			left = true
		default:
			r.lenders = slices.Delete(r.lenders, i, i+1)
			j := slices.Index(l.lendees, r)
			l.lendees = slices.Delete(l.lendees, j, j+1)
		}
	}
	if !left {
		r.probe.And(^lentTo)
	}
	r.Reckon()
	Lending.Unlock()
	seen.Forget()
}

// stopLending ends what lendToHolders began.
func (r *Record) stopLending() {
	seen := hw.Recall()
	Lending.Lock()
	r.lends.Store(0) // no sooner: while there are lendees, another thread may set it
	for _, o := range r.lendees {
		o.stopLender(r)
	}
	clear(r.lendees)
	r.lendees, r.awaits = r.lendees[:0], nil
	Lending.Unlock()
	seen.Forget()
}

// sleeps is called before a thread sleeps, or blocks for something outside this
// package. If it holds a lock, other than one that it drops, that others wait for and that it must not hold then, it
// panics (N3).
func (r *Record) sleeps(op string, dropped *Object) {
	if !r.heldUnsleepable(dropped) {
		return
	}
	if l := r.readsSleepable(dropped); l != nil {
		r.misuse(op, nil, "it would sleep while it reads "+l.Title(SleepableRM)+", whose readers must not; it holds "+r.describeLocks())
	}
	what, with, n := "", r.describeLocks(), len(r.kept)
	Lending.Lock()
	for i := range r.locks[:r.nlocks] {
		if p := &r.locks[i]; p.obj != dropped && !p.class.GivenUp() && !p.class.Sleepable() {
			r.kept = append(r.kept, kept{p.obj, with, r.level + 1})
		}
	}
	for _, t := range r.contested {
		if r.AsleepWith(t) != "" {
			what = t.What()
		}
	}
	if l := r.readAwaited(dropped); l != nil {
		what = l.Title(RM)
	}
	if what != "" {
		r.kept = r.kept[:n]
	}
	Lending.Unlock()
	if what != "" {
		r.misuse(op, nil, "it would sleep while others wait for "+what+", which must not be held then; it holds "+with)
	}
}

// wakes is called when a sleep is over, before anything is taken back.
func (r *Record) wakes() {
	n := len(r.kept)
	for n > 0 && r.kept[n-1].level >= r.level {
		n--
	}
	if n < len(r.kept) {
		Lending.Lock()
		clear(r.kept[n:])
		r.kept = r.kept[:n]
		Lending.Unlock()
	}
}

// AsleepWith says whether the thread sleeps, or is inside Block, and keeps the lock of the turnstile meanwhile: with
// what, for a message, or "". What the function given to Block took itself is not meant. The caller has Lending.
func (r *Record) AsleepWith(t Turnstile) (with string) {
	if t.OwnedBy(r) {
		with = r.keeps(t.Of)
	}
	return with
}

// SleepsWith says why a thread must not wait for what a sleeper keeps, and what is to be done about it.
func SleepsWith(id uint32, with string) string {
	return NameOf(id) + " sleeps while it holds " + with + ". The wait for it would last as long as that sleep, so nobody may sleep with such a lock: " +
		"SleepOn or a condition variable gives it up meanwhile, every sleep gives up a Token, and an SX may be kept. " +
		"After lwkt.SetHierarchyChecks(true) who sleeps with it is stopped, not who waits"
}

func (r *Record) keeps(is func(obj *Object) bool) (with string) {
	for i := range r.kept {
		if k := &r.kept[i]; is(k.obj) {
			with = k.with
		}
	}
	return with
}

func (r *Record) heldUnsleepable(but *Object) bool {
	for i := range r.locks[:r.nlocks] {
		if p := &r.locks[i]; p.obj != but && !p.class.GivenUp() && (!p.class.Sleepable() || p.class == SleepableRM && p.mode == token.Shared) {
			return true
		}
	}
	return false
}
