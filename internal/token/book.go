package token

// The book grants whole sets. It is a sequential state machine: everything here
// runs under one leaf lock, and the only thing that moves meanwhile is the word
// of a token, which a freeze stops but for releases.
//
// A claim is soft at first. When a token that it watches becomes free, it is
// called once and tries for itself; until it does, others may barge past it, as
// many as the token was lent when it was last thawed. Barges, grants that
// overtook it and its own failed tries are counted; once a claim was passed K
// times in one of these ways it is hard: its tokens are frozen for it, and whoever
// releases the last one hands over the whole set.
//
// Invariants, whenever the lock is free:
//
//	B1 nobody holds part of a set: a claim's tokens are all taken, in one
//	   section, or none is.
//	B2 no wake-up is lost: the token that a waiting claim watches is held in a way
//	   that excludes it (its release will look), or reserved by another hard claim
//	   (whose grant or end will), or somebody was called for it (who will), or as many
//	   as may be are called (the first of whom will).
//	B3 bound: for a claim of n tokens, barges <= K for each of them and passed <= K, so
//	   it is overtaken at most (n+1)K times before it is hard, and never after.
//
// State machine: word.go, claim.go
//
// One step: between freeze and thaw every release of a token finds it claimed and not
// silent, so it comes to Examine and waits for the lock. What try saw as held is
// looked at again, and a section may be thought of as one step.
//
// Deadlock: a claim holds nothing; reservations are ordered by age, all over one
// clock; the oldest hard claim waits only for holders, who run.
//
// Lock order: lock is a leaf; nothing is taken or called under it but Waker.Unpark.
// Blocking: lock spins for sections of well under a microsecond.
// Departures: DragonFly polls for a whole set and bounds nothing.

import (
	"slices"

	"github.com/serializing-tokens/lwkt/internal/hw"
)

// Book is the book; there is one per process.
type Book struct {
	lock hw.SpinLock

	k       uint32   // (book) the budget K
	age     uint64   // (book) clock of filings
	due     []*Token // (book) to be visited before the section ends
	touched []*Token // (book) frozen in this section, to be thawed at its end
	ready   []Waker  // (book) to be woken when the section ends
	free    []*queue // (book) queues without a token
	calls   int      // (book) claims that were called and have not tried yet, but for those of simulated threads
	atOnce  int      // how many may be called at once
	later   []*Token // (book) free, and watched by claims that wait to be called
}

// DefaultBypass is the budget K unless SetBypass says otherwise: enough for a
// running thread to take a contended token again some thousand times for each
// switch to another one, and some tenths of a millisecond of the shortest sections
// (docs/design/002-grant.md has the figures).
const DefaultBypass = 8000

// At once no more are called than there are processors for them besides the
// caller's. More would only fill the run queues, and then run into each other. Calls
// of simulated threads are not limited: what they do must not depend on the machine.
var book = Book{k: DefaultBypass, atOnce: max(1, hw.Processors()-1)}

// SetBypass sets K, from 0 (strict order of age) to MaxBypass, and returns the
// value it had. Threads that wait already may be overtaken as often as the larger of
// the two says.
func SetBypass(k int) (old int) {
	book.lock.Lock()
	old, book.k = int(book.k), uint32(k)
	book.lock.Unlock()
	return old
}

// File gives up what the claim's thread held of the set and asks for the whole,
// in one step. It says whether that is granted; else the thread parks, and calls
// Retry when it is unparked.
func (c *Claim) File() (ok bool) {
	b := &book
	b.lock.Lock()
	ok = b.file(c)
	b.unlock()
	return ok
}

// TryFile is File that gives the claim up again, and leaves the thread what it
// had, if it is not granted at once.
func (c *Claim) TryFile() (ok bool) {
	b := &book
	b.lock.Lock()
	if ok = b.file(c); !ok {
		b.unwatch(c)
		for i := range c.Wants {
			w := &c.Wants[i]
			if w.Had != None {
				b.hold(w.Tok, w.Had, c.ID) // frozen since it was given up, so still to be had
			}
			b.leave(w)
		}
		c.become(idle) // S5
	}
	b.unlock()
	return ok
}

// Retry is called by the thread after it was unparked: it says whether the claim
// is granted now.
func (c *Claim) Retry() (ok bool) {
	b := &book
	b.lock.Lock()
	switch c.state {
	case granted:
		ok = true
	case called:
		b.settle(c)
		if ok = b.try(c); !ok {
			b.pass(c)
		}
	}
	b.unlock()
	return ok
}

// Shrink gives up waiting for anything but what was held before. It says whether
// the claim was granted before that (then it stands), and whether anything is
// left to wait for.
func (c *Claim) Shrink() (won, left bool) {
	b := &book
	b.lock.Lock()
	if c.state == granted {
		b.unlock()
		return true, false
	}
	b.freezeAll(c)
	b.settle(c)
	b.unwatch(c)
	keep := 0
	for i := range c.Wants {
		w := &c.Wants[i]
		switch {
		case w.Had == None:
			b.leave(w)
		case w.Had < w.Mode:
			w.Mode = w.Had
			b.due = append(b.due, w.Tok)
			fallthrough
		default:
			keep++
		}
	}
	c.Wants = c.Wants[:keep] // the new ones come last
	if keep == 0 {
		c.become(idle) // S5
	} else if b.try(c) {
		keep = 0
	}
	b.unlock()
	return false, keep > 0
}

// SetPriority changes the priority of a claim, and so its rank, if it is filed; it says whether.
func (c *Claim) SetPriority(p int32) (filed bool) {
	b := &book
	b.lock.Lock()
	if filed = c.state == waiting || c.state == called; filed && c.Prio != p {
		w := c.watch
		b.unwatch(c)
		c.Prio = p
		b.watchAt(w)
	}
	b.unlock()
	return filed
}

// Blockers appends the identities of those that a filed claim waits for: who has one
// of its tokens exclusively, and whose claims these are reserved for. Sharers are
// nobody in particular.
func (c *Claim) Blockers(ids []uint32) []uint32 {
	b := &book
	b.lock.Lock()
	if c.state == waiting || c.state == called {
		for i := range c.Wants {
			w := &c.Wants[i]
			if id := w.Tok.Word().Owner(); id != 0 {
				ids = append(ids, id)
			}
			for _, o := range w.Tok.q.claims {
				if d := o.claim; d.hard && d != c && conflicts(o.Mode, w.Mode) && (!c.hard || d.age < c.age) {
					ids = append(ids, d.ID)
				}
			}
		}
	}
	b.lock.Unlock()
	return ids
}

// file enters a claim, gives up what its thread had of the set, and tries it.
func (b *Book) file(c *Claim) bool {
	b.age++
	c.become(waiting) // S1
	c.age, c.passed, c.overtaken, c.hard = b.age, 0, 0, false
	for i := range c.Wants {
		b.enter(c, &c.Wants[i])
	}
	for i := range c.Wants {
		if w := &c.Wants[i]; w.Had != None {
			w.Tok.shed(w.Had, 0) // W6, W7
			b.due = append(b.due, w.Tok)
		}
	}
	if b.k == 0 {
		b.harden(c)
	}
	return b.try(c)
}

// enter lists a want of a claim that is being filed.
func (b *Book) enter(c *Claim, w *Want) {
	for w.Tok.into != nil {
		w.Tok = w.Tok.into
	}
	t := w.Tok
	if t.q == nil {
		t.q = b.newQueue()
		t.q.seen = c.Observer
		t.word.Or(uint64(claimed)) // W9
	}
	b.freeze(t)
	w.claim, w.base = c, t.q.passed
	t.q.claims = append(t.q.claims, w) // the youngest
}

// leave takes a want out of the lists of its token.
func (b *Book) leave(w *Want) {
	q := w.Tok.q
	b.freeze(w.Tok)
	i, _ := slices.BinarySearchFunc(q.claims, w, byAge)
	q.claims = slices.Delete(q.claims, i, i+1)
	if i < q.spent {
		q.spent--
	}
	if w.claim.hard {
		q.hard--
	}
	b.due = append(b.due, w.Tok)
}

// try grants the claim its whole set if every token of it is to be had, else
// makes it watch one that is not (B1, B2).
func (b *Book) try(c *Claim) bool {
	seen := hw.Recall()
	b.freezeAll(c)
	for i := range c.Wants {
		if w := &c.Wants[i]; w.reserved() || !w.Tok.Word().compatible(w.Mode) {
			b.unwatch(c)
			b.watchAt(w)
			seen.Forget(0)
			return false
		}
	}
	seen.Forget(1)
	b.unwatch(c)
	b.settle(c)
	c.overtaken = uint64(c.passed)
	for i := range c.Wants {
		w := &c.Wants[i]
		c.overtaken += w.Tok.q.passed - w.base
		b.hold(w.Tok, w.Mode, c.ID)
		b.leave(w)
		for _, o := range w.Tok.q.claims {
			if o.claim.age > c.age {
				break
			}
			if o.claim != c && conflicts(o.Mode, w.Mode) { // c: of two tokens that were merged
				b.pass(o.claim)
			}
		}
	}
	c.become(granted) // S4
	return true
}

// hold adds a hold to a frozen token that admits it (W11).
func (b *Book) hold(t *Token, m Mode, id uint32) {
	seen := hw.Recall()
	for {
		seen.Forget()
		w := t.Word()
		if t.word.CompareAndSwap(uint64(w), uint64(w.with(m, id))) {
			seen.Forget()
			return
		}
		// A sharer left.
	}
}

// visit looks at the claims that watch t, which may have become free: hard ones
// are granted here, the best soft one is woken (B2).
func (b *Book) visit(t *Token) {
	q := t.q
	if q == nil || len(q.watch) == 0 {
		return
	}
	b.freeze(t)
	for i := 0; i < len(q.watch); {
		w := q.watch[i]
		c, word := w.claim, t.Word()
		switch {
		case word.Owner() != 0:
			return
		case !word.compatible(w.Mode), w.reserved():
			i++
		case c.hard:
			asleep := c.state == waiting
			if b.try(c) {
				if asleep {
					b.ready = append(b.ready, c.Waker)
				}
				i = 0
			} else if c.watch == w {
				i++
			} // else it watches another token now, and the next one is at i
		case q.called != nil:
			return // that one will look at the rest
		case b.calls >= b.atOnce && c.Observer == nil:
			if !q.later { // the next one that comes will look
				q.later = true
				b.later = append(b.later, t)
			}
			return
		default:
			c.become(called) // S2
			c.woke, q.called = t, c
			if c.Observer == nil {
				b.calls++
			}
			b.ready = append(b.ready, c.Waker)
			return
		}
	}
}

// settle ends a claim's time as the called one of a token; whoever else watches
// that token is looked at next.
func (b *Book) settle(c *Claim) {
	if t := c.woke; t != nil {
		c.woke = nil
		c.become(waiting) // S3
		t.q.called = nil
		b.due = append(b.due, t)
		if c.Observer == nil {
			b.calls--
		}
		for _, l := range b.later {
			if l.q != nil && l.q.later {
				l.q.later = false
				b.due = append(b.due, l)
			}
		}
		b.later = b.later[:0]
	}
}

// pass counts a grant that overtook the claim, or its failed retry.
func (b *Book) pass(c *Claim) {
	if c.hard {
		return // a retry that was under way when the claim became hard
	}
	if c.passed++; c.passed >= b.k {
		b.harden(c)
	}
}

// harden reserves all tokens of a claim for it (C3).
func (b *Book) harden(c *Claim) {
	if c.hard {
		return
	}
	w := c.watch
	b.unwatch(c) // its rank changes
	c.hard = true
	if w != nil {
		b.watchAt(w)
		b.due = append(b.due, w.Tok)
	}
	for i := range c.Wants {
		t := c.Wants[i].Tok
		t.q.hard++
		b.freeze(t)
	}
}

// freezeAll freezes the tokens of a claim, which may make claims hard, this one too;
// so it comes before anything that must not change meanwhile.
func (b *Book) freezeAll(c *Claim) {
	for i := range c.Wants {
		b.freeze(c.Wants[i].Tok)
	}
}

func (b *Book) watchAt(w *Want) {
	w.claim.watch = w
	w.Tok.q.watch = insert(w.Tok.q.watch, w, byRank)
}

func (b *Book) unwatch(c *Claim) {
	if w := c.watch; w != nil {
		c.watch = nil
		w.Tok.q.watch = remove(w.Tok.q.watch, w, byRank)
	}
}

// freeze stops all but releases on t until the section ends, counts the barges
// since the last thaw, and makes those claims hard whose budget they used up.
func (b *Book) freeze(t *Token) {
	q, seen := t.q, hw.Recall()
	w := t.Word()
	if w&(silent|bargeMask) != 0 {
		w = Word(t.word.And(^uint64(silent | bargeMask))) // W9
	}
	q.passed += uint64(q.lent - w.barges())
	q.lent = 0
	if !q.listed {
		q.listed = true
		b.touched = append(b.touched, t)
		if q.seen != nil {
			q.seen.Touched(t)
		}
	}
	for q.spent < len(q.claims) {
		w := q.claims[q.spent]
		if q.passed-w.base < uint64(b.k) {
			break // younger ones were passed less often
		}
		q.spent++
		b.harden(w.claim)
	}
	seen.Forget()
}

// thaw lends t's word as many barges as its oldest claim still allows, unless it is
// reserved, or makes it a plain token again if no claim is left (W10).
func (b *Book) thaw(t *Token) {
	q := t.q
	q.listed = false
	if len(q.claims) == 0 {
		t.q = nil
		*q = queue{claims: q.claims, watch: q.watch}
		b.free = append(b.free, q)
		t.word.And(^uint64(claimed))
		return
	}
	var w Word
	if used := q.passed - q.claims[0].base; q.hard == 0 && used < uint64(b.k) {
		q.lent = b.k - uint32(used)
		w = Word(q.lent)
	}
	if len(q.watch) == 0 || (q.called != nil || q.later) && q.hard == 0 {
		w |= silent
	}
	if w != 0 {
		t.word.Or(uint64(w))
	}
}

// unlock ends a section: what may have become free is visited, what was frozen
// thawed, who was chosen woken.
func (b *Book) unlock() {
	seen := hw.Recall()
	for len(b.due) > 0 {
		seen.Forget()
		last := len(b.due) - 1
		t := b.due[last]
		b.due[last] = nil
		b.due = b.due[:last]
		b.visit(t)
	}
	for i, t := range b.touched {
		seen.Forget(uint64(i))
		b.thaw(t)
		b.touched[i] = nil
	}
	b.touched = b.touched[:0]

	var wake [8]Waker // woken after the lock is free, so that they do not run into it
	n := copy(wake[:], b.ready)
	for _, w := range b.ready[n:] {
		w.Unpark()
	}
	clear(b.ready)
	b.ready = b.ready[:0]
	b.lock.Unlock()
	for _, w := range wake[:n] {
		w.Unpark()
	}
	seen.Forget()
}

func (b *Book) newQueue() *queue {
	if n := len(b.free); n > 0 {
		q := b.free[n-1]
		b.free = b.free[:n-1]
		return q
	}
	return new(queue)
}
