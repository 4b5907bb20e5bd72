// Windows into unexported state, for the tests in package lwkt_test and nobody else.
package lwkt

import (
	"testing"

	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
)

// WaitersOf is the number of threads that wait for the token.
func WaitersOf(t *Token) int { return len(t.t.Waiters()) }

// SleepersOn is the number of threads that sleep on the wait channel.
func SleepersOn(channel any) int { return len(sleepq.Sleepers()[channel]) }

// TokenOf is the token of a funnel.
func TokenOf(f *Funnel) *Token { return &f.root().own }

// LockWaitersOf is the number of threads that wait for a lock.
func LockWaitersOf(x Interlock) (n int) {
	l := x.Interlock().Lock().(*lock.Lock)
	_, n = l.Describe(l.Class())
	return n
}

// LockHeld says whether anybody has a lock exclusively.
func LockHeld(x Interlock) bool { return x.Interlock().Lock().Holder() != 0 }

// IsOpen says whether readers may take the lock in slots of their own.
func IsOpen(rw *RWLock) bool { return rw.l.Word().Open() }

// Golden is golden for the tests of package lwkt_test.
func Golden(t *testing.T, name string, got []byte) {
	t.Helper()
	golden(t, name, got)
}
