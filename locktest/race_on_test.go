//go:build race

// This file tells the tests that the race detector is on, and how to hide from it.
package locktest_test

import "runtime"

const raceEnabled = true

func raceDisable() { runtime.RaceDisable() }
func raceEnable()  { runtime.RaceEnable() }
