package explore

// The parts of the picture (svg.go), in the order in which they are painted.

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

func (g *svg) title() {
	dot := "#16a34a"
	if g.t.failed {
		dot = "#dc2626"
	}
	fmt.Fprintf(g, `<circle cx="%d" cy="29" r="6" fill="%s"/>`, leftMargin+6, dot)
	for i, line := range g.titles {
		fmt.Fprintf(g, `<text x="%d" y="%d" font-size="17" font-weight="600" fill="#0f172a">%s</text>`, leftMargin+20, 34+titleLine*i, html.EscapeString(line))
	}
	n := 0
	for i := 1; i < len(g.t.rows); i++ {
		if g.t.rows[i].thread != g.t.rows[i-1].thread {
			n++
		}
	}
	fmt.Fprintf(g, `<text x="%d" y="%d" font-size="12" fill="%s">%s, %s, %s</text>`+"\n", leftMargin+20, g.head-11, grey, counted(len(g.t.threads), "thread"), counted(len(g.t.rows), "step"), counted(n, "switch"))
}

// axis numbers the steps.
func (g *svg) axis() {
	every := 1
	for every*g.step < 34 {
		every = []int{5, 10, 50, 100, 500, 1000, 5000}[min(6, index(every))]
	}
	for n := 0; n <= len(g.t.rows); n++ {
		if g.column[n]%every == 0 && !g.hidden(n) {
			fmt.Fprintf(g, `<line x1="%d" y1="%d" x2="%[1]d" y2="%[3]d" stroke="#eef2f7"/>`, g.x(n), g.head+axisHeight-4, g.bottom)
			if n < len(g.t.rows) {
				fmt.Fprintf(g, `<text x="%d" y="%d" font-size="11" fill="#94a3b8" text-anchor="middle">%d</text>`, g.x(n)+g.step/2, g.head+axisHeight-10, n)
			}
		}
	}
	g.WriteString("\n")
}

func index(every int) int {
	for i, n := range []int{1, 5, 10, 50, 100, 500, 1000} {
		if n == every {
			return i
		}
	}
	return 6
}

// lane draws the ground of a lane and its name.
func (g *svg) lane(i int) {
	y, h := g.tops[i], g.height[i]
	fmt.Fprintf(g, `<line x1="%d" y1="%d" x2="%d" y2="%[2]d" stroke="#cbd5e1"/>`, leftMargin, y, g.width-rightMargin)
	if i == len(g.tops)-1 {
		fmt.Fprintf(g, `<line x1="%d" y1="%d" x2="%d" y2="%[2]d" stroke="#cbd5e1"/>`, leftMargin, y+h, g.width-rightMargin)
	}
	fmt.Fprintf(g, `<text x="%d" y="%d" font-size="14" font-weight="600" fill="#1e293b">%s</text>`+"\n", leftMargin+4, y+lanePad+boxHeight/2+5, html.EscapeString(g.t.threads[i]))
}

// switches draws a line from the last step of one thread to the first of the next.
func (g *svg) switches() {
	for i := 1; i < len(g.t.rows); i++ {
		a, b := g.t.rows[i-1], g.t.rows[i]
		if a.thread != b.thread && g.own(a) && g.own(b) {
			x := g.x(b.step)
			fmt.Fprintf(g, `<path d="M%d %dV%d" stroke="#94a3b8" stroke-width="1.5" stroke-dasharray="2 3" fill="none"/>`, x, g.middle(a.thread), g.middle(b.thread))
		}
	}
	g.WriteString("\n")
}

// bands draws what was held, solid, and waited for, hatched. A band keeps its row as
// long as it lasts.
func (g *svg) bands() {
	busy := make([][]int, len(g.t.threads)) // lane -> row -> step up to which it is taken
	type band struct {
		span
		wait bool
	}
	var all []band
	for _, s := range g.t.holds {
		all = append(all, band{s, false})
	}
	for _, s := range g.t.waits {
		all = append(all, band{s, true})
	}
	for from := 0; from <= len(g.t.rows); from++ {
		for _, b := range all {
			if b.from != from || b.to <= b.from {
				continue
			}
			lane := busy[b.thread]
			k := 0
			for k < len(lane) && lane[k] > from {
				k++
			}
			if k == len(lane) {
				busy[b.thread] = append(lane, 0)
			}
			busy[b.thread][k] = b.to
			y := g.tops[b.thread] + lanePad + boxHeight + 4 + k*(barHeight+barGap)
			x := g.x(b.from) + 1
			w := g.x(b.to) - x - 1
			if b.to <= len(g.t.rows) && g.column[b.from] == g.column[b.to] {
				continue // inside of a gap
			}
			if b.to > len(g.t.rows) {
				w = g.x(len(g.t.rows)) + 14 - x // for ever
			}
			fill, tip := g.colour[b.object], " holds "
			if b.wait {
				fill, tip = fmt.Sprintf("url(#w%d)", b.object), " waits for "
			}
			opacity := ""
			if b.shared && !b.wait {
				opacity = ` fill-opacity="0.45"`
			}
			fmt.Fprintf(g, `<rect x="%d" y="%d" width="%d" height="%d" rx="2" fill="%s"%s stroke="%s" stroke-width="0.8"><title>%s</title></rect>`+"\n",
				x, y, w, barHeight, fill, opacity, g.colour[b.object], html.EscapeString(g.t.threads[b.thread]+tip+g.t.objects[b.object]))
		}
	}
}

// box draws a step.
func (g *svg) box(r row) {
	if !g.own(r) {
		x := g.x(r.step) + g.step/2
		fmt.Fprintf(g, `<path d="M%d %dV%d" stroke="#f59e0b" stroke-width="2"/><text x="%[1]d" y="%[4]d" font-size="10" fill="#b45309" text-anchor="middle">%[5]s</text>`+"\n",
			x, g.head+axisHeight, g.bottom, g.bottom+12, html.EscapeString(r.text))
		return
	}
	first, second := g.words(r)
	stroke := grey
	if second != "" {
		stroke = g.colour[r.op.Obj]
	}
	x, y, w := g.x(r.step)+1, g.tops[r.thread]+lanePad, g.step-2
	tip := fmt.Sprintf("step %d: %s %s %s", r.step, g.t.threads[r.thread], r.text, r.site)
	if g.step < 40 {
		fmt.Fprintf(g, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s" fill-opacity="0.75"><title>%s</title></rect>`+"\n", g.x(r.step), y+6, max(g.step-1, 2), boxHeight-12, stroke, html.EscapeString(tip))
		return
	}
	fmt.Fprintf(g, `<g><title>%s</title><rect x="%d" y="%d" width="%d" height="%d" rx="5" fill="#fff"/><rect x="%[2]d" y="%[3]d" width="%[4]d" height="%[5]d" rx="5" fill="%s" fill-opacity="0.12" stroke="%[6]s" stroke-width="1.3"/>`,
		html.EscapeString(strings.TrimSpace(tip)), x, y, w, boxHeight, stroke)
	line := func(s string, y, size int, weight, fill string) {
		tenths := 6 // of the size, which a letter is wide
		if weight == "600" {
			tenths = 7
		}
		s = fit(s, "…", max(2, (w-6)*10/(size*tenths)))
		fmt.Fprintf(g, `<text x="%d" y="%d" font-size="%d" font-weight="%s" fill="%s" text-anchor="middle">%s</text>`, x+w/2, y, size, weight, fill, html.EscapeString(s))
	}
	if second == "" {
		line(first, y+boxHeight/2+4, 11, "400", "#334155")
	} else {
		line(first, y+15, 11, "400", "#334155")
		line(second, y+30, 12, "600", stroke)
	}
	g.WriteString("</g>\n")
}

// dots stand for the inside of a gap.
func (g *svg) dots(h gap) {
	x, y := g.x(h.from)+g.step/2, g.middle(h.thread)
	for i := -1; i <= 1; i++ {
		fmt.Fprintf(g, `<circle cx="%d" cy="%d" r="1.8" fill="%s"/>`, x+9*i, y-7, grey)
	}
	if g.step >= 40 {
		fmt.Fprintf(g, `<text x="%d" y="%d" font-size="11" fill="%s" text-anchor="middle">%d steps</text>`+"\n", x, y+12, grey, h.n)
	}
}

// ends tells, behind the last step, what became of those who did not come to their end.
func (g *svg) ends() {
	x := g.x(len(g.t.rows))
	fmt.Fprintf(g, `<line x1="%d" y1="%d" x2="%[1]d" y2="%[3]d" stroke="#334155" stroke-width="1.5"/>`, x, g.head+axisHeight-4, g.bottom)
	for i, s := range g.t.last {
		if s != "" {
			fmt.Fprintf(g, `<text x="%d" y="%d" font-size="12" fill="#dc2626">%s</text>`, x+8, g.middle(i)+4, html.EscapeString(s))
		}
	}
	g.WriteString("\n")
}

// item is a part of the legend.
type item struct {
	name, fill, stroke string
	x, y               int
}

// layout places the legend, which names the two kinds of bars and the objects, in rows.
func (g *svg) layout() []item {
	left := leftMargin + g.label
	keys := []item{{name: "holds", fill: grey, stroke: grey}, {name: "waits", fill: "url(#wg)", stroke: grey}}
	used := map[int]bool{}
	for _, s := range append(append([]span{}, g.t.holds...), g.t.waits...) {
		used[s.object] = true
	}
	for i, name := range g.t.objects {
		if used[i] && g.colour[i] != grey {
			keys = append(keys, item{name: fit(name, "…", max(2, (g.width-left-28-rightMargin)/7)), fill: g.colour[i], stroke: g.colour[i]})
		}
	}
	x, y := left, g.bottom+32
	for i := range keys {
		w := 28 + 7*utf8.RuneCountInString(keys[i].name)
		if x > left && x+w > g.width-rightMargin {
			x, y = left, y+20
		}
		keys[i].x, keys[i].y = x, y
		x += w + 22
	}
	return keys
}

// legend draws it.
func (g *svg) legend() {
	fmt.Fprintf(g, `<defs><pattern id="wg" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="#fff"/><rect width="2.4" height="6" fill="%s"/></pattern></defs>`, grey)
	for _, k := range g.keys {
		fmt.Fprintf(g, `<rect x="%d" y="%d" width="22" height="%d" rx="2" fill="%s" fill-opacity="1" stroke="%s" stroke-width="0.8"/><text x="%d" y="%d" font-size="12" fill="#334155">%s</text>`,
			k.x, k.y-8, barHeight+1, k.fill, k.stroke, k.x+28, k.y, html.EscapeString(k.name))
	}
	g.WriteString("\n")
}
