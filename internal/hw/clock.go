package hw

// The clock: monotonic, in nanoseconds, and never 0, since 0 stands for "no time".

import "time"

var epoch = time.Now()

// Now is the monotonic clock in nanoseconds. It is never 0, which stands for
// "no time" wherever a time is kept.
func Now() int64 { return int64(time.Since(epoch)) + 1 }
