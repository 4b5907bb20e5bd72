package explore

// What a caller can say about an exploration: the machine, how long, which strategy.

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/serializing-tokens/lwkt/sim"
)

// Option says something about an exploration to Run, Test or Fuzz. If one says the
// same as another, the later one holds.
type Option func(c *config)

type config struct {
	machine     sim.Options
	budget      time.Duration
	runs        int
	seed        uint64
	plan        func(c *config) []stage
	replay      string
	irreducible bool // found out on the way
	keep        string
	asked       bool   // the replay is of the environment
	finish      bool   // what is not exhaustive is an error
	pkg         string // import path of the test
	twice       bool   // the default schedule is run twice first
	tape        bool   // the only run is that of a fuzzer
	err         error  // of what the environment says
}

// stage is one strategy of a plan with its part of the budget.
type stage struct {
	s     strategy
	share float64 // of the time that is left
	runs  int     // of its own; 0: what is left
}

// defaultSteps is the cap on a run before it goes on in round robin, and the number of
// fair steps after it.
const defaultSteps = 10000

func newConfig(opts []Option) *config {
	c := &config{seed: 1, plan: auto, keep: "testdata/explore"}
	for _, o := range opts {
		o(c)
	}
	if c.machine.Steps == 0 {
		c.machine.Steps = defaultSteps
	}
	if c.budget == 0 && c.runs == 0 {
		c.budget = 2 * time.Second
	}
	return c
}

// On runs the program on the machine that o describes. The cap on its steps is where
// runs become fair; as many fair ones may follow.
func On(o sim.Options) Option { return func(c *config) { c.machine = o } }

// CPUs runs the program on n processors; 0, which holds without it, leaves out
// processors, so that every thread may step at any time.
func CPUs(n int) Option { return func(c *config) { c.machine.CPUs = n } }

// Words explores the lock code itself: each operation on a word of it is a step
// (sim.Options.Words). It needs a build with the tag lwkt_words; in others it is an
// error.
func Words() Option {
	return func(c *config) {
		if !sim.HasWords {
			c.err = fmt.Errorf("explore: Words needs a build with -tags lwkt_words")
		}
		c.machine.Words = true
	}
}

// Steps lets a run have n steps under the strategy, 10,000 without it, and then goes on
// in round robin for as many. A run that does not end even so fails: a livelock, or
// starvation.
func Steps(n int) Option { return func(c *config) { c.machine.Steps = n } }

// Budget is the time for exploring, 2 seconds without it. What is tried first, also
// when a failure is shrunk and drawn, is not in it.
func Budget(d time.Duration) Option { return func(c *config) { c.budget = d } }

// Runs is the largest number of runs. If it alone is given, there is no limit of time.
func Runs(n int) Option { return func(c *config) { c.runs = n } }

// MustFinish makes it an error if not all schedules were tried, up to the order of
// operations that have nothing to do with each other: without it, an exploration that the
// budget ends passes, and only go test -v shows it. It is not for Preempt, which leaves some
// out by design, nor for random strategies. A replay is exempt.
func MustFinish() Option { return func(c *config) { c.finish = true } }

// Seed starts the random strategies, 1 without it. The same seed explores the same
// schedules, as long as a limit of runs ends it and not one of time.
func Seed(n uint64) Option { return func(c *config) { c.seed = n } }

// Keep says in which folder Test keeps schedules that failed, testdata/explore without
// it. They are run first from then on. An empty name keeps none and runs none.
func Keep(folder string) Option { return func(c *config) { c.keep = folder } }

func single(make func(c *config) strategy) Option {
	return func(c *config) {
		c.plan = func(c *config) []stage { return []stage{{s: make(c), share: 1}} }
	}
}

// Auto is the strategy that holds if none is named. Where interleaving is free it tries
// to run all traces once each (DPOR), for half of the budget and no more than a second
// or 20,000 runs; where processors or time are modelled, all schedules (Exhaustive). If
// that ends, all is known, and the report says so. Else the portfolio takes the rest.
func Auto() Option { return func(c *config) { c.plan = auto } }

func auto(c *config) []stage {
	if !freeInterleaving(c.machine) {
		return []stage{{s: newDFS(-1), share: 0.5, runs: 100000}, {s: newPortfolio(c.seed), share: 1}}
	}
	return []stage{{s: newDPOR(), share: 0.5, runs: 20000}, {s: newDFS(-1), share: 0.5, runs: 100000}, {s: newPortfolio(c.seed), share: 1}}
}

// Exhaustive enumerates all schedules, without reduction.
func Exhaustive() Option { return single(func(*config) strategy { return newDFS(-1) }) }

// DPOR runs every trace once, and leaves out the schedules that differ from it only in
// the order of steps that have nothing to do with each other. It wants free
// interleaving (CPUs(0)).
func DPOR() Option { return single(func(*config) strategy { return newDPOR() }) }

// States is DPOR that goes on from each state of a run once. It is for Words, and for programs of
// up to four threads that say what they share (sim.Machine.Share), without time or data choices. In builds that cannot
// recognize states (sim.HasStates) it is an error.
func States() Option {
	plan := single(func(*config) strategy { return newStates() })
	return func(c *config) {
		if !sim.HasStates {
			c.err = fmt.Errorf("explore: States needs a build with -tags lwkt_words, without -race, for amd64 or arm64, whose frame pointers are known")
		}
		plan(c)
	}
}

// Preempt enumerates the schedules in which at most n times a thread is left although
// it could go on.
func Preempt(n int) Option { return single(func(*config) strategy { return newDFS(max(0, n)) }) }

// Random walks at random.
func Random() Option {
	return single(func(c *config) strategy { return &walk{dice: newDice(c.seed)} })
}

// URW walks at random with each thread weighted by the steps it has left.
func URW() Option { return single(func(c *config) strategy { return &urw{dice: newDice(c.seed)} }) }

// POS runs the announced steps by random priorities.
func POS() Option { return single(func(c *config) strategy { return &pos{dice: newDice(c.seed)} }) }

// PCT runs the threads by random priorities with depth-1 changes.
func PCT(depth int) Option {
	return single(func(c *config) strategy { return &pct{dice: newDice(c.seed), depth: max(1, depth)} })
}

// Portfolio takes turns among URW, POS, a random walk and PCT.
func Portfolio() Option { return single(func(c *config) strategy { return newPortfolio(c.seed) }) }

// Tape makes one run with the choices that the bytes say, as Fuzz does.
func Tape(bytes []byte) Option {
	plan := single(func(*config) strategy { return &tape{bytes: bytes} })
	return func(c *config) {
		plan(c)
		c.tape = true
	}
}

// Replay makes one run under a schedule from a failure. If the program has changed and
// the schedule cannot be followed, the report says where, and the run goes on by default.
func Replay(schedule string) Option { return func(c *config) { c.replay = schedule } }

// fromEnvironment lets the four variables override what the test says.
func fromEnvironment() Option {
	return func(c *config) {
		if v := os.Getenv("EXPLORE_SEED"); v != "" {
			n, err := strconv.ParseUint(v, 0, 64)
			if err != nil {
				c.err = fmt.Errorf("explore: EXPLORE_SEED=%s is no number", v)
			}
			c.seed = n
		}
		if v := os.Getenv("EXPLORE_BUDGET"); v != "" {
			n, err := strconv.Atoi(v)
			d, notTime := time.ParseDuration(v)
			switch {
			case err == nil:
				c.runs, c.budget = n, 0
			case notTime == nil:
				c.runs, c.budget = 0, d
			default:
				c.err = fmt.Errorf("explore: EXPLORE_BUDGET=%s is neither a time (5s) nor a number of runs", v)
			}
		}
		if v := os.Getenv("EXPLORE_STRATEGY"); v != "" {
			if o := named(v); o != nil {
				o(c)
			} else {
				c.err = fmt.Errorf("explore: EXPLORE_STRATEGY=%s is none of auto, dpor, exhaustive, preempt:N, random, urw, pos, pct:N, portfolio", v)
			}
		}
		if v := os.Getenv("EXPLORE_REPLAY"); v != "" {
			c.replay, c.asked = v, true
		}
	}
}

// named finds a strategy by name, with a number behind a colon for some.
func named(s string) Option {
	name, arg, _ := strings.Cut(s, ":")
	n, err := strconv.Atoi(arg)
	if arg != "" && err != nil {
		return nil
	}
	switch name {
	case "auto":
		return Auto()
	case "dpor":
		return DPOR()
	case "exhaustive":
		return Exhaustive()
	case "preempt":
		return Preempt(n)
	case "random":
		return Random()
	case "urw":
		return URW()
	case "pos":
		return POS()
	case "pct":
		return PCT(max(n, 2))
	case "portfolio":
		return Portfolio()
	}
	return nil
}
