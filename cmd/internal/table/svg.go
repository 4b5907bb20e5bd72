// svg.go: the table as a picture, and below it, from the runs of the last row, who had the processor when.
//
// The times are those of the run, to scale; the pieces that threads computed are joined. Plain SVG 1.1 with nothing from outside, in
// colours that people with any kind of colour vision can tell apart, and every colour has its word beside it.

package table

import (
	"bytes"
	"fmt"
	"html"
	"time"
)

const (
	good, bad  = "#009e73", "#d55e00"
	ink, faint = "#1e293b", "#64748b"

	left     = 36  // margin
	margin   = 96  // width of what stands before the columns
	beside   = 190 // width of what stands before the lanes
	cellWide = 178
	cellHigh = 48
	top      = 132 // of the first row
	laneHigh = 16
	laneGap  = 4
	panel    = 3*(laneHigh+laneGap) + 18
)

// The threads of the last row, from the top, with the colours of their bars.
var lanes = []struct {
	thread int
	name   string
	colour string
}{{2, "high", "#cc79a7"}, {1, "middle", "#94a3b8"}, {0, "low", "#0072b2"}}

// draw draws all of it.
func draw(cells []cell) []byte {
	var b bytes.Buffer
	wide := left + margin + len(properties)*cellWide + left
	var inversions []cell
	for _, c := range cells {
		if c.timeline != nil {
			inversions = append(inversions, c)
		}
	}
	below := top + len(lockNames)*cellHigh + 56
	high := below + len(inversions)*panel + 52
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="Inter,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif" font-size="13" fill="%s">`+"\n", wide, high, ink)
	b.WriteString(`<title>Tokens, a mutex without lending, spl, funnels, and the other locks</title>` + "\n")
	b.WriteString(`<defs><pattern id="wait" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="#fff"/><rect width="2.2" height="6" fill="#cc79a7"/></pattern></defs>` + "\n")
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", wide, high)
	text(&b, left, 44, `font-size="21" font-weight="600"`, "Tokens, a mutex without lending, spl, funnels, and the other locks")
	text(&b, left, 68, `fill="`+faint+`"`, "each cell an experiment on the simulated machine: "+extents(cells))
	matrix(&b, cells)
	if len(inversions) > 0 {
		text(&b, left, below-12, `font-size="15" font-weight="600"`, "Priority inversion: who has the processor")
		for i, c := range inversions {
			timeline(&b, below+10+i*panel, wide, c, until(inversions))
		}
		axis(&b, below+10+len(inversions)*panel-8, wide, until(inversions))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func text(b *bytes.Buffer, x, y int, style, s string) {
	fmt.Fprintf(b, `<text x="%d" y="%d" %s>%s</text>`+"\n", x, y, style, html.EscapeString(s))
}

// extents says how many schedules there were in all.
func extents(cells []cell) string {
	n := 0
	for _, c := range cells {
		n += c.schedules
	}
	return counted(int64(n), "schedule")
}

// matrix draws verdicts and figures: a row for each lock, a column for each property.
func matrix(b *bytes.Buffer, cells []cell) {
	for i, name := range lockNames {
		y := top + i*cellHigh
		fmt.Fprintf(b, `<line x1="%d" y1="%d" x2="%d" y2="%[2]d" stroke="#e2e8f0"/>`+"\n", left, y-2, left+margin+len(properties)*cellWide-8)
		text(b, left, y+cellHigh/2+3, `font-weight="600"`, name)
	}
	x := left + margin
	for row := range rowsOf(cells) {
		text(b, x+14, top-14, `font-weight="600"`, row[0].property.title)
		for i, c := range row {
			y, colour := top+i*cellHigh, good
			if !c.works {
				colour = bad
			}
			fmt.Fprintf(b, `<g><title>%s</title><rect x="%d" y="%d" width="%d" height="%d" rx="5" fill="%s" fill-opacity="0.1"/>`,
				html.EscapeString(c.evidence), x, y+3, cellWide-8, cellHigh-10, colour)
			fmt.Fprintf(b, `<rect x="%d" y="%d" width="4" height="%d" rx="2" fill="%s"/></g>`+"\n", x, y+3, cellHigh-10, colour)
			text(b, x+14, y+19, `font-weight="600" fill="`+colour+`"`, c.verdict())
			text(b, x+14, y+34, `font-size="11.5" fill="`+faint+`"`, c.figure)
		}
		x += cellWide
	}
}

// until is the end of the time axis: when high is done in the slowest run, and a bit.
func until(cells []cell) (end time.Duration) {
	for _, c := range cells {
		for _, s := range c.timeline.stretches {
			if s.thread == 2 {
				end = max(end, s.to)
			}
		}
	}
	return (end + end/20).Truncate(time.Millisecond) + time.Millisecond
}

// scale places a time.
func scale(t time.Duration, wide int, end time.Duration) float64 {
	from, to := float64(left+beside), float64(wide-left-8)
	return from + (to-from)*min(1, float64(t)/float64(end))
}

// timeline draws one run: solid where a thread computes, hatched where high waits.
func timeline(b *bytes.Buffer, y, wide int, c cell, end time.Duration) {
	x := func(t time.Duration) float64 { return scale(t, wide, end) }
	text(b, left, y+laneHigh-3, `font-weight="600"`, c.lock)
	text(b, left, y+laneHigh+14, `font-size="11.5" fill="`+faint+`"`, c.figure)
	bar := func(y int, from, to time.Duration, fill, more string) {
		fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" rx="1.5" fill="%s"%s/>`, x(from), y, max(1, x(to)-x(from)), laneHigh, fill, more)
	}
	for i, lane := range lanes {
		ly := y + i*(laneHigh+laneGap)
		text(b, left+beside-12, ly+laneHigh-4, `font-size="11.5" text-anchor="end" fill="`+faint+`"`, lane.name)
		fmt.Fprintf(b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%[2]d" stroke="#e2e8f0"/>`, x(0), ly+laneHigh, x(end))
		if lane.thread == 2 {
			bar(ly, wants, wants+c.timeline.waited, "url(#wait)", ` stroke="#cc79a7" stroke-width="0.8"`)
		}
		for _, s := range c.timeline.stretches {
			if s.thread == lane.thread && s.from < end {
				bar(ly, s.from, min(s.to, end), lane.colour, "")
			}
		}
		b.WriteString("\n")
	}
}

// axis draws the milliseconds.
func axis(b *bytes.Buffer, y, wide int, end time.Duration) {
	for t := time.Duration(0); t <= end; t += 2 * time.Millisecond {
		fmt.Fprintf(b, `<text x="%.1f" y="%d" font-size="11.5" fill="%s" text-anchor="middle">%d ms</text>`+"\n",
			scale(t, wide, end), y, faint, t.Milliseconds())
	}
	text(b, left+beside, y+24, `font-size="11.5" fill="`+faint+`"`,
		fmt.Sprintf("hatched: high waits, from %s on. Solid: the thread computes. Low's section takes %s, middle computes for %s.", micros(wants), micros(section), micros(long)))
}
