// histogram_test.go: each duration is in the one bucket whose bounds it lies in, buckets follow each other without a gap, and
// quantiles are as right as promised.

package demo

import (
	"math"
	"testing"
	"time"
)

func TestBuckets(t *testing.T) {
	var next time.Duration
	for i := range buckets - 1 { // the bounds of the last one do not fit into a Duration
		low, high := bounds(i)
		if low != next || high <= low || bucketOf(low) != i || bucketOf(high-1) != i {
			t.Fatalf("bucket %d is [%d, %d) behind %d, holds %d and %d", i, low, high, next, bucketOf(low), bucketOf(high-1))
		}
		if low >= 2*sub && (high-low)*sub > low {
			t.Fatalf("bucket %d is [%d, %d): too wide", i, low, high)
		}
		next = high
	}
	if got := bucketOf(math.MaxInt64); got != buckets-1 {
		t.Errorf("the longest duration is in bucket %d of %d", got, buckets)
	}
	if got := bucketOf(-5); got != 0 {
		t.Errorf("a negative duration is in bucket %d", got)
	}
}

func TestQuantiles(t *testing.T) {
	var h histogram
	if h.quantile(0.5) != 0 || h.total() != 0 || h.curve() != nil {
		t.Error("an empty histogram has something in it")
	}
	for i := range 1000 {
		h.add(time.Duration(i+1) * time.Microsecond)
	}
	for _, q := range []float64{0.01, 0.5, 0.99, 1} {
		got, want := float64(h.quantile(q)), q*1e6
		if math.Abs(got-want) > 0.04*want {
			t.Errorf("quantile %v is %v, want %v", q, time.Duration(got), time.Duration(want))
		}
	}
	c := h.curve()
	if c[0].n != 0 || c[len(c)-1].n != 1000 || h.total() != 1000 {
		t.Errorf("the curve goes from %v to %v", c[0], c[len(c)-1])
	}
}

func TestNumbers(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567", 123456: "123,456", -123: "-123"} {
		if got := grouped(x, 0); got != want {
			t.Errorf("grouped(%v) = %q, want %q", x, got, want)
		}
	}
	if got := grouped(1234.56, 1); got != "1,234.6" {
		t.Errorf("with a decimal: %q", got)
	}
	if plural(1, "world") != "1 world" || plural(1200, "world") != "1,200 worlds" {
		t.Error("plural")
	}
}
