//go:build lwkt_invariants

package token

// A token that was copied after its first use knows it: in builds with invariants,
// it remembers where it was then. The other builds leave that to go vet.

import "sync/atomic"

type copyCheck struct{ home atomic.Pointer[Token] }

// Copied says whether the token is a copy of one that was in use.
func (t *Token) Copied() bool {
	return !t.copy.home.CompareAndSwap(nil, t) && t.copy.home.Load() != t
}
