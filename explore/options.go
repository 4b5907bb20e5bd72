package explore

// What a caller can say about an exploration: the machine, how long, which strategy.

import (
	"errors"
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
	inversion   time.Duration
	budget      time.Duration
	runs        int
	seed        uint64
	plan        func(c *config) []stage
	replay      string
	irreducible bool // found out on the way
	keep        string
	asked       bool   // the replay is of the environment
	kept        bool   // or of a file
	finish      bool   // what is not exhaustive is an error
	pkg         string // import path of the test
	twice       bool   // the default schedule is run twice first
	trust       bool   // no run that passed is repeated
	tape        bool   // the only run is that of a fuzzer
	named       string // where the environment names the strategy, "EXPLORE_STRATEGY=random"
	err         error  // of what options or the environment say
}

// wrong keeps the first mistake in what was said.
func (c *config) wrong(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("explore: "+format, args...)
	}
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
	for _, n := range []struct {
		what string
		n    int
	}{{"CPUs", c.machine.CPUs}, {"Steps", c.machine.Steps}, {"Runs", c.runs}} {
		if n.n < 0 {
			c.wrong("%s(%d): it is a number from 0 on, and 0 is as if it was left out", n.what, n.n)
		}
	}
	if c.budget < 0 {
		c.wrong("Budget(%v): it is a time from 0 on, and 0 is as if it was left out", c.budget)
	}
	if c.machine.Words && c.machine.CPUs > 0 {
		c.wrong("Words is not for CPUs(%d): leave out one of them", c.machine.CPUs)
	}
	if c.machine.Steps == 0 {
		c.machine.Steps = defaultSteps
	}
	if c.inversion > 0 {
		c.machine.MaxInversion = c.inversion
	}
	if o := c.machine; o.MaxInversion > 0 && (o.CPUs == 0 || !o.Timed) {
		c.err = errors.New("explore: MaxInversion needs processors and virtual time: On(sim.Options{CPUs: 1, Timed: true})")
	}
	if c.budget == 0 && c.runs == 0 {
		c.budget = 2 * time.Second
	}
	return c
}

// On runs the program on the machine that o describes. The cap on its steps is where
// runs become fair; as many fair ones may follow.
func On(o sim.Options) Option {
	return func(c *config) {
		c.machine = o
		c.mayWords()
	}
}

// mayWords makes it an error if Words is said in a build that has none.
func (c *config) mayWords() {
	if c.machine.Words && !sim.HasWords {
		c.wrong("Words needs a build with -tags lwkt_words")
	}
}

// CPUs runs the program on n processors; 0, which holds without it, leaves out
// processors, so that every thread may step at any time.
func CPUs(n int) Option { return func(c *config) { c.machine.CPUs = n } }

// MaxInversion makes a run fail if threads of lower priority keep one from running for longer than d of virtual
// time before it runs again; sim.Options.MaxInversion says what counts. The limit to expect of locks that lend is their longest section,
// and of spl and critical sections the longest of those. It needs processors and virtual time (On), and is an error without.
func MaxInversion(d time.Duration) Option {
	return func(c *config) {
		if c.inversion = d; d <= 0 {
			c.err = fmt.Errorf("explore: MaxInversion of %v, which is no time", d)
		}
	}
}

// Words explores the lock code itself: each operation on a word of it is a step
// (sim.Options.Words). It needs a build with the tag lwkt_words; in others it is an
// error.
func Words() Option {
	return func(c *config) {
		c.machine.Words = true
		c.mayWords()
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

// Once makes no run of the search a second time only to see whether the program repeats
// itself. It is for programs that count over all schedules, outside of the function.
func Once() Option { return func(c *config) { c.trust = true } }

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
// interleaving (CPUs(0)), and gives up where time competes with steps.
func DPOR() Option {
	return single(func(c *config) strategy {
		s := newDPOR()
		s.expires = c.machine.AnyTimeout
		return s
	})
}

// States is DPOR that goes on from each state of a run once. It is for Words, and for programs of
// up to four threads that say what they share (sim.Machine.Share), without time or data choices. In builds that cannot
// recognize states (sim.HasStates) it is an error.
func States() Option {
	plan := single(func(*config) strategy { return newStates() })
	return func(c *config) {
		if !sim.HasStates {
			c.wrong("States needs a build with -tags lwkt_words, without -race, for amd64 or arm64, whose frame pointers are known")
		}
		plan(c)
	}
}

// Preempt enumerates the schedules in which at most n times a thread is left although
// it could go on.
func Preempt(n int) Option {
	return from(0, n, fmt.Sprintf("Preempt(%d)", n), single(func(*config) strategy { return newDFS(n) }))
}

// from is the option if its number is least or more, else an error of what was said.
func from(least, n int, said string, o Option) Option {
	if n < least {
		return func(c *config) { c.wrong("%s: the number is at least %d", said, least) }
	}
	return o
}

// Random walks at random.
func Random() Option {
	return single(func(c *config) strategy { return &walk{dice: newDice(c.seed)} })
}

// URW walks at random with each thread weighted by the steps it has left.
func URW() Option { return single(func(c *config) strategy { return &urw{dice: newDice(c.seed)} }) }

// POS runs the announced steps by random priorities.
func POS() Option { return single(func(c *config) strategy { return &pos{dice: newDice(c.seed)} }) }

// PCT runs the threads by random priorities with depth-1 changes; depth is at least 1.
func PCT(depth int) Option {
	return from(1, depth, fmt.Sprintf("PCT(%d)", depth), single(func(c *config) strategy { return &pct{dice: newDice(c.seed), depth: depth} }))
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

// Replay makes one run under a schedule from a failure. If the program has changed, the
// report says where it departs from what it was, and the run goes on by default. If it passes
// then, some hundred schedules near it are run, and the first one that fails is told as the failure.
func Replay(schedule string) Option { return func(c *config) { c.replay = schedule } }

// fromEnvironment lets the four variables override what the test says.
func fromEnvironment() Option {
	return func(c *config) {
		if v := os.Getenv("EXPLORE_SEED"); v != "" {
			n, err := strconv.ParseUint(v, 0, 64)
			if err != nil {
				c.wrong("EXPLORE_SEED=%s is no number from 0 on, such as 7 or 0x2a", v)
			}
			c.seed = n
		}
		if v := os.Getenv("EXPLORE_BUDGET"); v != "" {
			n, err := strconv.Atoi(v)
			d, notTime := time.ParseDuration(v)
			switch {
			case err == nil && n <= 0, notTime == nil && d <= 0:
				c.wrong("EXPLORE_BUDGET=%s leaves nothing to try with: give it a time such as 5s, or a number of runs from 1 on, or unset it", v)
			case err == nil:
				c.runs, c.budget = n, 0
			case notTime == nil:
				c.runs, c.budget = 0, d
			default:
				c.wrong("EXPLORE_BUDGET=%s is neither a time (5s) nor a number of runs", v)
			}
		}
		if v := os.Getenv("EXPLORE_STRATEGY"); v != "" {
			c.named = "EXPLORE_STRATEGY=" + v
			named(v)(c)
		}
		if v := os.Getenv("EXPLORE_REPLAY"); v != "" {
			c.replay, c.asked = v, true
		}
	}
}

// strategies are those that the environment may name. Some have a number behind a colon.
var strategies = map[string]struct {
	make   func(n int) Option
	number bool
	least  int
}{
	"auto":       {make: func(int) Option { return Auto() }},
	"dpor":       {make: func(int) Option { return DPOR() }},
	"exhaustive": {make: func(int) Option { return Exhaustive() }},
	"preempt":    {make: Preempt, number: true},
	"random":     {make: func(int) Option { return Random() }},
	"urw":        {make: func(int) Option { return URW() }},
	"pos":        {make: func(int) Option { return POS() }},
	"pct":        {make: PCT, number: true, least: 1},
	"portfolio":  {make: func(int) Option { return Portfolio() }},
}

// named finds a strategy by name.
func named(s string) Option {
	wrong := func(format string, args ...any) Option {
		return func(c *config) { c.wrong("EXPLORE_STRATEGY=%s "+format, append([]any{s}, args...)...) }
	}
	name, arg, colon := strings.Cut(s, ":")
	st, ok := strategies[name]
	n, err := strconv.Atoi(arg)
	switch {
	case !ok:
		return wrong("is none of auto, dpor, exhaustive, preempt:N, random, urw, pos, pct:N, portfolio")
	case !st.number && colon:
		return wrong("has a number, which %s does not take", name)
	case st.number && (err != nil || n < st.least):
		return wrong("wants a number from %d on behind the colon, such as %s:2", st.least, name)
	}
	return st.make(n)
}
