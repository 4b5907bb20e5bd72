// table.go: the result for people: the table, what explains it, and the names of the journals.
//
// Every sentence is made from the figures of this run, whichever way they came out.

package demo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// A report is everything that is to be told.
type report struct {
	cfg         config
	place       place
	results     []*result
	interrupted bool // somebody ended the demo before its time
}

// text writes table and chart.
func (r *report) text(w io.Writer, c palette) error {
	var b bytes.Buffer
	r.table(&b, c)
	r.explain(&b)
	r.chart(&b, c)
	r.files(&b)
	_, err := w.Write(b.Bytes())
	return err
}

const (
	rowFormat = "%-15s  %10s  %10s  %13s  %13s  %9s  %s\n"
	ruleWidth = 15 + 10 + 10 + 13 + 13 + 9 + 12 + len(auditNotFinished)
)

func (r *report) table(b *bytes.Buffer, c palette) {
	fmt.Fprintf(b, rowFormat, "discipline", "transfers", "per second", "wait p50 (µs)", "wait p99 (µs)", "deadlocks", "audit")
	fmt.Fprintln(b, strings.Repeat("─", ruleWidth))
	for i, res := range r.results {
		row := fmt.Sprintf(rowFormat, res.name, grouped(float64(res.transfers), 0), grouped(res.perSecond(), 0),
			micros(res, 0.50), micros(res, 0.99), grouped(float64(res.deadlocks), 0), res.audit)
		b.WriteString(c.paint(i, row[:len(res.name)]) + row[len(res.name):])
	}
	b.WriteByte('\n')
}

// micros is a quantile of the waits in microseconds.
func micros(res *result, q float64) string {
	if res.waits.total() == 0 {
		return "-"
	}
	us := float64(res.waits.quantile(q)) / float64(time.Microsecond)
	if us < 100 {
		return grouped(us, 1)
	}
	return grouped(us, 0)
}

// find is the result of a discipline, nil if it did not run.
func (r *report) find(name string) *result {
	for _, res := range r.results {
		if res.name == name {
			return res
		}
	}
	return nil
}

// explain says why the figures are what they are.
func (r *report) explain(b *bytes.Buffer) {
	for _, res := range r.results {
		if res.stuck > 0 {
			all := res.waits.total() + res.stuck
			fmt.Fprintf(b, "%s: %s given up; %s of %s waits (%.0f %%) never ended, and are not in the percentiles.\n",
				res.name, plural(res.deadlocks, "world"), grouped(float64(res.stuck), 0), grouped(float64(all), 0),
				100*float64(res.stuck)/float64(all))
		}
		fmt.Fprintf(b, "%s: %s transfers shared each fsync, on average (%s).\n",
			res.name, grouped(res.perSync(), 1), plural(int64(res.stats.Syncs), "fsync"))
		if res.looked > 0 {
			fmt.Fprintf(b, "%s: %s had to look at the balance again after the write; %s of them found too little and were aborted.\n",
				res.name, plural(res.looked, "transfer"), grouped(float64(res.aborted), 0))
		}
	}
	tokens, ordered := r.find("tokens"), r.find("mutex-ordered")
	if tokens != nil && ordered != nil && ordered.transfers > 0 {
		ratio := tokens.perSecond() / ordered.perSecond()
		fmt.Fprintf(b, "\nTokens made %.1f times the transfers of mutexes in address order.\n", ratio)
		if ratio < 1 {
			b.WriteString("Here nobody is in anybody's way, or the disk costs nothing: then the second sync and the bookkeeping of tokens do not pay.\n")
		}
	}
	if k := r.place.kind(); k != "" {
		fmt.Fprintf(b, "\nThe journals are on %s.\n", k)
	}
	b.WriteByte('\n')
}

// files names what was written.
func (r *report) files(b *bytes.Buffer) {
	b.WriteString("\njournals (read one with lwkt demo -replay FILE; remove them when you like)\n")
	for _, res := range r.results {
		fmt.Fprintf(b, "  %s  %s\n", res.path, plural(res.stats.Bytes, "byte"))
	}
	if r.cfg.svg != "" {
		fmt.Fprintf(b, "wait chart\n  %s\n", r.cfg.svg)
	}
}

// failed is an error if an audit found anything wrong.
func (r *report) failed() error {
	var bad []error
	for _, res := range r.results {
		if res.audit != auditOK && res.audit != auditNotFinished {
			bad = append(bad, fmt.Errorf("audit of %s: %s", res.name, res.audit))
		}
	}
	return errors.Join(bad...)
}
