package sim

// States of runs, for explorations that go on from each of them once; how they are found is in
// states_points.go.

import "github.com/serializing-tokens/lwkt/internal/hw"

// HasStates says whether this build can recognize states: with the tag lwkt_words, for a processor whose frame
// pointers say where a thread stands (amd64, arm64), and without the race detector, which would see all that is looked at.
const HasStates = hw.Framed && inline

// States recognizes the states that runs with Options.Words go through, so that an exploration need not
// go on where it has been before. One is for the runs of one program, one after the other, and for builds with
// the tag lwkt_words; the zero States is ready.
type States struct {
	m      *Machine
	memory memory
}

// Known says that the first n steps of the next run will be those of the last one; if n is negative,
// that the rest of the run under way is of no interest.
func (s *States) Known(n int) { s.memory.repeats(n) }

// Now is a hash of the state that the run under way is in: equal ones go on in the same way. It is for
// Chooser.Choose. It is not ok if a thread has touched what was not given to Share.
func (s *States) Now() (state uint64, ok bool) { return s.memory.state(s.m), !s.memory.strange }

// End is a hash of all variables when a run was over, before what was given to Finally.
func (s *States) End() uint64 { return s.memory.end }

// Share says what the threads of the program share, for States: pointers to variables that hold all that the threads
// look at, but for what the lock code has itself. It is for setup. It panics in Run if there is a map
// among it.
func (m *Machine) Share(vars ...any) { m.shared = append(m.shared, vars...) }
