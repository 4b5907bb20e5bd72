package thread

import "testing"

// TestKnownPlaces: two places that are remembered in the same slots are both remembered.
func TestKnownPlaces(t *testing.T) {
	a := uintptr(1 << 10)
	at := func(pc uintptr) uintptr { return (pc ^ pc>>12) % uintptr(len(known)) }
	b := a + 1
	for at(b) != at(a) {
		b++
	}
	if n := testing.AllocsPerRun(100, func() { oursPC(a); oursPC(b) }); n != 0 {
		t.Errorf("%v allocations for two places", n)
	}
}
