package explore

// The random strategies. None wins everywhere, so the portfolio runs them in turn.
//
//   - Random walk: any of the steps with equal chance. Blind to bugs in which one
//     thread has much more to do first than another.
//   - URW (Zhao and others, ASPLOS 2025): a thread is chosen with a chance in
//     proportion to the steps it has left, which is uniform over interleavings. What is
//     left is estimated from the runs before.
//   - POS (Yuan, Yang, Gu, CAV 2018): each announced step gets a random priority, the
//     best goes on, and those that compete with it for an object draw anew.
//   - PCT is in pct.go.
//
// All draw from one generator, so that a seed repeats a whole exploration.

import (
	"fmt"
	"math/rand/v2"

	"github.com/serializing-tokens/lwkt/sim"
)

// dice is a generator that reset leaves where it is.
type dice struct {
	*rand.Rand
	seed uint64
}

func newDice(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, 0x6c776b74)), seed} }

// walk is the random walk.
type walk struct {
	plain
	dice
}

func (s *walk) label() string { return fmt.Sprintf("random(seed %d)", s.seed) }

// Choose takes any.
func (s *walk) Choose(p *sim.Point) int {
	if len(p.Enabled) == 1 {
		return 0
	}
	return s.IntN(len(p.Enabled))
}

// urw weighs threads by the steps they are likely to have left.
type urw struct {
	plain
	dice
	expect []float64 // thread -> steps in a run, on an average that forgets
	steps  []int     // of the run under way
}

func (s *urw) label() string { return fmt.Sprintf("urw(seed %d)", s.seed) }

func (s *urw) begin() bool {
	clear(s.steps)
	return true
}

// left is the weight of a thread.
func (s *urw) left(e *sim.Event) float64 {
	if e.Kind != sim.Step {
		return 1
	}
	for e.Thread >= len(s.steps) {
		s.steps, s.expect = append(s.steps, 0), append(s.expect, 0)
	}
	return max(1, s.expect[e.Thread]-float64(s.steps[e.Thread]))
}

// Choose throws the weighted dice.
func (s *urw) Choose(p *sim.Point) int {
	sum := 0.0
	for i := range p.Enabled {
		sum += s.left(&p.Enabled[i])
	}
	i, x := 0, s.Float64()*sum
	for ; i < len(p.Enabled)-1; i++ {
		if x -= s.left(&p.Enabled[i]); x < 0 {
			break
		}
	}
	if e := &p.Enabled[i]; e.Kind == sim.Step {
		s.steps[e.Thread]++
	}
	return i
}

func (s *urw) end(r *result) {
	for t, n := range s.steps {
		if float64(n) > s.expect[t] {
			s.expect[t] = float64(n)
		} else {
			s.expect[t] += 0.1 * (float64(n) - s.expect[t])
		}
	}
}

// pos gives a priority to each announced step.
type pos struct {
	plain
	dice
	prio []float64 // thread -> priority of its announced step; negative: to be drawn
}

func (s *pos) label() string { return fmt.Sprintf("pos(seed %d)", s.seed) }

func (s *pos) begin() bool {
	for t := range s.prio {
		s.prio[t] = -1
	}
	return true
}

func (s *pos) of(e *sim.Event) float64 {
	if e.Kind != sim.Step {
		return s.Float64()
	}
	for e.Thread >= len(s.prio) {
		s.prio = append(s.prio, -1)
	}
	if s.prio[e.Thread] < 0 {
		s.prio[e.Thread] = s.Float64()
	}
	return s.prio[e.Thread]
}

// Choose takes the best, and those that compete with it lose their priority.
func (s *pos) Choose(p *sim.Point) int {
	best, top := 0, -1.0
	for i := range p.Enabled {
		if x := s.of(&p.Enabled[i]); x > top {
			best, top = i, x
		}
	}
	e := &p.Enabled[best]
	if e.Kind != sim.Step {
		return best
	}
	s.prio[e.Thread] = -1
	if e.Op.Obj == sim.None {
		return best
	}
	for _, list := range [2][]sim.Event{p.Enabled, p.Waiting} {
		for i := range list {
			o := &list[i]
			if o.Op.Obj == e.Op.Obj && o.Kind == sim.Step && o.Thread < len(s.prio) && (o.Op.Kind != sim.Load || e.Op.Kind != sim.Load) {
				s.prio[o.Thread] = -1
			}
		}
	}
	return best
}
