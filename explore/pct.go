package explore

// PCT (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010), and the portfolio.
//
// In a run of PCT every thread has a random priority and the best runs, but at d-1
// random steps the one that is about to run falls below all others. A bug that needs d
// orderings is met by a run with a chance of at least 1/(n k^(d-1)) for n threads and k
// steps. It finds less in a run than the others do, but its schedules have few switches.

import (
	"fmt"
	"math"

	"github.com/serializing-tokens/lwkt/sim"
)

type pct struct {
	plain
	dice
	depth   int
	prio    []float64 // thread -> priority; 0: to be drawn; negative: fallen, the later the lower
	changes []int     // steps at which the best falls
	steps   int       // of the longest run so far
	now     int       // of the run under way
	threads int       // the most seen
	fallen  float64
}

func (s *pct) label() string { return fmt.Sprintf("pct(%d, seed %d)", s.depth, s.seed) }

func (s *pct) begin() bool {
	s.steps = max(s.steps, s.now)
	s.now, s.fallen = 0, 0
	clear(s.prio)
	s.changes = s.changes[:0]
	for range s.depth - 1 {
		s.changes = append(s.changes, s.IntN(max(1, s.steps)))
	}
	return true
}

// bound is the least chance of a run to meet a bug of this depth.
func (s *pct) bound() float64 {
	return 1 / (float64(max(1, s.threads)) * math.Pow(float64(max(1, s.steps, s.now)), float64(s.depth-1)))
}

// Choose takes the best thread; what is no step of a thread ranks by chance.
func (s *pct) Choose(p *sim.Point) int {
	best := s.best(p)
	for _, c := range s.changes {
		if c == s.now && p.Enabled[best].Kind == sim.Step {
			s.fallen--
			s.prio[p.Enabled[best].Thread] = s.fallen
			best = s.best(p)
		}
	}
	s.now++
	return best
}

func (s *pct) best(p *sim.Point) int {
	best, top := 0, math.Inf(-1)
	for i := range p.Enabled {
		e := &p.Enabled[i]
		x := s.Float64()
		if e.Kind == sim.Step {
			for e.Thread >= len(s.prio) {
				s.prio = append(s.prio, 0)
			}
			if s.prio[e.Thread] == 0 {
				s.prio[e.Thread] = 1 - s.Float64() // never 0
			}
			x = s.prio[e.Thread]
			s.threads = max(s.threads, e.Thread+1)
		}
		if x > top {
			best, top = i, x
		}
	}
	return best
}

// portfolio takes its members in turn.
type portfolio struct {
	members []strategy
	turns   []int // indices of members
	run     int
	now     strategy
	seed    uint64
}

// newPortfolio favours URW and POS, which find most; the walk and PCT catch what
// those two are bad at.
func newPortfolio(seed uint64) *portfolio {
	return &portfolio{
		members: []strategy{
			&urw{dice: newDice(seed)}, &pos{dice: newDice(seed + 1)}, &walk{dice: newDice(seed + 2)},
			&pct{dice: newDice(seed + 3), depth: 2}, &pct{dice: newDice(seed + 4), depth: 3},
		},
		turns: []int{0, 1, 0, 1, 2, 0, 1, 0, 1, 3, 0, 1, 0, 1, 2, 0, 1, 0, 1, 4},
		seed:  seed,
	}
}

func (s *portfolio) label() string           { return fmt.Sprintf("portfolio(seed %d)", s.seed) }
func (s *portfolio) drifted() *Drift         { return nil }
func (s *portfolio) exhausted() bool         { return false }
func (s *portfolio) blocked() int            { return 0 }
func (s *portfolio) reset()                  {}
func (s *portfolio) Choose(p *sim.Point) int { return s.now.Choose(p) }
func (s *portfolio) end(r *result)           { s.now.end(r) }

func (s *portfolio) begin() bool {
	s.now = s.members[s.turns[s.run%len(s.turns)]]
	s.run++
	return s.now.begin()
}

// odds are what PCT of depth 2 promises after so many runs of the portfolio.
func (s *portfolio) odds() string { return s.members[3].(*pct).odds(s.run / len(s.turns)) }

// odds says how likely a bug of this depth is to have been met in some runs.
func (s *pct) odds(runs int) string {
	if runs == 0 {
		return ""
	}
	miss := math.Pow(1-s.bound(), float64(runs))
	chance := "more than 99%"
	if miss >= 0.01 {
		chance = fmt.Sprintf("at least %.2g%%", 100*(1-miss))
	}
	return fmt.Sprintf("a bug of depth %d is met with a chance of %s", s.depth, chance)
}
