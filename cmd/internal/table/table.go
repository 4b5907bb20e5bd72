// Package table derives, by experiment on the simulated machine, what the article on serializing tokens says of tokens, mutexes,
// spl and funnels, and the same of the BSD lock family: six properties each.
//
// No verdict is written down anywhere. Each property is a function that takes a lock, runs a small program under every schedule,
// or in virtual time, and looks at what came of it (sections.go, waits.go, inversion.go); the locks are in locks.go. The tests hold
// the verdicts against those of the article, and for each cell they swap in a lock that differs in just that property
// and see that cell, and no other one of its column, change.
package table

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/cmd/internal/cli"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/sim"
)

// budget is the most that one exploration may take; they take milliseconds, and some seconds under the race detector.
const budget = 5 * time.Second

// A finding is what an experiment showed.
type finding struct {
	works      bool
	figure     string // a few words for the table
	evidence   string // a sentence
	schedules  int
	exhaustive bool
	failure    *explore.Failure // a run that did not come to its end
	timeline   *inversion       // of the last row: a run to be drawn
	err        error            // the experiment could not be made
}

// A property is one row of the table.
type property struct {
	name, title string
	how         string // the experiment, in words
	try         func(l lock) finding
}

var properties = []property{
	{"timeslicing", "timeslicing", "two equal threads on one processor; a slice may end at any moment", timeslicing},
	{"concurrent", "concurrent execution", "two threads on two processors", concurrent},
	{"preemption", "preemption", "an interrupt at any moment, and a better thread that it wakes, want the same", preemption},
	{"blocking", "voluntary blocking", "the holder blocks in the middle of a change; works: nobody sees it half done", blocking},
	{"deadlock", "deadlock", "two threads take two locks in opposite order; works: avoided", deadlock},
	{"inversion", "priority inversion", "low holds what high wants while middle computes; works: high waits no longer than low's section takes, 1,000 µs", priorities},
}

// A cell is one result.
type cell struct {
	property *property
	lock     string
	finding
}

func (c cell) verdict() string {
	if c.works {
		return "works"
	}
	return "fails"
}

// measure makes all experiments, row by row.
func measure(locks []lock) (cells []cell, err error) {
	for i := range properties {
		for _, l := range locks {
			c := cell{&properties[i], l.name, properties[i].try(l)}
			if c.err != nil {
				return nil, fmt.Errorf("%s, %s: %w", c.property.name, l.name, c.err)
			}
			cells = append(cells, c)
		}
	}
	return cells, nil
}

// everywhere runs a program under all schedules of a machine, for each policy of the lock. A run that does not come to its end is
// a failure of the lock, unless the experiment says otherwise.
func everywhere(l lock, o sim.Options, program func(m *sim.Machine)) (all finding) {
	all.exhaustive = true
	for _, s := range l.policies {
		o.Slicing = s
		f := judged(explore.Run(program, explore.Exhaustive(), explore.Once(), explore.On(o), explore.Budget(budget)))
		all.schedules += f.schedules
		all.exhaustive = all.exhaustive && f.exhaustive
		if f.err != nil || f.failure != nil {
			f.schedules, f.exhaustive = all.schedules, false
			return f
		}
	}
	return all
}

// judged takes over what an exploration reports.
func judged(rep explore.Report) finding {
	f := finding{schedules: rep.Runs, exhaustive: rep.Exhaustive, failure: rep.Failure, err: rep.Err}
	if f.failure != nil {
		f.figure = rep.Failure.Outcome.String()
		f.evidence = firstLine(rep.Failure.Err)
		var misuse *lwkt.Misuse
		if errors.As(rep.Failure.Err, &misuse) {
			why, _, _ := strings.Cut(misuse.Why, " (exclusive)") // where it was acquired
			f.figure = "panics"
			f.evidence = fmt.Sprintf("%s%s panics: %s", misuse.Op, of(misuse.Lock), why)
		}
	}
	return f
}

// of names the lock of a misuse, if it is about one.
func of(lock string) string {
	if lock == "" {
		return ""
	}
	return " of " + lock
}

func firstLine(err error) string {
	if err == nil {
		return "nothing is known about it"
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

const usageText = `usage: lwkt table [flags]

Runs the experiments behind the comparison of serializing tokens with mutexes, spl and
funnels, and with Mtx, RWLock and rmlock (their writers; rms is the sleepable one), SX, lockmgr,
the serializer, Giant and SpinMtx, each under every schedule of a simulated machine, and prints
what came of them. The mutex is kept when its holder blocks and lends no priority; spl is splhigh.
In the last row low reads the rmlock: it lends to readers. A pool's mutexes are Mtx; a semaphore
has no owner to lend to, and who waits on a condition holds nothing: they have no column.

flags:
`

var show = cli.Show{
	Name: "lwkt table", Usage: usageText, JSON: true, SVG: "draw the table, and who ran when in the last row, into this `FILE`, too", More: experiments, Run: run,
	Exit: "0 measured, whatever the verdicts; 1 trouble with an experiment or a file;\n2 nonsense on the command line.",
}

// Main runs `lwkt table` and returns its exit status: 0, 1 if an experiment could not be made or a file not be written, 2 for a
// command line that makes no sense. A verdict is a result, whatever it is.
func Main(args []string, stdout, stderr io.Writer) int { return show.Main(args, stdout, stderr) }

// experiments says in the text of -help what is measured.
func experiments(w io.Writer) {
	fmt.Fprint(w, "\nexperiments:\n")
	for _, p := range properties {
		fmt.Fprintf(w, "  %-12s %s\n", p.name, p.how)
	}
}
