package witness

// Drawing the graph: an SVG, and a page with the reports below it.

import (
	"bufio"
	"cmp"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	boxHeight = 30
	rowGap    = 24
	columnGap = 90
	laneGap   = 16 // between ways back, which run below all boxes
	bend      = 12 // the radius of their corners
	margin    = 40
	charWidth = 7.3
)

const style = `.box{fill:#f4f6f8;stroke:#5b6b7a}.bad{fill:#fdecea;stroke:#c62828}` +
	`text{font:13px ui-sans-serif,system-ui,sans-serif;fill:#1c2733}.note{font-size:12px;fill:#5b6b7a}.edge{fill:none;stroke:#8796a5;stroke-width:1.4}` +
	`.stated{stroke-dasharray:5 4}.wrong{stroke:#c62828;stroke-width:2.2}` +
	`@media(prefers-color-scheme:dark){.box{fill:#22303c;stroke:#8796a5}.bad{fill:#4a1f1f;stroke:#ef6c6c}text{fill:#e6edf3}.note{fill:#8796a5}.wrong{stroke:#ef6c6c}}`

func textWidth(s string) float64 { return charWidth * float64(utf8.RuneCountInString(s)) }

// box is a class, or the place of an edge that passes a column.
type box struct{ x, y, w, column, columnWidth float64 }

func (b box) middle() float64 { return b.y + boxHeight/2 }

// WriteSVG draws the graph: classes from left to right in the order in which they are
// taken, orders that were reported in red, declared ones dashed. The error is the writer's.
func (g Graph) WriteSVG(w io.Writer) error {
	b := bufio.NewWriter(w)
	boxes, ways, width, low := g.place()
	wrong := map[string]bool{}
	edges := slices.Clone(g)
	slices.SortStableFunc(edges, func(a, b Edge) int { return cmp.Compare(boolInt(a.Wrong), boolInt(b.Wrong)) }) // red ones on top
	backs := 0
	var paths strings.Builder
	for _, e := range edges {
		class, mark := "edge", "m"
		if e.Declared {
			class += " stated"
		}
		if e.Wrong {
			class, mark = class+" wrong", "mw"
			wrong[e.From], wrong[e.To] = true, true
		}
		var path string
		if p, q := boxes[e.From], boxes[e.To]; q.column <= p.column {
			backs++
			path = back(p, q, low+laneGap*float64(backs), float64(backs%3*bend/2))
		} else {
			path = ahead(boxes, ways[[2]string{e.From, e.To}])
		}
		fmt.Fprintf(&paths, `<path class="%s" marker-end="url(#%s)" d="%s"><title>%s</title></path>`+"\n", class, mark, path, html.EscapeString(e.title()))
	}
	notes := g.notes()
	height := low + laneGap*float64(backs) + margin
	if len(notes) > 0 {
		height += rowGap
	}
	x := float64(margin)
	for _, n := range notes {
		width = max(width, x+50+textWidth(n.text)+margin)
		x += 74 + textWidth(n.text)
	}

	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" role="img" aria-label="orders in which locks are taken">`+"\n", width, height, width, height)
	fmt.Fprintf(b, "<style>%s</style>\n", style)
	for _, m := range [][2]string{{"m", "#8796a5"}, {"mw", "#c62828"}} {
		fmt.Fprintf(b, `<defs><marker id="%s" viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" markerWidth="10" markerHeight="10" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="%s"/></marker></defs>`+"\n", m[0], m[1])
	}
	b.WriteString(paths.String())
	for _, n := range g.names() {
		p, class := boxes[n], "box"
		if wrong[n] {
			class = "bad"
		}
		fmt.Fprintf(b, `<rect class="%s" x="%.0f" y="%.0f" width="%.0f" height="%d" rx="6"/><text x="%.0f" y="%.0f" text-anchor="middle">%s</text>`+"\n",
			class, p.x, p.y, p.w, boxHeight, p.x+p.w/2, p.middle()+4.5, html.EscapeString(n))
	}
	x = margin
	for _, n := range notes {
		fmt.Fprintf(b, `<path class="%s" marker-end="url(#%s)" d="M%.0f %.0fh40"/><text class="note" x="%.0f" y="%.0f">%s</text>`+"\n",
			n.class, n.mark, x, height-margin/2, x+48, height-margin/2+4, n.text)
		x += 74 + textWidth(n.text)
	}
	if len(boxes) == 0 {
		fmt.Fprintf(b, `<text x="%d" y="%.0f">No lock was taken with another one held.</text>`+"\n", margin, height/2)
	}
	b.WriteString("</svg>\n")
	return b.Flush()
}

// place says where everything is: the boxes, the ways of the edges through them, the width, and where the lowest box ends.
func (g Graph) place() (boxes map[string]box, ways map[[2]string][]string, width, low float64) {
	boxes = map[string]box{}
	layers, ways := g.layers()
	rows := 0
	for _, l := range layers {
		rows = max(rows, len(l))
	}
	low = float64(margin + max(rows, 1)*(boxHeight+rowGap) - rowGap)
	x := float64(margin)
	for _, l := range layers {
		column := 60.0
		for _, n := range l {
			if !passes(n) {
				column = max(column, 24+textWidth(n))
			}
		}
		y := (margin + low - float64(len(l)*(boxHeight+rowGap)-rowGap)) / 2
		for _, n := range l {
			own := column
			if !passes(n) {
				own = max(60, 24+textWidth(n))
			}
			boxes[n] = box{x + column - own, y, own, x, column}
			y += boxHeight + rowGap
		}
		x += column + columnGap
	}
	return boxes, ways, max(x-columnGap+margin, 360), low
}

// passes says whether the name is that of a place where an edge passes a column.
func passes(name string) bool { return strings.HasPrefix(name, "\x00") }

// ahead is the way of an edge from left to right.
func ahead(boxes map[string]box, way []string) string {
	p := boxes[way[0]]
	path := fmt.Sprintf("M%.0f %.0f", p.x+p.w, p.middle())
	for _, n := range way[1:] {
		q := boxes[n]
		x1, x2 := p.column+p.columnWidth, q.column
		path += fmt.Sprintf("H%.0fC%.0f %.0f %.0f %.0f %.0f %.0fH%.0f", x1, x1+columnGap/2, p.middle(), x2-columnGap/2, q.middle(), x2, q.middle(), q.x)
		p = q
	}
	return path
}

// back is the way of an edge from right to left: beside the columns and below the boxes, so that it crosses none. Others are a bit
// aside.
func back(p, q box, lane, aside float64) string {
	right, left, y := p.column+p.columnWidth+2*bend+aside, q.column-2*bend-aside, q.middle()+6
	out := p.middle() + 6
	corner := func(x1, y1, cx, cy, x2, y2 float64) string { // a curve, and on the same way before it a line
		return fmt.Sprintf("C%.0f %.0f %.0f %.0f %.0f %.0f", x1, y1, cx, cy, x2, y2)
	}
	return fmt.Sprintf("M%.0f %.0f", p.x+p.w, out) +
		fmt.Sprintf("H%.0f", right-bend) + corner(right, out, right, out, right, out+bend) +
		corner(right, lane, right, lane, right-bend, lane) +
		fmt.Sprintf("H%.0f", left+bend) + corner(left, lane, left, lane, left, lane-bend) +
		corner(left, y, left, y, left+bend, y) + fmt.Sprintf("H%.0f", q.x)
}

// note is a line of the legend.
type note struct{ class, mark, text string }

// notes explain the kinds of arrows that there are.
func (g Graph) notes() (list []note) {
	has := func(f func(Edge) bool) bool { return slices.ContainsFunc(g, f) }
	if has(func(e Edge) bool { return !e.Wrong && !e.Declared }) {
		list = append(list, note{"edge", "m", "taken while the first is held"})
	}
	if has(func(e Edge) bool { return e.Declared }) {
		list = append(list, note{"edge stated", "m", "declared"})
	}
	if has(func(e Edge) bool { return e.Wrong }) {
		list = append(list, note{"edge wrong", "mw", "in a circle that was reported"})
	}
	return list
}

// title says what is known of an order, for who points at it.
func (e Edge) title() string {
	s := e.From + " before " + e.To
	if e.Declared {
		s += "\ndeclared"
	}
	for _, p := range []struct {
		name, mode string
		site       *Frame
	}{{e.From, e.FromMode, e.FromSite}, {e.To, e.ToMode, e.ToSite}} {
		if p.site != nil {
			s += fmt.Sprintf("\n%s (%s) at %s, %s:%d", p.name, p.mode, p.site.Func, p.site.File, p.site.Line)
		}
	}
	if e.Count > 1 {
		s += fmt.Sprintf("\n%d pairs of locks", e.Count)
	}
	return s
}

// WriteHTML writes a page that needs nothing else: the graph, the reports, and the orders as
// a table. The error is the writer's.
func (g Graph) WriteHTML(w io.Writer, reports []Report) error {
	b := bufio.NewWriter(w)
	b.WriteString(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Lock orders</title>
<style>body{font:15px ui-sans-serif,system-ui,sans-serif;margin:2em;color-scheme:light dark}
pre{overflow:auto;padding:1em;border:1px solid #8796a5;border-radius:6px;font-size:13px}
td,th{text-align:left;padding:.2em 1em .2em 0}.scroll{overflow:auto}</style>
<h1>Lock orders</h1>
<div class="scroll">
`)
	if err := g.WriteSVG(b); err != nil {
		return err
	}
	fmt.Fprintf(b, "</div>\n<h2>Reports: %d</h2>\n", len(reports))
	for _, r := range reports {
		fmt.Fprintf(b, "<pre>%s</pre>\n", html.EscapeString(r.String()))
	}
	b.WriteString("<h2>Orders</h2>\n<div class=\"scroll\"><table><tr><th>held<th>then<th>seen at<th>\n")
	for _, e := range g {
		site, note := "", ""
		if e.ToSite != nil {
			site = fmt.Sprintf("%s:%d", e.ToSite.File, e.ToSite.Line)
		}
		if e.Declared {
			note = "declared"
		}
		if e.Wrong {
			note = "reported"
		}
		fmt.Fprintf(b, "<tr><td>%s<td>%s<td>%s<td>%s\n", html.EscapeString(e.From), html.EscapeString(e.To), html.EscapeString(site), note)
	}
	b.WriteString("</table></div>\n</html>\n")
	return b.Flush()
}
