//go:build !race

// This file tells the tests that the race detector is off.
package locktest_test

const raceEnabled = false

func raceDisable() {}
func raceEnable()  {}
