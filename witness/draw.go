package witness

// Drawing the graph: an SVG, and a page with the reports below it.

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	boxHeight = 30
	rowGap    = 24
	columnGap = 90
	margin    = 30
	charWidth = 7.3
)

const style = `.box{fill:#f4f6f8;stroke:#5b6b7a}.bad{fill:#fdecea;stroke:#c62828}` +
	`text{font:13px ui-sans-serif,system-ui,sans-serif;fill:#1c2733}.edge{fill:none;stroke:#8796a5;stroke-width:1.4}` +
	`.stated{stroke-dasharray:5 4}.wrong{stroke:#c62828;stroke-width:2.2}` +
	`@media(prefers-color-scheme:dark){.box{fill:#22303c;stroke:#8796a5}.bad{fill:#4a1f1f;stroke:#ef6c6c}text{fill:#e6edf3}.wrong{stroke:#ef6c6c}}`

// WriteSVG draws the graph: classes from left to right in the order in which they are
// taken, orders that were reported in red, declared ones dashed. The error is the writer's.
func (g Graph) WriteSVG(w io.Writer) error {
	b := bufio.NewWriter(w)
	boxes := map[string]box{}
	layers, ways := g.layers()
	rows := 0
	for _, l := range layers {
		rows = max(rows, len(l))
	}
	height := float64(2*margin + max(rows, 1)*(boxHeight+rowGap))
	x := float64(margin)
	for _, l := range layers {
		width := 60.0
		for _, n := range l {
			if !strings.HasPrefix(n, "\x00") {
				width = max(width, 24+charWidth*float64(utf8.RuneCountInString(n)))
			}
		}
		y := (height - float64(len(l)*(boxHeight+rowGap)-rowGap)) / 2
		for _, n := range l {
			boxes[n] = box{x, y, width}
			y += boxHeight + rowGap
		}
		x += width + columnGap
	}
	width := max(x-columnGap+margin, 240)
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" role="img" aria-label="orders in which locks are taken">`+"\n", width, height, width, height)
	fmt.Fprintf(b, "<style>%s</style>\n", style)
	for _, m := range [][2]string{{"m", "#8796a5"}, {"mw", "#c62828"}} {
		fmt.Fprintf(b, `<defs><marker id="%s" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="%s"/></marker></defs>`+"\n", m[0], m[1])
	}
	wrong := map[string]bool{}
	for _, e := range g {
		class, mark := "edge", "m"
		if e.Declared {
			class += " stated"
		}
		if e.Wrong {
			class, mark = class+" wrong", "mw"
			wrong[e.From], wrong[e.To] = true, true
		}
		p, q := boxes[e.From], boxes[e.To]
		x1, y1 := p.x+p.w, p.y+boxHeight/2
		path := fmt.Sprintf("M%.0f %.0f", x1, y1)
		for _, n := range ways[[2]string{e.From, e.To}][1:] {
			q := boxes[n]
			x2, y2 := q.x, q.y+boxHeight/2
			path += fmt.Sprintf("C%.0f %.0f %.0f %.0f %.0f %.0f", x1+columnGap/2, y1, x2-columnGap/2, y2, x2, y2)
			if n != e.To {
				path += fmt.Sprintf("H%.0f", q.x+q.w)
			}
			x1, y1 = q.x+q.w, y2
		}
		if q.x <= p.x {
			path = back(boxes, p, q)
		}
		fmt.Fprintf(b, `<path class="%s" marker-end="url(#%s)" d="%s"><title>%s</title></path>`+"\n", class, mark, path, html.EscapeString(e.title()))
	}
	for _, n := range g.names() {
		p, class := boxes[n], "box"
		if wrong[n] {
			class = "bad"
		}
		fmt.Fprintf(b, `<rect class="%s" x="%.0f" y="%.0f" width="%.0f" height="%d" rx="6"/><text x="%.0f" y="%.0f" text-anchor="middle">%s</text>`+"\n",
			class, p.x, p.y, p.w, boxHeight, p.x+p.w/2, p.y+boxHeight/2+4.5, html.EscapeString(n))
	}
	if len(boxes) == 0 {
		fmt.Fprintf(b, `<text x="%d" y="%.0f">No lock was taken with another one held.</text>`+"\n", margin, height/2)
	}
	b.WriteString("</svg>\n")
	return b.Flush()
}

// box is the place of a class in the picture.
type box struct{ x, y, w float64 }

// back is the way from p to q, which is not to the right of it: below all boxes between, from the bottom
// of p to that of q; or where another box is in the way, through the gaps between the columns.
func back(boxes map[string]box, p, q box) string {
	const gap, under = columnGap / 2, boxHeight * 3 / 4
	if p == q {
		return fmt.Sprintf("M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0f", p.x, p.y+under, p.x-gap, p.y+boxHeight, p.x-gap, p.y, p.x, p.y+boxHeight-under)
	}
	low := max(p.y, q.y) + boxHeight
	var covered [2]bool
	for n, b := range boxes {
		if strings.HasPrefix(n, "\x00") || b.x < q.x || b.x > p.x {
			continue
		}
		for i, e := range [2]box{p, q} {
			covered[i] = covered[i] || b.x == e.x && b.y > e.y
		}
		low = max(low, b.y+boxHeight)
	}
	x1, x2 := p.x+p.w/2, q.x+q.w/2
	out, in := fmt.Sprintf("M%.0f %.0f", x1, p.y+boxHeight), ""
	if covered[0] {
		y := p.y + under
		x1 = p.x - gap
		out = fmt.Sprintf("M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0f", p.x, y, x1, y, x1, y, x1, low)
	}
	end := fmt.Sprintf("%.0f %.0f", x2, q.y+boxHeight)
	if covered[1] {
		y := q.y + under
		x2 = q.x + q.w + gap
		in = fmt.Sprintf("C%.0f %.0f %.0f %.0f %.0f %.0f", x2, y, x2, y, q.x+q.w, y)
		end = fmt.Sprintf("%.0f %.0f", x2, low)
	}
	return out + fmt.Sprintf("C%.0f %.0f %.0f %.0f ", x1, low+46, x2, low+46) + end + in
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
