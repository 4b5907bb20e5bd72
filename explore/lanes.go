package explore

// Lanes: the run as text, a column for each thread and a line for each step, with the
// source line on the right. Between its steps a column shows : while the thread waits, up to
// the step in which it goes on, # while it holds something, and | otherwise.

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/serializing-tokens/lwkt/sim"
)

const (
	maxLanes  = 12 // columns; the lines of the other threads name them
	longRun   = 80 // steps from which stretches of one thread are told in short
	stretches = 3  // steps told at each end of such a stretch
)

// legend explains the columns.
const legend = "(beside the steps of others: # holds something, : waits, | neither, blank has ended; on the right the source line)"

// lanes draws the timeline.
func (t *timeline) lanes() string {
	columns := min(len(t.threads), maxLanes)
	width := 8
	for _, r := range t.rows {
		width = max(width, utf8.RuneCountInString(r.text))
	}
	for _, s := range append(append([]string{}, t.threads...), t.last...) {
		width = max(width, utf8.RuneCountInString(s))
	}
	width = min(width, max(24, 120/max(1, columns))) + 2
	var b strings.Builder
	head := " step  "
	for _, name := range t.threads[:columns] {
		head += cell(name, width)
	}
	b.WriteString(strings.TrimRight(head, " ") + "\n")
	for i := 0; i < len(t.rows); i++ {
		if t.left > 0 && i == t.fair {
			b.WriteString("       (from here on in round robin)\n")
		}
		if n := t.middle(i); n > 0 {
			fmt.Fprintf(&b, "  ...  %s%s\n", strings.Repeat(" ", width*min(t.rows[i].thread, columns)), fmt.Sprintf("%d more steps of %s", n, t.threads[t.rows[i].thread]))
			i += n - 1
			continue
		}
		r := t.rows[i]
		var line strings.Builder
		fmt.Fprintf(&line, "%5d  ", r.step)
		own := r.kind == sim.Step || r.kind == sim.Choice || r.kind == sim.Timer
		for c := range columns {
			if own && c == r.thread {
				line.WriteString(cell(r.text, width))
			} else {
				line.WriteString(cell(t.mark(c, i), width))
			}
		}
		switch {
		case !own:
			fmt.Fprintf(&line, "%s %d", r.kind, r.thread)
		case r.thread >= columns:
			line.WriteString(t.threads[r.thread] + ": " + r.text + "  ")
		}
		line.WriteString(r.site)
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	if t.left > 0 {
		fmt.Fprintf(&b, "  ...  (%s in round robin)\n", counted(t.left, "more step"))
	}
	end := "       "
	for c := range columns {
		end += cell(t.last[c], width)
	}
	if end = strings.TrimRight(end, " "); end != "" {
		b.WriteString(end + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

// cell fits a text into a column, with a gap behind it.
func cell(s string, width int) string {
	n := utf8.RuneCountInString(s)
	if n > width-1 {
		return fit(s, "~", width-1) + " "
	}
	return s + strings.Repeat(" ", width-n)
}

// mark is what a column shows beside a step of another thread.
func (t *timeline) mark(thread, step int) string {
	for _, list := range [2][]span{t.waits, t.idle} {
		for _, w := range list {
			if w.thread == thread && w.from <= step && step < w.to {
				return ":"
			}
		}
	}
	for _, h := range t.holds {
		if h.thread == thread && h.from < step && step < h.to {
			return "#"
		}
	}
	if t.last[thread] == "" {
		ended := true
		for _, r := range t.rows[step:] {
			ended = ended && r.thread != thread
		}
		if ended {
			return ""
		}
	}
	return "|"
}

// middle says how many steps from i on are the inside of a long stretch of one thread
// in a long run.
func (t *timeline) middle(i int) int {
	if len(t.rows) < longRun {
		return 0
	}
	from, to := i, i
	thread := t.rows[i].thread
	same := func(k int) bool { // whether k and the step before it are of one stretch
		return t.rows[k].thread == thread && t.rows[k-1].thread == thread && (t.left == 0 || k != t.fair)
	}
	for from > 0 && same(from) {
		from--
	}
	for to+1 < len(t.rows) && same(to+1) {
		to++
	}
	if i != from+stretches {
		return 0
	}
	return max(0, to-stretches-i+1)
}
