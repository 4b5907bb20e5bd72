package thread

import "testing"

// TestKnownPlaces: as many places as have the same row are all remembered.
func TestKnownPlaces(t *testing.T) {
	places := []uintptr{1 << 10}
	row := knownRow(places[0])
	for pc := places[0] + 1; len(places) < len(row); pc++ {
		if knownRow(pc) == row {
			places = append(places, pc)
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, pc := range places {
			oursPC(pc)
		}
	}); n != 0 {
		t.Errorf("%v allocations for %d places", n, len(places))
	}
}
