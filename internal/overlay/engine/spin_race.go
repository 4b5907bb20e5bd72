//go:build race

// The engine's lock orders those who take it, and must not for the race detector, which would take that for the program's own order.
package engine

import "runtime"

// Hide begins what the race detector is not to take for synchronization, here and in words that whoever embeds the engine has
// beside it. It nests.
//
//go:norace
func Hide() { runtime.RaceDisable() }

// Show ends what Hide began.
//
//go:norace
func Show() { runtime.RaceEnable() }
