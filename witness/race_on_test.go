//go:build race

// With the race detector.
package witness_test

import "runtime"

const raceDetector = true

// unseen does something that orders nothing for the race detector.
func unseen(f func()) {
	runtime.RaceDisable()
	defer runtime.RaceEnable()
	f()
}
