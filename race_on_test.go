//go:build race

// This file tells the tests that the race detector is on, so that they can do less.
package lwkt_test

const raceEnabled = true
