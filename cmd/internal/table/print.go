// print.go: the results as text for people and as JSON for programs: verdicts in one small table, then, experiment by experiment,
// the figures that they are derived from, with the number of schedules and whether those were all.

package table

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/serializing-tokens/lwkt/cmd/internal/cli"
)

// run makes the experiments and prints them.
func run(as cli.Form, stdout io.Writer) error {
	begun := time.Now()
	cells, err := measure(locks())
	if err != nil {
		return err
	}
	if as.SVG != "" {
		if err := os.WriteFile(as.SVG, draw(cells), 0o644); err != nil {
			return err
		}
	}
	if as.JSON {
		return writeJSON(stdout, cells)
	}
	lending := priorities(lock{"mutex", plain, mutexes(true)})
	return writeText(stdout, cells, lending.evidence, time.Since(begun))
}

const (
	screen = 118 // columns that a line may have
	label  = 22  // of them, what stands before the cells
	column = 25  // wide enough for every figure
	across = 4   // locks beside each other; the others come below
)

func writeText(w io.Writer, cells []cell, lending string, took time.Duration) error {
	out := bufio.NewWriter(w)
	for from := 0; from < len(lockNames); from += across {
		block(out, cells, from, min(from+across, len(lockNames)))
	}
	total, all := 0, true
	for _, c := range cells {
		total += c.schedules
		all = all && (c.exhaustive || c.failure != nil)
	}
	for row := range rowsOf(cells) {
		wrap(out, "", "", row[0].property.title+": "+row[0].property.how)
		for _, c := range row {
			wrap(out, "  "+pad(c.lock, 11)+c.verdict()+"  ", strings.Repeat(" ", 20), fmt.Sprintf("%s (%s)", c.evidence, extent(c.finding)))
		}
		if row[0].property.name != "inversion" {
			out.WriteString("\n")
		}
	}
	wrap(out, "  ", "  ", "A mutex that lends its holder the priority of who waits, for comparison: "+lending+".")
	end := fmt.Sprintf("%s in %v", counted(int64(total), "schedule"), took.Round(time.Millisecond))
	if all {
		end += "; each search was exhaustive or ended with what it looked for"
	}
	fmt.Fprintf(out, "\n%s.\n", end)
	out.WriteString("Tokens and funnels are tried under two schedulers: one lets their holder run on when its slice ends or a better thread\n" +
		"is there; the other one does not, and lends it the priority of who waits. They work if they do under both.\n")
	return out.Flush()
}

// block prints verdicts and figures of some of the locks beside each other.
func block(out *bufio.Writer, cells []cell, from, to int) {
	line := func(first string, rest []string) {
		s := pad(first, label)
		for _, r := range rest {
			s += pad(r, column)
		}
		out.WriteString(strings.TrimRight(s, " ") + "\n")
	}
	line("", lockNames[from:to])
	for row := range rowsOf(cells) {
		var verdicts, figures []string
		for _, c := range row[from:to] {
			verdicts, figures = append(verdicts, c.verdict()), append(figures, c.figure)
		}
		line(row[0].property.title, verdicts)
		line("", figures)
	}
	out.WriteString("\n")
}

// wrap prints a text after what is first, and goes on below it after what is then.
func wrap(out *bufio.Writer, first, then, text string) {
	line, empty := first, true
	for _, word := range strings.Fields(text) {
		if !empty && len([]rune(line))+1+len([]rune(word)) > screen {
			out.WriteString(line + "\n")
			line, empty = then, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	out.WriteString(line + "\n")
}

// extent says how much was tried.
func extent(f finding) string {
	switch {
	case f.exhaustive:
		return "exhaustive"
	case f.failure != nil:
		return "found in schedule " + grouped(int64(f.schedules))
	}
	return "not exhaustive"
}

// rowsOf goes through the cells of each property.
func rowsOf(cells []cell) func(yield func([]cell) bool) {
	return func(yield func([]cell) bool) {
		for from, to := 0, 0; from < len(cells); from = to {
			for to < len(cells) && cells[to].property == cells[from].property {
				to++
			}
			if !yield(cells[from:to]) {
				return
			}
		}
	}
}

// jsonRow is one object of -json.
type jsonRow struct {
	Property   string `json:"property"`
	Lock       string `json:"lock"`
	Verdict    string `json:"verdict"`
	Evidence   string `json:"evidence"`
	Schedules  int    `json:"schedules"`
	Exhaustive bool   `json:"exhaustive"`
}

// writeJSON prints one object, with a line for each row.
func writeJSON(w io.Writer, cells []cell) error {
	out := bufio.NewWriter(w)
	out.WriteString(`{"rows":[`)
	for i, c := range cells {
		sep := ",\n "
		if i == 0 {
			sep = "\n "
		}
		out.WriteString(sep)
		row, err := json.Marshal(jsonRow{c.property.name, c.lock, c.verdict(), c.evidence, c.schedules, c.exhaustive})
		if err != nil {
			return err
		}
		out.Write(row)
	}
	out.WriteString("\n]}\n")
	return out.Flush()
}

// pad fills up to a width in characters, and leaves at least one blank.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(1, width-len([]rune(s))))
}

// grouped is a number with its thousands apart.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// counted is a number of things.
func counted(n int64, what string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(what, "ch"):
		what += "es"
	default:
		what += "s"
	}
	return grouped(n) + " " + what
}
