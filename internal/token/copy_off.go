//go:build !lwkt_invariants

package token

// Without invariants go vet alone looks for copies; see copy_on.go.

type copyCheck struct{}

// Copied says false.
func (t *Token) Copied() bool { return false }
