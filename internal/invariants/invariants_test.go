package invariants

import "testing"

// TestOften holds the rate of Often to its word, wide enough that an honest
// coin fails about never: 100000 throws at 1/4 have a deviation of 137.
func TestOften(t *testing.T) {
	const throws = 100_000
	n := 0
	for range throws {
		if Often() {
			n++
		}
	}
	if !Enabled {
		if n != 0 {
			t.Fatalf("Often was true %d times in a build without invariants", n)
		}
		return
	}
	if n < throws/5 || n > throws*3/10 {
		t.Fatalf("Often was true %d times in %d, want about one in four", n, throws)
	}
}

// TestCheck sees a false condition panic where checks are on, and only there,
// and a true one pass in silence everywhere.
func TestCheck(t *testing.T) {
	fires := func(cond bool) (msg any) {
		defer func() { msg = recover() }()
		Check(cond, "word %#x", 5)
		return nil
	}
	if m := fires(true); m != nil {
		t.Errorf("Check(true) panicked: %v", m)
	}
	m := fires(false)
	if Enabled && m != "lwkt: invariant broken: word 0x5" {
		t.Errorf("Check(false) = %v", m)
	}
	if !Enabled && m != nil {
		t.Errorf("Check(false) panicked in a build without invariants: %v", m)
	}
}

// BenchmarkOften is for the curious: with the tag it is the price of every
// guarded fast path, without it nothing.
func BenchmarkOften(b *testing.B) {
	for b.Loop() {
		Often()
	}
}
