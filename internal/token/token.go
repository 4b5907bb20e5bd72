// Package token is the core of a serializing token: its word, the claims of
// those who wait for a whole set of tokens, and the book that grants them. It
// knows neither goroutines nor stacks of holds; it is told a thread's identity,
// and says whom to wake.
package token

import (
	"sync/atomic"

	"github.com/serializing-tokens/lwkt/internal/hw"
)

// Token is one token.
//
// State machine: word.go
//
// Besides the word: gen is written only by an exclusive holder and read only by a
// holder, so the token itself guards it.
type Token struct {
	copy copyCheck // first, since it may have no size

	word hw.Uint64
	gen  uint64 // (the token itself) exclusive grants so far

	q    *queue               // (book) the claims that name this token; nil when none
	into *Token               // (book) set once, when this token is merged into another; read after the word says so
	info atomic.Pointer[Info] // set once; what people are told about the token
}

// Word is the state of the token at some moment.
func (t *Token) Word() Word { return Word(t.word.Load()) }

// Gen is the number of exclusive grants so far. The caller holds the token.
func (t *Token) Gen() uint64 { return t.gen }

// absorbed is the bit of a generation that says that another token was merged into
// this one.
const absorbed = 1 << 63

// Absorbed says whether another token was merged into this one. The caller holds it.
func (t *Token) Absorbed() bool { return t.gen&absorbed != 0 }

// Bump counts an exclusive grant. The caller holds the token exclusively.
func (t *Token) Bump() { t.gen++ }

// TakeFree takes a token that nobody holds and nobody waits for (W1).
func (t *Token) TakeFree(own Word) bool { return t.word.CompareAndSwap(0, uint64(own)) }

// TakeOwned takes a token whose word was w, if nobody holds it and that does not
// need the book (W1, W3).
func (t *Token) TakeOwned(w, own Word) bool {
	return w < share && w.open() && t.word.CompareAndSwap(uint64(w), uint64(w.counted()|own))
}

// Share takes a share if that does not need the book (W2, W4). One try: somebody else
// may come first.
func (t *Token) Share() bool {
	w := t.Word()
	if w >= 1<<ownerShift {
		return false
	}
	next := w + share
	if w&claimed != 0 {
		if w&bargeMask == 0 {
			return false
		}
		next--
	}
	return t.word.CompareAndSwap(uint64(w), uint64(next))
}

// LeaveOwned gives back a token if nobody waits for it (W6). One try.
func (t *Token) LeaveOwned(own Word) bool {
	w := t.Word()
	return w&claimed == 0 && t.word.CompareAndSwap(uint64(w), uint64(w-own))
}

// LeaveShared gives back a share (W7). If it says false, the claims are to be
// examined.
func (t *Token) LeaveShared() bool {
	return Word(t.word.Add(^uint64(share - 1))).quiet(Shared)
}

// Take takes the token if that needs neither waiting nor the book (W1-W4).
func (t *Token) Take(m Mode, id uint32) bool {
	seen := hw.Recall()
	for {
		seen.Forget()
		w := t.Word()
		if !w.compatible(m) || !w.open() {
			seen.Forget(0)
			return false
		}
		if t.word.CompareAndSwap(uint64(w), uint64(w.counted().with(m, id))) {
			seen.Forget(1)
			return true
		}
		// Somebody else took or left it, or waits for it now.
	}
}

// Frozen says whether nobody takes the token but through the book.
func (t *Token) Frozen() bool { return !t.Word().open() }

// Busy says whether it is held in a way that excludes the mode. A merged token is.
func (t *Token) Busy(m Mode) bool { return !t.Word().compatible(m) }

// Upgrade makes a share exclusive if its holder is the only sharer and nobody
// has a reservation (W5).
func (t *Token) Upgrade(id uint32) bool {
	seen := hw.Recall()
	for {
		seen.Forget()
		w := t.Word()
		if !w.upgradable() {
			seen.Forget(0)
			return false
		}
		if t.word.CompareAndSwap(uint64(w), uint64(w.counted().without(Shared).with(Exclusive, id))) {
			seen.Forget(1)
			return true
		}
		// Another sharer came or a claim changed the word.
	}
}

// Leave gives back one hold (W6, W7) and wakes or grants whoever is next.
func (t *Token) Leave(m Mode) {
	seen := hw.Recall()
	if w := t.shed(m, 0); !w.quiet(m) {
		seen.Forget()
		t.Examine()
	}
}

// Downgrade turns the exclusive hold into a share with no gap (W8).
func (t *Token) Downgrade() {
	seen := hw.Recall()
	if w := t.shed(Exclusive, share); !w.quiet(Exclusive) {
		seen.Forget()
		t.Examine()
	}
}

// shed removes a hold, adds what is to stay of it, and returns the word after it (W6-W8).
func (t *Token) shed(m Mode, stay Word) Word {
	seen := hw.Recall()
	for {
		seen.Forget()
		w := t.Word()
		next := w.without(m) + stay
		if t.word.CompareAndSwap(uint64(w), uint64(next)) {
			return next
		}
		// A claim was filed or woken, or another sharer came or left.
	}
}

// Examine looks at the claims after a release that was not quiet.
func (t *Token) Examine() {
	book.lock.Lock()
	book.visit(t)
	book.unlock()
}
