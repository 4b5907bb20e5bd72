//go:build !lwkt_invariants

// Package invariants holds the checks that only a build with the tag
// lwkt_invariants pays for. This file is the build without them: a false
// constant and two functions that inline to nothing. The contract of each is
// told in on.go.
package invariants

// Enabled says whether the checks are in this build.
const Enabled = false

// Often is false in this build; with the tag it is true about one time in four,
// so that fast paths are skipped at random.
func Often() bool { return false }

// Check does nothing in this build; with the tag it panics unless cond holds.
// The arguments are evaluated all the same: guard costly ones with Enabled.
func Check(cond bool, format string, args ...any) {}
