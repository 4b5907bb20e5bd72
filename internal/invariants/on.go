//go:build lwkt_invariants

// Package invariants holds the checks that only a build with the tag
// lwkt_invariants pays for. This file is the build with the checks in it;
// off.go is the one without, in which everything here compiles to nothing.
//
// The package is a leaf: every layer of the core may import it, so it imports
// nothing but fmt.
package invariants

import "fmt"

// Enabled says whether the checks are in this build. It is a constant, so that
// a check with a costly condition or costly arguments is written
//
//	if invariants.Enabled {
//		invariants.Check(q.wellFormed(), "queue %v: broken links", q)
//	}
//
// and leaves no trace in a build without them: the arguments of a bare Check
// are evaluated in both.
const Enabled = true

// coin is only ever read. It has eight keys because that is one group of the
// runtime's map, in which the start of an iteration is uniform over the slots.
var coin = map[uint8]struct{}{0: {}, 1: {}, 2: {}, 3: {}, 4: {}, 5: {}, 6: {}, 7: {}}

// Often is true about one time in four, at random. A fast path that asks
//
//	if !invariants.Often() && word.CompareAndSwap(free, held) {
//
// is skipped that often, and its slow path is tested with every test there is.
// In a build without invariants it is the constant false.
//
// The randomness is the start of a map iteration, which comes from the
// runtime's generator of the current thread. A counter or seed of our own would
// have to be atomic, and in Go an atomic operation is a happens-before edge:
// every caller would be ordered after every earlier one, and the race detector
// would be blind to the edge that a lock forgot to make.
func Often() bool {
	for k := range coin {
		return k < 2
	}
	return false
}

// Check panics unless cond holds. The message is for the author of the lock,
// not for its user: a failed check is a bug in this module, whatever the caller
// did. Misuse by the caller is reported in every build and not through here.
func Check(cond bool, format string, args ...any) {
	if !cond {
		panic("lwkt: invariant broken: " + fmt.Sprintf(format, args...))
	}
}
