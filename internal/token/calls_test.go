package token

// How many may be called at once.

import "testing"

type seen struct{}

func (seen) Touched(*Token) {}

// A simulated thread that was called, and whose machine rests, kept all goroutines from being called.
func TestSimulatedCallsAreNotCounted(t *testing.T) {
	defer func(n int) { book.atOnce = n }(book.atOnce)
	book.atOnce = 1
	const holder = 9
	var toks [2]Token
	claims := [2]Claim{{ID: 1, Observer: seen{}}, {ID: 2}}
	for i := range claims {
		c := &claims[i]
		c.Waker, c.Wants = new(nobody), []Want{{Tok: &toks[i], Mode: Exclusive}}
		if !toks[i].Take(Exclusive, holder) || c.File() {
			t.Fatal("a held token was granted")
		}
	}
	for i := range claims {
		toks[i].Leave(Exclusive)
		if claims[i].Waker.(*nobody).permits != 1 {
			t.Errorf("claim %d was not called", i)
		}
	}
	for i := range claims {
		if claims[i].Retry() {
			toks[i].Leave(Exclusive)
		}
	}
}
