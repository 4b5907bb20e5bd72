// This file is what goroutines do inside a section: spin for 1 µs, or block for 100 µs.
//
// Why it is fair: a microsecond of work is a fixed number of turns of one loop that is compiled once
// and never inlined, so both sides execute the same instructions at the same address; no clock is read
// inside a section. The block is a system call that holds its OS thread, like fsync, and not a timer:
// the runtime rounds a sleeping goroutine's 100 µs up to a millisecond when every processor is idle
// (which is just what happens on the side where all others wait for the lock), and checks timers late
// when none is, so that time.Sleep would block the two sides for different times.

package bench

import (
	"slices"
	"sync"
	"time"
)

// blockFor is how long the blocking goroutine blocks inside each section.
const blockFor = 100 * time.Microsecond

// spin does n turns of a chain of dependent operations (xorshift) and returns what came out, to be
// stored by the caller so that it is needed.
//
//go:noinline
func spin(x uint64, n int) uint64 {
	for ; n > 0; n-- {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

// work says how many turns of spin a section takes; it is asked before the clock starts.
type work func() int

// noWork leaves the section with the one increment that every section has.
func noWork() int { return 0 }

// microsecond is the number of turns that 1 µs takes on this machine, measured once. The fastest of
// several runs counts: all disturbances make a run longer, none shorter.
var microsecond work = sync.OnceValue(func() int {
	const turns = 100_000
	best := time.Hour
	x := uint64(88172645463325252)
	for range 20 {
		start := time.Now()
		x = spin(x, turns)
		best = min(best, time.Since(start))
	}
	if x == 0 { // cannot be: xorshift has no way to zero
		panic("bench: the spin loop does not spin")
	}
	return max(1, int(turns*time.Microsecond/max(best, 1)))
})

// nap blocks the goroutine and its OS thread for about blockFor.
func nap() { napFor(blockAsks()) }

// blockAsks is what to ask the system for. Systems wake sleepers late, by their timer slack (50 µs on
// Linux) and the time to switch; that much less is asked for.
var blockAsks = sync.OnceValue(func() time.Duration {
	const probe = blockFor / 2
	late := typicalNap(probe) - probe
	return min(max(blockFor-late, time.Microsecond), blockFor)
})

// blockTakes is what a nap takes in fact, on this machine as it is now; the report prints it.
func blockTakes() time.Duration { return typicalNap(blockAsks()) }

// typicalNap is the median of some naps.
func typicalNap(d time.Duration) time.Duration {
	took := make([]time.Duration, 21)
	for i := range took {
		start := time.Now()
		napFor(d)
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return took[len(took)/2]
}
