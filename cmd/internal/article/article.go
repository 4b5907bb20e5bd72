// Package article plays the example with which the article on serializing tokens explains them, two threads and two tokens, step
// by step, and then explores it.
//
// The steps printed are those of a run on the simulated machine, in the order of the article (story.go). Then each variant is run
// under every schedule: the one that keeps its iterator across the wait has to be caught, with the fewest switches that show it;
// the one that reads it again, and the one that asks for both tokens at the start, have to be right in every schedule there is.
// It is an error if that is not what comes out.
package article

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/serializing-tokens/lwkt/cmd/internal/cli"
	"github.com/serializing-tokens/lwkt/explore"
)

// budget is far more than the exploration of one variant needs.
const budget = 5 * time.Second

const usageText = `usage: lwkt article [flags]

Plays the article's example, two threads that share two tokens, step by step; then runs it
under every schedule: once with the mistake that it warns of, and without.

flags:
`

var show = cli.Show{
	Name: "lwkt article", Usage: usageText, SVG: "draw the schedule that catches the mistake into this `FILE`, too", Run: run,
	Exit: "0 it came out as the article says; 1 it did not, or trouble with a file; 2 nonsense\non the command line.",
}

// Main runs `lwkt article` and returns its exit status: 0, 1 if something did not come out as the article says or a file cannot be
// written, 2 for a command line that makes no sense.
func Main(args []string, stdout, stderr io.Writer) int { return show.Main(args, stdout, stderr) }

func run(as cli.Form, stdout io.Writer) error {
	out := bufio.NewWriter(stdout)
	err := tell(out, as.SVG)
	if e := out.Flush(); err == nil {
		err = e
	}
	return err
}

func tell(out io.Writer, svg string) error {
	steps, err := play(rereads)
	if err != nil {
		return err
	}
	fmt.Fprint(out, "Two threads and two tokens. A walks along a list, and needs T2 on its way; B changes the list.\n\n")
	table(out, steps)
	fmt.Fprint(out, "\nThe same, under every schedule:\n\n")
	var caught *explore.Failure
	var wrong []string
	for _, v := range []variant{keeps, rereads, asks} {
		rep := explore.Run(program(v, new(story)), explore.Budget(budget))
		verdict := "right "
		if !rep.OK() {
			verdict = "caught"
		}
		fmt.Fprintf(out, "  A %-28s %s  %s\n", v.String(), verdict, summary(&rep))
		switch {
		case rep.Err != nil:
			return rep.Err
		case v == keeps && rep.Failure == nil:
			wrong = append(wrong, "the variant that keeps its iterator was not caught")
		case v == keeps:
			caught = rep.Failure
		case rep.Failure != nil || !rep.Exhaustive:
			wrong = append(wrong, fmt.Sprintf("the variant that %v was not proved right", v))
		}
	}
	if caught != nil {
		fmt.Fprintf(out, "\nThe schedule that catches A when it keeps its iterator (# holds, : waits, | neither, on the right the source line):\n\n%s\n\n%s\n", indent(caught.Lanes), indent(firstLine(caught.Err)))
		if svg != "" {
			if err := os.WriteFile(svg, caught.SVG, 0o644); err != nil {
				return err
			}
		}
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}

// summary says in a line what came of an exploration.
func summary(rep *explore.Report) string {
	if f := rep.Failure; f != nil {
		return fmt.Sprintf("in schedule %d, shrunk to %s", rep.Runs, switches(f.Switches))
	}
	return rep.String()
}

func switches(n int) string {
	if n == 1 {
		return "1 switch between threads"
	}
	return fmt.Sprintf("%d switches between threads", n)
}

// table prints the steps in three columns.
func table(out io.Writer, steps []step) {
	const column = 25
	line := func(n, a, b, what string) {
		fmt.Fprintf(out, "%3s  %-*s%-*s%s\n", n, column, a, column, b, what)
	}
	line("", "thread A", "thread B", "what happened")
	line("", strings.Repeat("-", column-2), strings.Repeat("-", column-2), strings.Repeat("-", 13))
	for i, s := range steps {
		cells := [2]string{}
		cells[s.thread] = s.code
		line(fmt.Sprint(i+1), cells[0], cells[1], s.happened)
	}
}

func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
