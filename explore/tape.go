package explore

// Tapes: schedules as strings of bytes, in the hands of a fuzzer. A byte is read where
// there is more than one choice: 0 stands for the default, any other number counts on
// from there. So the empty tape is the run with the fewest switches, zeros change
// nothing, and what the fuzzer's minimizer takes away makes the schedule simpler.

import (
	"testing"

	"github.com/serializing-tokens/lwkt/sim"
)

type tape struct {
	plain
	bytes []byte
	at    int
	done  bool
}

func (s *tape) label() string   { return "tape" }
func (s *tape) exhausted() bool { return false }

func (s *tape) begin() bool {
	again := !s.done
	s.at, s.done = 0, true
	return again
}

func (s *tape) reset() { s.done = false }

// Choose reads a byte if there is a choice.
func (s *tape) Choose(p *sim.Point) int {
	i := lazy(p)
	if len(p.Enabled) == 1 || s.at == len(s.bytes) {
		return i
	}
	b := s.bytes[s.at]
	s.at++
	return (i + int(b)) % len(p.Enabled)
}

// Fuzz explores a program with the fuzzer of the go command, which keeps the inputs
// that reach new code and minimizes the one that fails:
//
//	func FuzzTransfer(f *testing.F) { explore.Fuzz(f, transfer) }
//
// Each input is a tape: one byte for each choice, 0 being the default. A failure is
// shrunk and told as by Test.
func Fuzz(f *testing.F, program func(m *sim.Machine), opts ...Option) {
	f.Helper()
	of := caller()
	f.Add([]byte{})
	f.Add([]byte{0, 1, 0, 0, 1, 1, 0, 2})
	f.Fuzz(func(t *testing.T, input []byte) {
		t.Helper()
		all := append([]Option{}, opts...)
		Test(t, program, append(all, Tape(input), Keep(""), func(c *config) { c.pkg = of })...)
	})
}
