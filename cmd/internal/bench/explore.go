// This file is `lwkt bench -explore`: how fast schedules are explored, and what is found in them.
//
// Why it is fair: the programs and the clock are package explore's own, and all of what it measures is printed; the targets
// stand beside the figures, met or not. A row that is to find something, or to try everything, says whether it did. There is
// nothing to compare with in the same process, so the figures are absolute: they are one core's, and of this machine only.

package bench

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/serializing-tokens/lwkt/cmd/internal/cli"
	"github.com/serializing-tokens/lwkt/explore"
)

// A goal is what is expected of a row.
type goal struct {
	what string // one line about the row
	text string // the target
	met  func(r explore.BenchRow) bool
}

// atLeast wants so many schedules a second, and all of them tried.
func atLeast(rate float64) func(explore.BenchRow) bool {
	return func(r explore.BenchRow) bool { return r.PerSecond >= rate && r.Found }
}

func found(r explore.BenchRow) bool { return r.Found }

// goals is by name; a row without one is measured all the same.
var goals = map[string]goal{
	"dfs-3x3":             {"3 threads x 3 sections of a mutex, every schedule", ">= 700k/s", atLeast(700_000)},
	"dpor-3x3":            {"the same, every trace once", ">= 300k/s", atLeast(300_000)},
	"dining-3-tokens":     {"3 philosophers, forks are tokens, every trace", "all", found},
	"dining-5-tokens":     {"5 philosophers", "all", found},
	"random-late-abba":    {"a deadlock with a thread that comes late, by random walk", "", nil},
	"portfolio-late-abba": {"the same, by all random strategies in turn", "found", found},
	"shrink-700": {"a failure with some 700 switches, shrunk", "<= 10 switches, <= 1 s",
		func(r explore.BenchRow) bool { return r.Found && r.Switches <= 10 && r.Ms <= 1000 }},
}

// measureExploring runs `lwkt bench -explore`.
func measureExploring(asJSON bool, stdout, stderr io.Writer) int {
	p := newProgress(stderr)
	p.show("exploring")
	rows := explore.Bench()
	p.clear()
	write := writeExploring
	if asJSON {
		write = writeExploringJSON
	}
	if err := write(stdout, rows); err != nil {
		fmt.Fprintf(stderr, "lwkt bench: writing the results: %v\n", err)
		return 1
	}
	return 0
}

func writeExploring(w io.Writer, rows []explore.BenchRow) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "lwkt explore: schedules of small programs on the simulated machine, on one core\nmachine  %s\n\n", machine())
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(tw, "schedules/s\tschedules\tfound\tswitches\tms\ttarget\t\t  row\n")
	for _, r := range rows {
		g, verdict, switches := goals[r.Name], "", ""
		if g.met != nil {
			verdict = "MISS"
			if g.met(r) {
				verdict = "ok"
			}
		}
		if r.Switches > 0 {
			switches = fmt.Sprint(r.Switches)
		}
		fmt.Fprintf(tw, "%.0f\t%d\t%v\t%s\t%.0f\t%s\t%s\t  %s: %s\n",
			r.PerSecond, r.Schedules, map[bool]string{true: "yes", false: "no"}[r.Found], switches, r.Ms, g.text, verdict, r.Name, g.what)
	}
	tw.Flush()
	fmt.Fprint(out, "\nFound: a failure, or of a row that tries everything, that it did.\n")
	return out.Flush()
}

// writeExploringJSON prints one array, one object a line.
func writeExploringJSON(w io.Writer, rows []explore.BenchRow) error {
	rounded := slices.Clone(rows)
	for i := range rounded {
		rounded[i].PerSecond = math.Round(rounded[i].PerSecond)
	}
	return cli.WriteArray(w, rounded)
}
