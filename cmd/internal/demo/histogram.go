// histogram.go: how long waits took, in buckets that are never wider than a 32nd of their value, so a percentile is right to 3 %
// whatever the range. A bucket is found from the position of the highest bit; waits below 64 ns have one each.
//
// Why it may be read while it is filled: buckets are atomic and only grow. Totals taken from a walk over them may miss the
// latest waits, which matters to a display and, after all tellers have gone home, to nobody.

package demo

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

const (
	subBits = 5
	sub     = 1 << subBits           // buckets to each doubling
	buckets = (63-subBits)*sub + sub // up to the longest time.Duration
)

// A histogram counts durations. Its zero value is empty.
type histogram struct{ count [buckets]atomic.Int64 }

// bucketOf is the bucket of a duration; one below zero, which a stepping clock could give, counts as none.
func bucketOf(d time.Duration) int {
	v := uint64(max(d, 0))
	shift := max(bits.Len64(v)-subBits-1, 0)
	return shift<<subBits + int(v>>shift)
}

// bounds are the shortest duration in a bucket and the shortest behind it.
func bounds(bucket int) (low, high time.Duration) {
	if bucket < 2*sub {
		return time.Duration(bucket), time.Duration(bucket + 1)
	}
	shift := bucket>>subBits - 1
	low = time.Duration(bucket&(sub-1)|sub) << shift
	return low, low + 1<<shift
}

func (h *histogram) add(d time.Duration) { h.count[bucketOf(d)].Add(1) }

// total is the number of durations.
func (h *histogram) total() (n int64) {
	for i := range h.count {
		n += h.count[i].Load()
	}
	return n
}

// quantile is the duration that a share q of all does not exceed, 0 if there are none.
func (h *histogram) quantile(q float64) time.Duration {
	rank := max(1, int64(math.Ceil(q*float64(h.total()))))
	for i := range h.count {
		n := h.count[i].Load()
		if rank <= n {
			low, high := bounds(i)
			return low + (high-low)/2
		}
		rank -= n
	}
	return 0
}

// longest is the end of the last bucket that has any.
func (h *histogram) longest() (d time.Duration) {
	for i := range h.count {
		if h.count[i].Load() > 0 {
			_, d = bounds(i)
		}
	}
	return d
}

// below is the number of durations shorter than d, for a d that begins a bucket, and right to a bucket for others.
func (h *histogram) below(d time.Duration) (n int64) {
	for i := range bucketOf(d) {
		n += h.count[i].Load()
	}
	return n
}

// A point of a cumulative curve: so many durations were shorter than d.
type point struct {
	d time.Duration
	n int64
}

// curve is the cumulative curve: a point at both ends of each bucket that has any.
func (h *histogram) curve() (points []point) {
	var n int64
	for i := range h.count {
		c := h.count[i].Load()
		if c == 0 {
			continue
		}
		low, high := bounds(i)
		if len(points) == 0 || points[len(points)-1].d != low {
			points = append(points, point{low, n})
		}
		n += c
		points = append(points, point{high, n})
	}
	return points
}
