package lockmgr_test

import "sync/atomic"

// counter is a number that threads share without a lock.
type counter struct{ n atomic.Int64 }

func (c *counter) get() int64  { return c.n.Load() }
func (c *counter) add(k int64) { c.n.Add(k) }
