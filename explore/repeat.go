package explore

// Does the program do the same again? A run is to be a function of the schedule. Where a
// strategy repeats a prefix it compares the operations (Drift); here whole runs of one
// schedule are compared by how they ended. Test runs the default schedule twice before
// anything else. A run that failed is repeated, as found and as shrunk, and so is the first
// run of the search, which did not fail: if it does now, its state is that of the runs
// since. Then nothing is known of the program, and the failure is not told as one of it.
//
// A strategy that draws at random never comes back to a prefix, and a search of a few runs
// hardly does. So whatever the strategy, some runs that passed are made once more at once, and
// what could go on at each step is compared (doubter): the first 16, those whose number is a
// power of two, every 64th, and at the end the last one, three times, or more if there were few.
// Of many runs that is less than 2 %. They are counted nowhere.

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

// doubter is a runner that makes some of the runs twice.
type doubter struct {
	stack
	runs   runner
	n      int           // runs that were asked for
	last   ending        // how the last of them ended
	points []doubtful    // of the run that is written down
	at     int           // the next point of the run that repeats it
	state  int           // of the run under way
	all    bool          // the run that is written down is with footprints, which number objects too
	before ending        // how the one that was written down ended
	differ *Uncontrolled // the endings, where all steps were the same
}

// The states of a doubter.
const (
	trusting  = iota
	writing   // this run is written down
	comparing // this one repeats it
)

// doubtful is a point with what was chosen there.
type doubtful struct{ first, n, chosen int32 }

// doubted says which runs are repeated.
func doubted(n int) bool { return n <= 16 || n&(n-1) == 0 || n%64 == 0 }

func (d *doubter) run(next func() sim.Chooser, done func(r *result) bool) {
	d.runs(func() sim.Chooser {
		if d.state == writing {
			return d.repeat()
		}
		c := next()
		if d.state = trusting; c == nil {
			return nil
		}
		if d.n++; doubted(d.n) {
			return d.write(c)
		}
		return c
	}, func(r *result) bool {
		if d.state == comparing {
			return d.compare(r)
		}
		d.last = endingOf(r, nil)
		d.before = d.last
		return done(r)
	})
}

// again repeats the last run, of which the choices are given, some times.
func (d *doubter) again(choices []int32) {
	times := 0
	d.runs(func() sim.Chooser {
		switch times++; {
		case times == 1:
			return d.write(&indices{choices: choices})
		case times <= max(3, 12-d.n):
			return d.repeat()
		}
		return nil
	}, func(r *result) bool {
		if d.state == comparing {
			return d.compare(r)
		}
		if d.before = endingOf(r, nil); d.before != d.last {
			d.differ = &Uncontrolled{d.last.String(), d.before.String()}
		}
		return d.differ == nil
	})
}

// found is what is wrong with the program, or nil.
func (d *doubter) found() error {
	if x := d.drifted(); x != nil {
		return x
	}
	if d.differ != nil {
		return d.differ
	}
	return nil
}

// write returns the chooser that asks c and writes the run down.
func (d *doubter) write(c sim.Chooser) sim.Chooser {
	d.state, d.points, d.events = writing, d.points[:0], d.events[:0]
	rec, ok := c.(sim.Recorder)
	if d.all = ok; ok {
		return &writerOfAll{writer{d, c}, rec}
	}
	return &writer{d, c}
}

// repeat returns the chooser that does what is written down.
func (d *doubter) repeat() sim.Chooser {
	d.state, d.at = comparing, 0
	if d.all {
		return &repeaterOfAll{d}
	}
	return d
}

type repeaterOfAll struct{ *doubter }

// Executed has the machine make footprints.
func (*repeaterOfAll) Executed(sim.Event, []sim.Access) {}

type writer struct {
	d *doubter
	c sim.Chooser
}

// Choose asks, and writes down.
func (w *writer) Choose(p *sim.Point) int {
	t := doubtful{}
	t.first, t.n = w.d.push(p)
	i := w.c.Choose(p)
	t.chosen = int32(i)
	w.d.points = append(w.d.points, t)
	return i
}

type writerOfAll struct {
	writer
	sim.Recorder
}

// Choose does what was done, as long as the same can go on.
func (d *doubter) Choose(p *sim.Point) int {
	if d.at == len(d.points) {
		d.same(p, 0, 0) // which it is not
		return -1
	}
	t := d.points[d.at]
	d.at++
	if !d.same(p, t.first, t.n) {
		return -1
	}
	return int(t.chosen)
}

// compare judges the run that was to be the same.
func (d *doubter) compare(r *result) bool {
	if d.drift != nil {
		return false
	}
	if d.at < len(d.points) {
		t := d.points[d.at]
		d.short(d.at, t.first, t.n)
		return false
	}
	if now := endingOf(r, nil); now != d.before {
		d.differ = &Uncontrolled{d.before.String(), now.String()}
	}
	return d.differ == nil
}

// indices chooses by them.
type indices struct {
	choices []int32
	at      int
}

// Choose abandons the run where there is none.
func (s *indices) Choose(p *sim.Point) int {
	if s.at == len(s.choices) || int(s.choices[s.at]) >= len(p.Enabled) {
		return -1
	}
	s.at++
	return int(s.choices[s.at-1])
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
