package token

// Merging one token into another, for funnels.
//
// State machine: word.go

import (
	"slices"

	"github.com/serializing-tokens/lwkt/internal/hw"
)

// Merge makes every later use of from a use of to, for ever. The thread id holds
// both exclusively; its hold of from ends. Claims on from are filed anew on to
// with their age, and with the barges that they were passed by.
//
// from stays owned by nobody's identity, so that each fast path that still comes
// to it fails into the book, which leads on to the token that it was merged into.
func Merge(to, from *Token, id uint32) {
	b := &book
	b.lock.Lock()
	for to.into != nil {
		to = to.into
	}
	for from.into != nil {
		from = from.into
	}
	if to == from {
		b.unlock()
		return
	}
	if from.q != nil {
		b.refile(to, from)
	}
	to.gen = (to.gen + from.gen + 1) | absorbed // unlike either, for whoever remembers one of them
	from.into = to
	for {
		w := from.Word()
		if from.word.CompareAndSwap(uint64(w), uint64(Owned(mergedID))) { // W12
			break
		}
		// Nobody else can hold it; a claim's bits changed.
	}
	b.unlock()
}

// Root is the token that t was merged into, or t. A simulated machine asks as well, for
// which nothing is in order as the race detector sees it.
//
//go:norace
func (t *Token) Root() *Token {
	seen, merged := hw.Recall(), uint64(0)
	for t.Word().Owner() == mergedID {
		t = t.into // written before the word
		merged++
	}
	seen.Forget(merged)
	return t
}

// refile moves the claims on one token to another (C1, C2).
func (b *Book) refile(to, from *Token) {
	b.freeze(from)
	if to.q == nil {
		to.q = b.newQueue()
		to.q.seen = from.q.seen
		to.word.Or(uint64(claimed)) // W9
	}
	b.freeze(to)
	to.q.passed += from.q.passed // so that no base below can be negative
	for _, w := range to.q.claims {
		w.base += from.q.passed
	}
	for _, w := range slices.Clone(from.q.claims) {
		c := w.claim
		b.settle(c)
		watched := c.watch == w
		if watched {
			b.unwatch(c)
		}
		b.leave(w)
		passed := from.q.passed - w.base
		w.Tok = to
		w.base = to.q.passed - passed
		to.q.claims = insert(to.q.claims, w, byAge)
		if c.hard {
			to.q.hard++
		}
		if watched {
			b.watchAt(w)
		}
	}
	to.q.spent = 0
	// A claim may count more barges than it saw, never fewer, so that those at the
	// head of the queue remain the ones that were passed most often.
	for i := len(to.q.claims) - 2; i >= 0; i-- {
		to.q.claims[i].base = min(to.q.claims[i].base, to.q.claims[i+1].base)
	}
}
