// chart.go: the wait chart as text: a histogram for each discipline, side by side, over the same logarithmic scale. Bars are
// shares of all waits for two accounts, those that never ended included, so the bars of a discipline add up to 100 % and a
// discipline cannot look good by losing those that waited longest.

package demo

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	barWidth     = 14
	percentWidth = len(" 100.0%")
	labelWidth   = 16
)

// scale is where the rows of the chart begin: two to each power of ten.
var scale = []time.Duration{0,
	1 * time.Microsecond, 3 * time.Microsecond, 10 * time.Microsecond, 30 * time.Microsecond, 100 * time.Microsecond, 300 * time.Microsecond,
	1 * time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond,
	1 * time.Second, 3 * time.Second, 10 * time.Second,
}

// A column is the bars of one discipline.
type column struct {
	rows  []float64 // shares
	never float64
}

func (res *result) column() (c column) {
	all := float64(max(1, res.asked()))
	for i, from := range scale {
		n := res.waits.total()
		if i+1 < len(scale) {
			n = res.waits.below(scale[i+1])
		}
		c.rows = append(c.rows, float64(n-res.waits.below(from))/all)
	}
	c.never = float64(res.stuck) / all
	return c
}

// chart draws the rows from the first to the last that has anything in it.
func (r *report) chart(b *bytes.Buffer, p palette) {
	var columns []column
	first, last, most, never := len(scale), 0, 0.0, 0.0
	for _, res := range r.results {
		c := res.column()
		columns = append(columns, c)
		for i, share := range c.rows {
			if share > 0 {
				first, last = min(first, i), max(last, i)
			}
			most = max(most, share)
		}
		never = max(never, c.never)
		most = max(most, c.never)
	}
	fmt.Fprintf(b, "How long a teller waited for both accounts\n\n%*s", labelWidth, "")
	var line strings.Builder
	flush := func() {
		fmt.Fprintln(b, strings.TrimRight(line.String(), " "))
		line.Reset()
	}
	for i, res := range r.results {
		line.WriteString("  " + p.paint(i, res.name) + strings.Repeat(" ", barWidth+percentWidth-len(res.name)))
	}
	flush()
	row := func(label string, share func(column) float64) {
		fmt.Fprintf(&line, "%s%s", strings.Repeat(" ", labelWidth-utf8.RuneCountInString(label)), label)
		for i, c := range columns {
			line.WriteString("  " + p.paint(i, bar(share(c)/most)) + percent(share(c)))
		}
		flush()
	}
	for i := first; i <= last; i++ {
		row(rowLabel(i), func(c column) float64 { return c.rows[i] })
	}
	if never > 0 {
		row("never", func(c column) float64 { return c.never })
	}
}

func rowLabel(i int) string {
	switch {
	case i == 0:
		return "under " + short(scale[1])
	case i == len(scale)-1:
		return short(scale[i]) + " and more"
	}
	return short(scale[i]) + " – " + short(scale[i+1])
}

// short is a duration of the scale, with a space as in print.
func short(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d)
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d/time.Microsecond)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d/time.Millisecond)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// bar is barWidth cells, filled to an eighth of a cell. The least share shows, so that a long tail is not overlooked.
func bar(share float64) string {
	if share == 0 {
		return strings.Repeat(" ", barWidth)
	}
	eighths := int(share*barWidth*8 + 0.5)
	eighths = max(eighths, 1)
	s := strings.Repeat("█", eighths/8)
	if part := eighths % 8; part > 0 {
		s += string([]rune(" ▏▎▍▌▋▊▉")[part])
	}
	return s + strings.Repeat(" ", barWidth-utf8.RuneCountInString(s))
}

// percent is percentWidth cells wide, one for a space before it.
func percent(share float64) string {
	text := fmt.Sprintf("%.1f%%", 100*share)
	switch {
	case share == 0:
		text = ""
	case share < 0.0005:
		text = "<0.1%"
	}
	return fmt.Sprintf("%*s", percentWidth, text)
}

// A palette paints the disciplines, if the writer is a terminal and nobody objects.
type palette bool

func colours(w io.Writer) palette { return palette(isTerminal(w) && os.Getenv("NO_COLOR") == "") }

// paint colours what belongs to the discipline i.
func (p palette) paint(i int, s string) string {
	if !p || strings.TrimSpace(s) == "" {
		return s
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", []int{31, 34, 32}[i%3], s)
}
