// svg.go: the wait chart as a drawing: for each discipline the share of waits for both accounts that had ended after a time, over a
// logarithmic scale. A curve further left is better; one that does not reach 100 % has waits that never ended.
//
// The text is plain SVG 1.1 with nothing from outside, so that any browser and any converter shows the same.

package demo

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// Colours that people with any kind of colour vision can tell apart (Okabe and Ito), in the order of the disciplines.
var svgColours = []string{"#d55e00", "#0072b2", "#009e73"}

// The drawing and, in it, the plot.
const (
	svgWidth, svgHeight = 960, 600
	plotLeft, plotRight = 78, 926
	plotTop, plotBottom = 196, 524
)

// An axis maps durations to the width of the plot.
type axis struct {
	from, to float64 // powers of ten, in ns
	cut      bool    // shorter waits are drawn at from
}

// newAxis covers all waits in whole powers of ten.
func newAxis(results []*result) axis {
	lo, hi := time.Duration(math.MaxInt64), time.Duration(1)
	for _, res := range results {
		if res.waits.total() > 0 {
			// The fastest thousandth may lie left of the plot: it would make an empty decade or two.
			lo, hi = min(lo, res.waits.quantile(0.001)), max(hi, res.waits.longest())
		}
	}
	if hi <= lo {
		return axis{from: 3, to: 9}
	}
	a := axis{from: math.Floor(math.Log10(float64(max(lo, 10)))), to: math.Ceil(math.Log10(float64(hi)))}
	a.to = max(a.to, a.from+1)
	for _, res := range results {
		a.cut = a.cut || res.waits.below(time.Duration(math.Pow(10, a.from))) > 0
	}
	return a
}

func (a axis) x(d time.Duration) float64 {
	l := math.Log10(float64(max(d, 1)))
	return plotLeft + (plotRight-plotLeft)*min(1, max(0, (l-a.from)/(a.to-a.from)))
}

func y(share float64) float64 { return plotBottom - (plotBottom-plotTop)*share }

// svg draws the chart.
func (r *report) svg(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d"
 font-family="Inter, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif" font-size="13" fill="#333">
<title>How long a teller waited for both accounts</title>
<rect width="100%%" height="100%%" fill="#fff"/>
<text x="%d" y="40" font-size="21" font-weight="600" fill="#111">How long a teller waited for both accounts</text>
<text x="%d" y="63" fill="#666">%s</text>
`, svgWidth, svgHeight, svgWidth, svgHeight, plotLeft, plotLeft, r.subtitle())
	r.legend(&b)
	a := newAxis(r.results)
	grid(&b, a)
	for i, res := range r.results {
		curve(&b, a, svgColours[i%len(svgColours)], res)
	}
	b.WriteString("</svg>\n")
	_, err := w.Write(b.Bytes())
	return err
}

func (r *report) subtitle() string {
	s := fmt.Sprintf("%s, %s, %v under each discipline, every transfer synced to disk",
		plural(int64(r.cfg.tellers), "teller"), plural(int64(r.cfg.accounts), "account"), r.cfg.duration)
	if r.place.tmpfs {
		s += " (a tmpfs, where that costs nothing)"
	}
	return s
}

// legend is a small table above the plot: a piece of each curve, its name and its figures. Percentiles that leave waits out are
// marked, and the mark is explained below the plot.
func (r *report) legend(b *bytes.Buffer) {
	var notes []string
	cells := func(y int, style string, texts ...string) {
		for i, x := range []int{plotLeft + 286, plotLeft + 396, plotLeft + 526, plotLeft + 636} {
			fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end"%s>%s</text>`+"\n", x, y, style, texts[i])
		}
		fmt.Fprintf(b, `<text x="%d" y="%d"%s>%s</text>`+"\n", plotLeft+666, y, style, texts[4])
	}
	cells(92, ` fill="#888" font-size="12"`, "transfers per second", "median wait", "99th percentile", "deadlocks", "audit")
	for i, res := range r.results {
		y := 115 + 23*i
		fmt.Fprintf(b, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s" stroke-width="3" stroke-linecap="round"/>`+"\n",
			plotLeft+2, y-4, plotLeft+22, y-4, svgColours[i%len(svgColours)])
		fmt.Fprintf(b, `<text x="%d" y="%d" font-weight="600" fill="#111">%s</text>`+"\n", plotLeft+32, y, res.name)
		p50, p99 := "–", "–"
		if res.waits.total() > 0 {
			p50, p99 = human(res.waits.quantile(0.5)), human(res.waits.quantile(0.99))
			if res.stuck > 0 {
				p50, p99 = p50+"*", p99+"*"
				notes = append(notes, fmt.Sprintf("%s: of the %.1f %% of waits that ended",
					res.name, 100*float64(res.waits.total())/float64(res.asked())))
			}
		}
		cells(y, "", grouped(res.perSecond(), 0), p50, p99, grouped(float64(res.deadlocks), 0), clip(res.audit, 16))
	}
	if len(notes) > 0 {
		fmt.Fprintf(b, `<text x="%d" y="%d" font-size="11.5" fill="#888">* %s</text>`+"\n",
			plotLeft, plotBottom+68, strings.Join(notes, "; "))
	}
}

// clip keeps a text short, and harmless inside of XML.
func clip(s string, n int) string {
	if len(s) > n {
		s = "failed"
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(s)
}

// human is a duration with two or three digits.
func human(d time.Duration) string {
	x, unit := float64(d), "ns"
	for _, u := range []string{"µs", "ms", "s"} {
		if x < 1000 {
			break
		}
		x, unit = x/1000, u
	}
	if x < 10 && unit != "ns" {
		return fmt.Sprintf("%.1f %s", x, unit)
	}
	return fmt.Sprintf("%.0f %s", x, unit)
}

// grid draws the axes: quarters upwards, powers of ten to the right.
func grid(b *bytes.Buffer, a axis) {
	for i := range 5 {
		share := float64(i) / 4
		fmt.Fprintf(b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#e3e3e3"/><text x="%d" y="%.1f" text-anchor="end" fill="#666">%d %%</text>`+"\n",
			plotLeft, y(share), plotRight, y(share), plotLeft-10, y(share)+4.5, int(100*share))
	}
	for e := a.from; e <= a.to; e++ {
		d := time.Duration(math.Pow(10, e))
		label := short(d)
		if a.cut && e == a.from {
			label = "≤ " + label
		}
		fmt.Fprintf(b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#e3e3e3"/><text x="%.1f" y="%d" text-anchor="middle" fill="#666">%s</text>`+"\n",
			a.x(d), plotTop, a.x(d), plotBottom, a.x(d), plotBottom+20, label)
	}
	fmt.Fprintf(b, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#999"/>`+"\n", plotLeft, plotBottom, plotRight, plotBottom)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle" fill="#444">time waited (logarithmic)</text>`+"\n",
		(plotLeft+plotRight)/2, plotBottom+46)
	fmt.Fprintf(b, `<text transform="translate(22 %d) rotate(-90)" text-anchor="middle" fill="#444">waits that had both accounts by then</text>`+"\n",
		(plotTop+plotBottom)/2)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end" font-size="11.5" fill="#888">dots: median and 99th percentile of the waits that ended</text>`+"\n",
		plotRight, plotBottom+68)
}

// curve draws one discipline, from the left of the plot to its right.
func curve(b *bytes.Buffer, a axis, colour string, res *result) {
	got := res.waits.total()
	all := float64(max(1, res.asked()))
	var path strings.Builder
	lastX, lastY := math.Inf(-1), 0.0
	fmt.Fprintf(&path, "M%d %d", plotLeft, plotBottom)
	for _, p := range res.waits.curve() {
		// Buckets much narrower than a pixel would only make the file long.
		if x, y := a.x(p.d), y(float64(p.n)/all); p.n == got || math.Abs(x-lastX)+math.Abs(y-lastY) > 0.5 {
			fmt.Fprintf(&path, "L%.1f %.1f", x, y)
			lastX, lastY = x, y
		}
	}
	end := float64(got) / all
	fmt.Fprintf(&path, "L%d %.1f", plotRight, y(end))
	fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="2.5" stroke-linejoin="round"/>`+"\n", path.String(), colour)
	if got > 0 {
		for _, q := range []float64{0.5, 0.99} {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="5" fill="%s" stroke="#fff" stroke-width="1.5"/>`+"\n",
				a.x(res.waits.quantile(q)), y(q*end), colour)
		}
	}
	if res.stuck > 0 {
		label := y(end) + 20 // below the curve, unless that would be in the axis
		if label > plotBottom-6 {
			label = y(end) - 10
		}
		fmt.Fprintf(b, `<text x="%d" y="%.1f" text-anchor="end" font-weight="600" fill="%s">%.0f %% never ended</text>`+"\n",
			plotRight-8, label, colour, 100*(1-end))
	}
}
