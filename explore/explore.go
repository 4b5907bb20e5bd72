// Package explore runs a concurrent program under every schedule, or as many as the
// time allows, on the simulated machine of package sim.
//
// The program is a function that makes all its state and starts threads:
//
//	func TestTransfer(t *testing.T) {
//		explore.Test(t, func(m *sim.Machine) {
//			a, b := newAccount(100), newAccount(0)
//			m.Go("t1", func(td *lwkt.Thread) { transfer(td, a, b, 10) })
//			m.Go("t2", func(td *lwkt.Thread) { transfer(td, b, a, 5) })
//			m.Finally(func() { m.Assert(a.sum+b.sum == 100, "money lost") })
//		})
//	}
//
// The rules, without which a green test says little:
//
//   - Make all state inside the function. It runs once for each schedule, and must do the
//     same whenever the schedule is the same. Some runs are made twice to see that, so what
//     outlives a run, clocks and random numbers are found out as a rule (Uncontrolled,
//     Drift), but not always.
//   - Start threads with Machine.Go, and from threads with Thread.Go; lwkt.Go and go
//     statements start goroutines that the machine does not know of.
//   - Wait only through packages lwkt and sim. What waits for a raw channel or a lock of package
//     sync, be it a thread, the function or Finally, stops the whole machine, and fails the test after ten seconds.
//   - Instead of T.Fatal and T.Error use Machine.Assert, in threads, in the function and in
//     Finally: those fail the test without a schedule that repeats it. A context that a thread cancels
//     comes from Machine.WithCancel: when another one is cancelled is not explored, and
//     one with a deadline (context.WithTimeout) goes by the clock on the wall, which no
//     schedule has under control. That is not found out.
//   - Threads switch only at operations of lwkt and sim. Plain code between two of them looks
//     atomic, so a counter without a lock never loses anything here. Run the test with
//     -race too: each schedule is then judged by the edges of the locks alone, as if the
//     threads had run at the same time. Or make it a sim.Var, of which each access is a step.
//   - That goes for package sync/atomic too, len of a channel, a raw select with a default, and a context that was
//     derived from that of Machine.WithCancel: when they are looked at is not explored, and -race has
//     nothing to say about atomic accesses. Use a sim.Var, or announce the access by Machine.Touch.
//   - Hence "exhaustive" means: all orders of the operations of lwkt and sim that make a
//     difference (traces), at most; not all orders of the instructions in between. Accesses
//     are sequentially consistent. MustFinish makes it a failure if not all were tried.
//   - Name your locks. Those without a name are numbered in the order of first use.
//
// A failure is a deadlock, a panic, an assertion that does not hold, a lock
// held at the end, a thread that starves or goes on for ever, or one that waits for too long behind
// threads of lower priority (MaxInversion). It is told with the
// fewest switches that could be found, as a line that repeats it, and as a picture.
package explore

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/serializing-tokens/lwkt/sim"
)

// Report is what came of an exploration.
type Report struct {
	Strategy   string        // which one ended it, with its seed
	Runs       int           // schedules run, those that repeated others included
	Traces     int           // distinct ones, up to the order of steps that have nothing to do with each other
	States     int           // distinct ones, if they were recognized
	Repeated   int           // runs that were abandoned because they began to repeat others
	Exhaustive bool          // nothing is left to try
	Capped     bool          // some runs reached the cap on steps and went on in round robin
	Bound      string        // what a search that was not exhaustive promises
	Elapsed    time.Duration // without shrinking
	Failure    *Failure      // nil: none was found
	Err        error         // the program could not be explored: *Drift, *Uncontrolled, a *sim.PanicError of its function, or how it is used is wrong
	Diverged   string        // of a replay: where it was not the run any more that the schedule was found in
	Near       int           // of a replay that diverged and passed: schedules near it that were run then
	Adapted    bool          // one of those failed
}

// Failure is a run that failed.
type Failure struct {
	Outcome  sim.Outcome // StepLimit stands for a livelock or starvation
	Err      error       // what happened; a *Liveness if the run did not end
	Strategy string      // who found it
	Run      int         // in its how-manieth run
	Found    int         // switches between threads in the schedule as found
	Switches int         // and as shrunk
	Replays  int         // runs that shrinking took
	Replay   string      // the schedule, for EXPLORE_REPLAY and Replay
	Lanes    string      // the run, a column a thread
	Perfetto []byte      // the run as JSON for chrome://tracing and ui.perfetto.dev
	SVG      []byte      // the run as a picture
}

// Unfinished is the error of an exploration that was to try all (MustFinish) and did not.
type Unfinished struct {
	Text string // how far it came

	random string // the strategy, if it is one that never finishes, and who named it
}

// Error tells how far it came, and what helps.
func (u *Unfinished) Error() string {
	if u.random != "" {
		return "explore: MustFinish, but " + u.Text + ". " + u.random + " never tries all, however long: take Auto, DPOR or Exhaustive, or leave out MustFinish."
	}
	return "explore: MustFinish, but " + u.Text + ". Give it more time (Budget, and DPOR or Exhaustive for all of it), or the program fewer threads or operations."
}

// OK says whether the program was explored and no run failed.
func (r *Report) OK() bool { return r.Failure == nil && r.Err == nil }

// String is one line, or for a failure all that is known about it but the pictures.
func (r *Report) String() string {
	var b strings.Builder
	switch f := r.Failure; {
	case r.Err != nil:
		b.WriteString(r.Err.Error())
	case f != nil && f.Run == 0: // not under control, so neither shrunk nor drawn
		fmt.Fprintf(&b, "%s\n", f.Outcome)
		if f.Err != nil {
			fmt.Fprintf(&b, "\n%v\n", f.Err)
		}
	case f != nil:
		where := fmt.Sprintf("in run %d of %s", f.Run, f.Strategy)
		if r.Strategy == replayed {
			where = "in a replay"
		}
		if r.Adapted {
			where += ", after the schedule was adapted (" + counted(r.Near, "run") + ")"
		}
		fmt.Fprintf(&b, "%s %s, in a schedule with %s", f.Outcome, where, counted(f.Found, "switch"))
		if f.Switches < f.Found {
			fmt.Fprintf(&b, ", shrunk to %d by %s", f.Switches, counted(f.Replays, "run"))
		}
		b.WriteString("\n")
		if r.Diverged != "" {
			b.WriteString("the replay diverged: " + r.Diverged + "\n")
		}
		if strings.Contains(f.Lanes, "\n") { // it came to a step
			fmt.Fprintf(&b, "\n%s\n\n%s\n", f.Lanes, legend)
		}
		if f.Err != nil {
			fmt.Fprintf(&b, "\n%v\n", f.Err)
		}
	case r.Strategy == replayed:
		b.WriteString("the schedule that is replayed does not fail")
	case r.Exhaustive && r.States > 0:
		fmt.Fprintf(&b, "%s, exhaustive (%s)", all(r.States, "state"), counted(r.Runs, "run"))
	case r.States > 0:
		fmt.Fprintf(&b, "not exhaustive: %s, %s", counted(r.Runs, "run"), counted(r.States, "state"))
	case r.Exhaustive && (r.Repeated+r.Traces == r.Runs || r.Strategy == "dpor"): // that may run a trace twice
		fmt.Fprintf(&b, "%s (orders of operations that matter), exhaustive (%s; %s)", all(r.Traces, "trace"), by(r.Strategy), counted(r.Runs, "run"))
	case r.Exhaustive:
		fmt.Fprintf(&b, "%s, exhaustive (%s; %s, orders of operations that matter)", all(r.Runs, "schedule"), by(r.Strategy), counted(r.Traces, "trace"))
	default:
		fmt.Fprintf(&b, "not exhaustive: %s, %s (orders of operations that matter; %s)", counted(r.Runs, "run"), counted(r.Traces, "trace"), r.Strategy)
	}
	if r.Failure == nil && r.Err == nil && r.Bound != "" {
		b.WriteString("; " + r.Bound)
	}
	if r.Failure == nil && r.Err == nil && r.Capped {
		b.WriteString("; some runs reached the cap on steps, and what they could have done beyond was not tried")
	}
	if r.Diverged != "" && r.Failure == nil {
		b.WriteString("; the replay diverged: " + r.Diverged + r.near())
	}
	return b.String()
}

// near tells how much else was tried in vain.
func (r *Report) near() string {
	if r.Near == 0 {
		return ""
	}
	return fmt.Sprintf("; of %s near it none fails", counted(r.Near, "schedule"))
}

// all tells how many there are of what has been tried to the end.
func all(n int, what string) string {
	switch {
	case n == 1:
		return "the only " + what
	case n >= maxTraces && what == "trace":
		return "all more than " + counted(n, what)
	}
	return "all " + counted(n, what)
}

// by tells how all were tried.
func by(strategy string) string {
	switch strategy {
	case "dpor":
		return "reduced by dpor"
	case "exhaustive":
		return "plain enumeration"
	}
	return strategy
}

// Run explores a program and reports. It does not read the environment and keeps
// nothing. It blocks until the exploration ends; goroutines that it started have ended
// then, unless the program blocked outside the simulation.
func Run(program func(m *sim.Machine), opts ...Option) Report {
	return explore(program, newConfig(opts))
}

func explore(program func(m *sim.Machine), c *config) Report {
	switch {
	case c.err != nil:
		return Report{Err: c.err}
	case program == nil:
		return Report{Err: errors.New("explore: there is no program to explore")}
	}
	var rep Report
	var broken error
	err := sim.Do(func(s *sim.Session) {
		options := c.machine
		options.Steps *= 2 // the second half is the fair suffix
		h := &host{session: s, options: options, program: program}
		defer h.caught(&broken)
		x := &exploration{config: c, host: h, cap: c.machine.Steps}
		switch {
		case c.twice && !x.repeats(x.once(&deviate{}), &deviate{}):
		case c.replay != "":
			x.again(c.replay)
		default:
			x.all()
		}
		rep = x.report
	})
	switch {
	case err != nil:
		return Report{Failure: &Failure{Outcome: sim.RealBlock, Err: err}}
	case broken != nil:
		return Report{Err: broken}
	}
	if c.finish && c.replay == "" && rep.OK() && !rep.Exhaustive {
		rep.Err = &Unfinished{rep.String(), c.endless(rep.Strategy)}
	}
	return rep
}

// endless names the strategy if it does not come to an end with all schedules.
func (c *config) endless(label string) string {
	for _, st := range c.plan(c) {
		switch s := st.s.(type) {
		case *dpor:
			return ""
		case *dfs:
			if s.bound < 0 {
				return ""
			}
		}
	}
	if c.named != "" {
		return c.named
	}
	return label
}

// exploration is one under way.
type exploration struct {
	*config
	host   *host
	cap    int
	report Report
	drawn  ending // of the run that was drawn
}

func (x *exploration) guard(t *traces) *guard { return &guard{cap: x.cap, traces: t} }

// all goes through the stages of the plan.
func (x *exploration) all() {
	r, begun, counts := &x.report, time.Now(), newTraces()
	for _, st := range x.plan(x.config) {
		if _, plain := st.s.(*dfs); plain && r.Runs > 0 && !x.irreducible {
			continue // where reduction did not come to an end, enumeration will not
		}
		lim := limit{runs: st.runs}
		if x.runs > 0 {
			left := x.runs - r.Runs
			if left <= 0 {
				break
			}
			if lim.runs == 0 || left < lim.runs {
				lim.runs = left
			}
		}
		if x.budget > 0 {
			left := time.Until(begun.Add(x.budget))
			lim.deadline = time.Now().Add(time.Duration(float64(left) * st.share))
		}
		g := x.guard(counts)
		d, _ := st.s.(*dpor)
		if d != nil && d.states != nil {
			x.host.options.States, g.traces = d.states, nil
		}
		doubt, runs := &doubter{runs: x.host.runs}, x.host.runs
		if !x.trust && !x.tape && (d == nil || d.states == nil) { // a fuzzer has many runs to compare, and states are met again
			runs = doubt.run
		}
		t := drive(runs, st.s, g, lim)
		x.host.options.States = nil
		if doubt.n > 0 && !t.failed && t.drift == nil && doubt.found() == nil {
			doubt.again(g.choices)
		}
		r.Strategy = st.s.label()
		r.Runs += t.runs
		r.Repeated += st.s.blocked()
		r.Capped = r.Capped || g.capped
		r.Traces, r.Elapsed = len(counts.seen), time.Since(begun)
		if t.drift != nil {
			r.Err = t.drift
			return
		}
		if r.Err = doubt.found(); r.Err != nil {
			return
		}
		if t.failed {
			x.failed(t)
			return
		}
		if d != nil {
			r.States = len(d.table)
		}
		if d != nil && d.why != "" {
			x.irreducible = true
			r.Bound = "not reduced, because " + d.why
			r.Repeated = 0
			continue
		}
		if st.s.exhausted() {
			d, bounded := st.s.(*dfs)
			bounded = bounded && d.bound >= 0
			if bounded {
				r.Bound = fmt.Sprintf("all schedules with at most %d preemptions", d.bound)
			}
			r.Exhaustive = !bounded && !g.capped
			return
		}
		switch s := st.s.(type) {
		case *portfolio:
			r.Bound = s.odds()
		case *pct:
			r.Bound = s.odds(t.runs)
		}
	}
}

// exact repeats choices by their indices and takes notes.
type exact struct {
	plain
	notes
	choices []int32
	at      int
	done    bool
}

func (s *exact) label() string { return "exact" }

func (s *exact) begin() bool {
	again := !s.done
	s.notes.begin()
	s.at, s.done = 0, true
	return again
}

// Choose does what was done, as far as that goes.
func (s *exact) Choose(p *sim.Point) int {
	i := 0
	if s.at < len(s.choices) {
		i = min(max(0, int(s.choices[s.at])), len(p.Enabled)-1)
	}
	s.at++
	return s.note(p, i)
}

// failed shrinks and draws the run that failed.
func (x *exploration) failed(t tally) {
	r := &x.report
	f := &Failure{Outcome: t.result.Outcome, Err: t.result.Err, Strategy: r.Strategy, Run: r.Runs}
	if t.liveErr != nil {
		f.Err = t.liveErr
	}
	h := &shrinker{run: x.host.run, g: x.guard(nil), want: t.result.Outcome, until: time.Now().Add(time.Second)}
	s := &exact{choices: t.choices}
	if !x.repeats(endingOf(&t.result, t.liveErr), s) {
		return
	}
	if t.runs > 1 && t.began.outcome != sim.Abandoned && !x.repeats(t.began, &exact{choices: t.first}) {
		return
	}
	f.Found = s.switches
	h.shrink(&s.notes)
	f.Switches, f.Replays = h.best.switches, h.replays
	best := &deviate{list: h.best.deviations}
	before := x.once(best)
	f.Replay = best.written(f.Outcome, x.host).String()
	if x.draw(f, &deviate{list: h.best.deviations}); x.drawn == before {
		r.Failure = f
	} else {
		r.Err = &Uncontrolled{before.String(), x.drawn.String()}
	}
}
