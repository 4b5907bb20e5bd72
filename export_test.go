// Windows into unexported state, for the tests in package lwkt_test and nobody else.
package lwkt

import (
	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
)

// WaitersOf is the number of threads that wait for the token.
func WaitersOf(t *Token) int { return len(t.t.Waiters()) }

// SleepersOn is the number of threads that sleep on the wait channel.
func SleepersOn(channel any) int { return len(sleepq.Sleepers()[channel]) }

// TokenOf is the token of a funnel.
func TokenOf(f *Funnel) *Token { return &f.root().own }

// LockWaitersOf is the number of threads that wait for a Mtx, RWLock or SX.
func LockWaitersOf(x any) (n int) {
	l, c := lock.Of(x)
	_, n = l.Describe(c)
	return n
}

// LockHeld says whether anybody has a Mtx, RWLock or SX exclusively.
func LockHeld(x any) bool {
	l, _ := lock.Of(x)
	return l.Holder() != 0
}
