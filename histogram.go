package lwkt

// Histograms of durations, as tokens keep them while recording is on.

import (
	"fmt"
	"strings"
	"time"

	"github.com/serializing-tokens/lwkt/internal/token"
)

// Histogram counts durations by powers of two. The zero Histogram is empty.
type Histogram struct {
	Count uint64        // how many
	Sum   time.Duration // of all
	Max   time.Duration // the longest
	// Buckets[i] counts those of less than 1<<i nanoseconds that are in no bucket
	// before; the last one also what is longer.
	Buckets [40]uint64
}

func newHistogram(h token.Histogram) Histogram {
	return Histogram{h.Count, time.Duration(h.Sum), time.Duration(h.Max), h.Buckets}
}

// Mean is Sum by Count, or 0 if there are none.
func (h *Histogram) Mean() time.Duration {
	return h.Sum / time.Duration(max(h.Count, 1))
}

// Quantile returns a duration that a part p of all do not exceed, between 0 and 1: 0.5 is
// for the median. It is exact to within its bucket, and never more than Max.
func (h *Histogram) Quantile(p float64) time.Duration {
	rank := min(max(p, 0), 1) * float64(h.Count)
	below := float64(0)
	for i, n := range h.Buckets {
		if n == 0 || below+float64(n) < rank {
			below += float64(n)
			continue
		}
		low, high := time.Duration(0), h.Max
		if i > 0 {
			low = 1 << (i - 1)
		}
		if i < len(h.Buckets)-1 {
			high = min(1<<i, h.Max)
		}
		return low + time.Duration(float64(max(high-low, 0))*(rank-below)/float64(n))
	}
	return h.Max
}

// String tells count, mean, quantiles and maximum in one line.
func (h *Histogram) String() string {
	if h.Count == 0 {
		return "none"
	}
	return fmt.Sprintf("%d: mean %v, 50%% %v, 99%% %v, max %v", h.Count, short(h.Mean()), short(h.Quantile(0.5)), short(h.Quantile(0.99)), short(h.Max))
}

// Bars draws the histogram in one line, a character for each power of two between the
// shortest and the longest: "▂█▃ ▁ 256ns..16.4µs".
func (h *Histogram) Bars() string {
	first, last, most := -1, 0, uint64(1)
	for i, n := range h.Buckets {
		if n > 0 {
			if first < 0 {
				first = i
			}
			last, most = i, max(most, n)
		}
	}
	if first < 0 {
		return ""
	}
	levels := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, n := range h.Buckets[first : last+1] {
		if n == 0 {
			b.WriteByte(' ')
		} else {
			b.WriteRune(levels[(n*uint64(len(levels))-1)/most])
		}
	}
	return fmt.Sprintf("%s %v..%v", b.String(), short(1<<first>>1), short(h.Max))
}

// short rounds a duration to three digits.
func short(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}
