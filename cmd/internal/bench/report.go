// This file prints results: as an aligned table for people, as JSON for programs.
//
// Why it is fair: the ratio printed is the quotient of the two medians printed beside it; the target
// stands next to it, met or not; and the spread tells how far single rounds were apart, so that a
// reader can see which figures to believe. Nothing is left out.

package bench

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/serializing-tokens/lwkt/cmd/internal/cli"
)

// header says on what, with what and when.
type header struct {
	machine string
	when    time.Time
	procs   int
	spins   int
	block   time.Duration
}

func newHeader(now time.Time) header {
	return header{
		machine: machine(),
		when:    now,
		procs:   runtime.GOMAXPROCS(0),
		spins:   microsecond(),
		block:   blockTakes(),
	}
}

// machine describes the processors as far as the system tells.
func machine() string {
	model := runtime.GOARCH
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer f.Close()
		for sc := bufio.NewScanner(f); sc.Scan(); {
			if key, val, ok := strings.Cut(sc.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
				model = strings.TrimSpace(val)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d CPUs, %s/%s", model, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
}

// writeTable prints the header, the rows and one line on how to read them.
func writeTable(w io.Writer, h header, results []result) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "lwkt beside sync: one process, interleaved rounds, medians; ratio = lwkt / sync\n")
	fmt.Fprintf(out, "machine  %s\n", h.machine)
	fmt.Fprintf(out, "go       %s, GOMAXPROCS %d\n", runtime.Version(), h.procs)
	fmt.Fprintf(out, "date     %s\n", h.when.UTC().Format("2006-01-02 15:04:05 UTC"))
	fmt.Fprintf(out, "K        %d, the default; rows -k0 and -k64 set their own\n", defaultK)
	fmt.Fprintf(out, "work     1 µs is %d turns of a loop; the 100 µs block takes %v on an idle machine\n\n", h.spins, h.block.Round(time.Microsecond))

	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tw, "lwkt ns\tsync ns\tratio\ttarget\t\tspread\trounds\talone\t  row\n")
	for _, r := range results {
		target, verdict := "", ""
		if r.target > 0 {
			target, verdict = fmt.Sprintf("<= %.2fx", r.target), "ok"
			if r.ratio > r.target {
				verdict = "MISS"
			}
		}
		alone := ""
		if r.alone > 0 {
			alone = fmt.Sprintf("%.1fx", r.alone)
		}
		fmt.Fprintf(tw, "%.1f\t%.1f\t%.2fx\t%s\t%s\t±%.0f%%\t%d\t%s\t  %s\n",
			r.lwkt, r.sync, r.ratio, target, verdict, 100*r.spread, r.rounds, alone, r.name)
	}
	tw.Flush()
	fmt.Fprintf(out, "\nTargets are for an otherwise idle machine; spread is half the interquartile range of the\n"+
		"rounds' own ratios: a miss smaller than it says little. A ratio of 0.05 is 20 times the throughput.\n"+
		"Alone is what an operation costs beside one of the same lock by one goroutine alone.\n")
	return out.Flush()
}

// jsonResult is one object of -json. The first four keys were promised, and promised to be first; more
// may come. A ratio is worth nothing without the machine, so every row says it: rows get torn apart.
type jsonResult struct {
	Name    string   `json:"name"`
	LwktNS  float64  `json:"lwkt_ns"`
	SyncNS  float64  `json:"sync_ns"`
	Ratio   float64  `json:"ratio"`
	Target  *float64 `json:"target"` // null: none
	Alone   *float64 `json:"alone"`  // beside the same lock uncontended; null: not measured
	Spread  float64  `json:"spread"` // a share of the ratio, 0.05 is 5 %
	Rounds  int      `json:"rounds"`
	K       int      `json:"k"`
	Procs   int      `json:"gomaxprocs"`
	Go      string   `json:"go"`
	Machine string   `json:"machine"`
	Date    string   `json:"date"` // RFC 3339, UTC
}

// writeJSON prints one array, one object a line.
func writeJSON(w io.Writer, h header, results []result) error {
	rows := make([]jsonResult, len(results))
	for i, r := range results {
		rows[i] = jsonResult{
			Name: r.name, LwktNS: digits(r.lwkt), SyncNS: digits(r.sync), Ratio: digits(r.ratio),
			Spread: digits(r.spread), Rounds: r.rounds, K: r.k,
			Procs: h.procs, Go: runtime.Version(), Machine: h.machine, Date: h.when.UTC().Format(time.RFC3339),
		}
		if r.target > 0 {
			rows[i].Target = &r.target
		}
		if r.alone > 0 {
			alone := digits(r.alone)
			rows[i].Alone = &alone
		}
	}
	return cli.WriteArray(w, rows)
}

// digits keeps four significant digits, which is more than the measurement has.
func digits(x float64) float64 {
	if x == 0 {
		return 0
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(x))))
	return math.Round(x*scale) / scale
}
