package lock

// Mistakes that tests plant into the algorithm, to see that explorations word by word find
// them. Other builds have neither the mistakes nor the look whether there are any.
//
// State machine: none of its own.

import "github.com/serializing-tokens/lwkt/internal/hw"

// Fault is a mistake.
type Fault uint8

// The mistakes.
const (
	NoFault      Fault = iota
	TrustsLook         // who releases looks for marks first, and then lets go whatever is there
	LooksOnce          // who waits does not look at the lock again after it has set its mark
	LeavesAnyway       // a visitor takes its share back, also if the owner has gone meanwhile
	SkipsSlots         // who closes an open lock does not look who has it in a slot
	TrustsOpen         // who goes out of a slot of a lock that is open again does not look whether it was counted before
)

// Planted is the mistake that is made, in builds with the tag lwkt_words.
var Planted Fault

// planted says whether the mistake is made.
func planted(f Fault) bool { return hw.Explored && Planted == f }
