//go:build lwkt_words

package thread

// What of threads is part of a state, for explorations.

import "github.com/serializing-tokens/lwkt/internal/hw"

func init() {
	hw.Shared = append(hw.Shared, &Lending, &Counting, &all.lock) // of what this one guards, nothing changes during a run
	hw.Sketches = append(hw.Sketches,
		hw.Sketch{Of: (*Record)(nil), Skip: []string{
			"id", "own", "crowd", "recent", "sites", "lockNotes", "wit", "origin", "unwatched", "witnessing", "handle", "goid",
			"park", "host", "guest", "off", "first", "firstLocks", "want",
		}, Own: []string{
			"n", "base", "entered", "seq", "holds", "nlocks", "locks", "reads", "noBlock", "crit", "sleeping", "context", "stats",
		}, Both: []string{"claim", "sleep", "lending"}},
		hw.Sketch{Of: (*lending)(nil), Own: []string{}, Both: []string{"kept", "woken"}},
		hw.Sketch{Of: (*kept)(nil), Skip: []string{"with"}},
		hw.Sketch{Of: (*Stats)(nil), Skip: []string{"Waits", "Drops", "Changes", "Spins"}},
	)
}
