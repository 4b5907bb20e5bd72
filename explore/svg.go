package explore

// The run as a picture: a lane for each thread, a box for each step in the colour of
// the object it is about, bars below for what the thread held and hatched ones for what
// it waited for, and a thin line wherever the processor went over to another thread.
// It needs no script and no fonts beyond the viewer's own, and prints in grey as well,
// since each colour also has a name in the boxes or in the legend.

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/serializing-tokens/lwkt/sim"
)

// palette tells objects apart, also for most who see few colours (Okabe and Ito).
var palette = []string{"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B8860B", "#56B4E9", "#7A5195", "#8C564B"}

const grey = "#64748b"

// measures of the picture, in pixels
const (
	leftMargin  = 24
	rightMargin = 28
	titleHeight = 64 // with one line
	titleLine   = 22
	axisHeight  = 26
	boxHeight   = 38
	barHeight   = 7
	barGap      = 3
	lanePad     = 12
)

// svg is a picture under construction.
type svg struct {
	strings.Builder
	t      *timeline
	label  int   // width of the thread names
	step   int   // width of a column
	column []int // step -> column; long stretches of one thread are one column inside
	gaps   []gap
	colour []string // object -> its own
	tops   []int    // lane -> y
	height []int    // lane -> height
	bars   []int    // lane -> most bars at a time
	width  int
	titles []string // the outcome, in lines
	head   int      // height of the title
	keys   []item   // of the legend
	bottom int
}

// gap is the inside of a long stretch of one thread.
type gap struct{ thread, from, n int }

// fold finds the gaps and numbers the columns.
func (g *svg) fold() {
	rows := g.t.rows
	column := 0
	for i := 0; i < len(rows); {
		to := i
		for to < len(rows) && rows[to].thread == rows[i].thread {
			to++
		}
		if len(rows) > 24 && to-i > 6 {
			g.gaps = append(g.gaps, gap{rows[i].thread, i + 2, to - i - 4})
			for k := i; k < to; k++ {
				g.column = append(g.column, column)
				if k < i+2 || k >= to-3 {
					column++
				}
			}
		} else {
			for ; i < to; i++ {
				g.column = append(g.column, column)
				column++
			}
		}
		i = to
	}
	g.column = append(g.column, column)
}

// hidden says whether a step is inside a gap.
func (g *svg) hidden(step int) bool {
	for _, h := range g.gaps {
		if h.from <= step && step < h.from+h.n {
			return true
		}
	}
	return false
}

// picture draws the timeline.
func (t *timeline) picture() []byte {
	g := &svg{t: t}
	g.measure()
	g.colours()
	g.keys = g.layout()
	h := g.keys[len(g.keys)-1].y + 26
	fmt.Fprintf(g, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="Inter,Segoe UI,Helvetica,Arial,sans-serif">`+"\n", g.width, h)
	g.WriteString(`<defs>`)
	for i := range t.objects {
		fmt.Fprintf(g, `<pattern id="w%d" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="#fff"/><rect width="2.4" height="6" fill="%s"/></pattern>`, i, g.colour[i])
	}
	g.WriteString("</defs>\n")
	fmt.Fprintf(g, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", g.width, h)
	g.title()
	g.axis()
	for i := range t.threads {
		g.lane(i)
	}
	g.switches()
	g.bands()
	for _, r := range t.rows {
		if !g.hidden(r.step) {
			g.box(r)
		}
	}
	for _, h := range g.gaps {
		g.dots(h)
	}
	g.ends()
	g.legend()
	g.WriteString("</svg>\n")
	return []byte(g.String())
}

// colours gives each object one; if there are many, only those that several threads
// have to do with.
func (g *svg) colours() {
	users := make([]map[int]bool, len(g.t.objects))
	for i := range users {
		users[i] = map[int]bool{}
	}
	for _, r := range g.t.rows {
		if _, object := g.words(r); object != "" {
			users[r.op.Obj][r.thread] = true
		}
	}
	for _, list := range [2][]span{g.t.holds, g.t.waits} {
		for _, s := range list {
			users[s.object][s.thread] = true
		}
	}
	next := 0
	for i := range users {
		c := grey
		if len(users) <= 5 || len(users[i]) > 1 {
			c = palette[next%len(palette)]
			next++
		}
		g.colour = append(g.colour, c)
	}
}

// measure lays out lanes and steps.
func (g *svg) measure() {
	t := g.t
	g.label = 60
	for _, n := range t.threads {
		g.label = max(g.label, 9*utf8.RuneCountInString(n)+16)
	}
	g.fold()
	n := max(1, g.column[len(t.rows)])
	widest := 52
	for _, r := range t.rows {
		a, b := g.words(r)
		widest = max(widest, 8*utf8.RuneCountInString(a)+10, 9*utf8.RuneCountInString(b)+10) // the second line is bold
	}
	g.step = min(max(4200/n, 3), min(widest, 120))
	ending := 0
	for _, s := range t.last {
		ending = max(ending, 7*utf8.RuneCountInString(s)+12)
	}
	g.width = max(g.x(len(t.rows))+rightMargin+ending, 620)
	g.titles = wrapped(t.outcome, (g.width-leftMargin-28)/10)
	g.head = titleHeight + titleLine*(len(g.titles)-1)
	y := g.head + axisHeight
	for i := range t.threads {
		bars := 0
		for n := 0; n <= len(t.rows); n++ {
			bars = max(bars, g.count(i, n))
		}
		h := lanePad + boxHeight + 4 + max(1, bars)*(barHeight+barGap) + lanePad - barGap
		g.tops, g.height, g.bars = append(g.tops, y), append(g.height, h), append(g.bars, bars)
		y += h
	}
	g.bottom = y
}

// wrapped breaks a text into lines of no more than n characters, if its words allow.
func wrapped(s string, n int) (lines []string) {
	for _, word := range strings.Fields(s) {
		last := len(lines) - 1
		if last < 0 || utf8.RuneCountInString(lines[last])+1+utf8.RuneCountInString(word) > n {
			lines = append(lines, word)
		} else {
			lines[last] += " " + word
		}
	}
	if lines == nil {
		lines = []string{""}
	}
	return lines
}

// fit cuts a text to n characters. It keeps the end, in which names differ, and some of
// the beginning.
func fit(s, mark string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	n = max(0, n-1)
	return string(r[:n/3]) + mark + string(r[len(r)-n+n/3:])
}

// count is how many bars a lane has at step n.
func (g *svg) count(thread, n int) (bars int) {
	for _, list := range [2][]span{g.t.holds, g.t.waits} {
		for _, s := range list {
			if s.thread == thread && s.from <= n && n < s.to {
				bars++
			}
		}
	}
	return bars
}

func (g *svg) x(step int) int {
	return leftMargin + g.label + g.column[min(step, len(g.t.rows))]*g.step
}

func counted(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "ch"):
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (g *svg) middle(thread int) int { return g.tops[thread] + lanePad + boxHeight/2 }

// own says whether a step belongs in a thread's lane.
func (g *svg) own(r row) bool { return r.kind != sim.Interrupt && r.kind != sim.Tick }

// words are the two lines in a box.
func (g *svg) words(r row) (first, second string) {
	if r.kind == sim.Step && r.op.Obj != sim.None && int(r.op.Obj) < len(g.t.objects) {
		return r.op.String(), g.t.objects[r.op.Obj]
	}
	return r.text, ""
}
