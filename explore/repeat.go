package explore

// Does the program do the same again? A run is to be a function of the schedule. Where a
// strategy repeats a prefix it compares the operations (Drift); here whole runs of one
// schedule are compared by how they ended. Test runs the default schedule twice before
// anything else. A run that failed is repeated, as found and as shrunk, and so is the first
// run of the search, which did not fail: if it does now, its state is that of the runs
// since. Then nothing is known of the program, and the failure is not told as one of it.

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/serializing-tokens/lwkt/sim"
)

// Uncontrolled is the error of a program that ended in another way when it was run again
// under the same schedule. As a rule it has state that is not made in the function that is
// explored, and so outlives a run.
type Uncontrolled struct {
	Before string // how the schedule ended
	Now    string // and when it was run again
}

// Error tells both.
func (u *Uncontrolled) Error() string {
	return fmt.Sprintf("explore: uncontrolled: state outlives a run? The same schedule, run twice, ended differently.\n"+
		"\tbefore: %s\n\tnow:    %s\n"+
		"Make all state inside the function that is explored, and leave out clocks, random numbers, map order and goroutines of its own.",
		u.Before, u.Now)
}

// ending is how a run ended.
type ending struct {
	outcome sim.Outcome
	steps   int
	text    string // the first line of the error, without addresses
}

var address = regexp.MustCompile(`0x[0-9a-f]+`)

func endingOf(r *result, live error) ending {
	e := ending{outcome: r.Outcome, steps: r.Steps}
	err := r.Err
	if live != nil {
		err = live
	}
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		e.text = address.ReplaceAllString(strings.TrimPrefix(first, "sim: "), "0x")
	}
	return e
}

func (e ending) String() string {
	s := e.outcome.String()
	if e.text != "" {
		s = e.text
	}
	return s + " (" + counted(e.steps, "step") + ")"
}

// once makes one run under s.
func (x *exploration) once(s strategy) ending {
	g := x.guard(nil)
	c := g.over(s)
	s.begin()
	g.begin()
	r := x.host.run(c)
	return endingOf(&r, g.end(&r))
}

// repeats makes one run under s, and says whether it ended as it did before.
func (x *exploration) repeats(before ending, s strategy) bool {
	now := x.once(s)
	if now != before {
		x.report.Err = &Uncontrolled{before.String(), now.String()}
	}
	return now == before
}
