//go:build !linux

// This file blocks for a given time where nanosleep(2) is not at hand. Timers differ among systems:
// the report prints what the block really takes on an idle machine.

package bench

import "time"

func napFor(d time.Duration) { time.Sleep(d) }
