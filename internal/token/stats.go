package token

// Figures about a token: how often it was acquired, how long it was waited for and
// held, and who holds it.

import (
	"math/bits"
	"slices"
	"sync"
)

// Stats are a token's figures. They are kept by threads that were told to, at the
// price of a mutex per acquisition; without that, nothing here runs.
type Stats struct {
	mu      sync.Mutex
	figures Figures  // (mu)
	holders []Holder // (mu)
}

// Figures are counts and durations since the statistics were switched on.
type Figures struct {
	Acquisitions uint64    // granted, recursive ones not counted
	Collisions   uint64    // of these, those that could not be granted at once
	Wait         Histogram // of collisions
	Hold         Histogram // from grant, or retake, to release, or drop
}

// Holder is one thread's hold.
type Holder struct {
	Thread    uint32
	Goroutine uint64
	Mode      Mode
	Since     int64   // hw.Now
	Site      uintptr // program counter of the acquire
}

// Histogram counts durations: bucket i those below 2^i nanoseconds, and not
// below 2^(i-1).
type Histogram struct {
	Count   uint64
	Sum     int64 // nanoseconds
	Max     int64 // nanoseconds
	Buckets [40]uint64
}

// Add counts a duration.
func (h *Histogram) Add(ns int64) {
	ns = max(ns, 0)
	h.Count++
	h.Sum += ns
	h.Max = max(h.Max, ns)
	h.Buckets[min(bits.Len64(uint64(ns)), len(h.Buckets)-1)]++
}

// Gained records a grant. wait is 0 for one that was not waited for; again says
// that this is a retake of what was held before.
func (s *Stats) Gained(h Holder, wait int64, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !again {
		s.figures.Acquisitions++
		if wait > 0 {
			s.figures.Collisions++
			s.figures.Wait.Add(wait)
		}
	}
	if i := s.find(h.Thread); again && i >= 0 { // another mode of a hold that goes on
		h.Since = s.holders[i].Since
	}
	s.holders = append(s.forget(h.Thread), h)
}

// Lost records a release or a drop.
func (s *Stats) Lost(thread uint32, now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.find(thread); i >= 0 {
		s.figures.Hold.Add(now - s.holders[i].Since)
	}
	s.holders = s.forget(thread)
}

// Read returns a copy of the figures and of who holds the token.
func (s *Stats) Read() (Figures, []Holder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.figures, slices.Clone(s.holders)
}

// Reset sets the figures to zero; holds that are under way count when they end.
func (s *Stats) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.figures = Figures{}
}

// ForgetHolders is for the moment when recording begins: the end of holds that were
// recorded earlier may have gone unrecorded.
func (s *Stats) ForgetHolders() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holders = nil
}

func (s *Stats) find(thread uint32) int {
	return slices.IndexFunc(s.holders, func(h Holder) bool { return h.Thread == thread })
}

func (s *Stats) forget(thread uint32) []Holder {
	if i := s.find(thread); i >= 0 {
		return slices.Delete(s.holders, i, i+1)
	}
	return s.holders
}
