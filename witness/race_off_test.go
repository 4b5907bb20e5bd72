//go:build !race

// Without the race detector.
package witness_test

const raceDetector = false

func unseen(f func()) { f() }
