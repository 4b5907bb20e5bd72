//go:build !race

// This file tells the tests that the race detector is off, so that they can do more.
package lwkt_test

const raceEnabled = false
