package main

// What is printed: medians, ratios, and whether bounds are kept.

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// header says what the figures are of.
type header struct {
	Machine  string `json:"machine"`
	Go       string `json:"go"`
	Date     string `json:"date"`
	Deadlock string `json:"go_deadlock"` // its version
	Rounds   int    `json:"rounds"`
	Locks    int    `json:"locks"` // short-lived ones
}

func newHeader(dir string, cfg config) (header, error) {
	c := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/sasha-s/go-deadlock")
	c.Dir = dir
	version, err := c.Output()
	if err != nil {
		return header{}, failure(err)
	}
	return header{
		Machine: machine(), Go: runtime.Version(), Date: time.Now().UTC().Format(time.RFC3339),
		Deadlock: strings.TrimSpace(string(version)), Rounds: cfg.rounds, Locks: cfg.number,
	}, nil
}

// machine names the processor where the system tells.
func machine() string {
	name := fmt.Sprintf("%s/%s, %d CPUs", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return name
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if key, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return name + ", " + strings.TrimSpace(value)
		}
	}
	return name
}

// median of a part of the samples.
func median[T any](samples []T, of func(T) float64) float64 {
	var list []float64
	for _, s := range samples {
		list = append(list, of(s))
	}
	slices.Sort(list)
	n := len(list)
	return (list[(n-1)/2] + list[n/2]) / 2
}

// within judges the ratio, if there is a bound.
func (f *figure) within(bound float64) {
	if bound > 0 {
		f.judge(fmt.Sprintf("<= %gx", bound), f.Witness <= bound*f.Plain)
	}
}

// none wants no allocation: what the runtime does by itself meanwhile is less than one in a thousand.
func (f *figure) none() { f.judge("none", f.Witness < 1e-3) }

func (f *figure) judge(bound string, ok bool) {
	f.Bound, f.Verdict = bound, "MISS"
	if ok {
		f.Verdict = "ok"
	}
}

func writeJSON(w io.Writer, h header, figures []figure) error {
	text, err := json.MarshalIndent(struct {
		header
		Figures []figure `json:"figures"`
	}{h, figures}, "", " ")
	if err == nil {
		_, err = w.Write(append(text, '\n'))
	}
	return err
}

func writeTable(w io.Writer, h header, figures []figure) error {
	fmt.Fprintf(w, "%s, %s, go-deadlock %s, %s; %d rounds, %d short-lived locks\n\n", h.Machine, h.Go, h.Deadlock, h.Date, h.Rounds, h.Locks)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "row\t\tplain\twitness\tratio\tgo-deadlock\tratio\tbound\t\t")
	last := ""
	for _, f := range figures {
		name := f.Row
		if name == last {
			name = ""
		}
		last = f.Row
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", name, f.Unit, f.number(f.Plain), f.number(f.Witness), f.ratio(f.Witness),
			f.number(f.Deadlock), f.ratio(f.Deadlock), f.Bound, f.Verdict)
	}
	return t.Flush()
}

// ratio is against plain, if that says something.
func (f *figure) ratio(x float64) string {
	if f.Plain < 1e-3 || x == 0 {
		return ""
	}
	return fmt.Sprintf("%.2fx", x/f.Plain)
}

// number is nothing for what was not measured; nothing else is 0 but allocations.
func (f *figure) number(x float64) string {
	switch {
	case x == 0 && f.Unit != "allocs":
		return ""
	case x < 1e-3:
		return "0"
	case x < 10:
		return fmt.Sprintf("%.2f", x)
	case x < 100:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}
