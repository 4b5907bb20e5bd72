// table.go: the result for people: the table, what explains it, and the names of the journals.
//
// Every sentence is made from the figures of this run, whichever way they came out.

package demo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A report is everything that is to be told.
type report struct {
	cfg         config
	place       place
	results     []*result
	interrupted bool // somebody ended the demo before its time
	drawn       bool // the file of -svg is there
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
	rowFormat = "%-15s  %10s  %10s  %9s  %10s  %7s  %9s  %s\n"
	ruleWidth = 15 + 10 + 10 + 9 + 10 + 7 + 9 + len(auditLast) + 7*2
)

func (r *report) table(b *bytes.Buffer, c palette) {
	fmt.Fprintf(b, rowFormat, "discipline", "transfers", "per second", "wait p50", "wait p99", "never", "deadlocks", "audit")
	fmt.Fprintln(b, strings.Repeat("─", ruleWidth))
	for i, res := range r.results {
		row := fmt.Sprintf(rowFormat, res.name, grouped(float64(res.transfers), 0), grouped(res.perSecond(), 0),
			quantile(res, 0.50), quantile(res, 0.99), never(res), grouped(float64(res.deadlocks), 0), res.audit)
		b.WriteString(c.paint(i, row[:len(res.name)]) + row[len(res.name):])
	}
	b.WriteByte('\n')
}

// quantile is one of the waits that ended: in microseconds, so that the rows compare at a glance, but for those that would be zero.
func quantile(res *result, q float64) string {
	if res.waits.total() == 0 {
		return "-"
	}
	d := res.waits.quantile(q)
	us := float64(d) / float64(time.Microsecond)
	switch {
	case us < 1:
		return fmt.Sprintf("%d ns", d)
	case us < 100:
		return grouped(us, 1) + " µs"
	}
	return grouped(us, 0) + " µs"
}

// asked is how many waits there were, those that never ended included.
func (r *result) asked() int64 { return r.waits.total() + r.stuck }

// never is the share of waits that never ended: without it a discipline would look good by losing those that waited longest.
func never(res *result) string {
	switch {
	case res.asked() == 0:
		return "-"
	case res.stuck == 0:
		return "0%"
	}
	return strings.TrimSpace(percent(float64(res.stuck) / float64(res.asked())))
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

// notFinished explains auditNotFinished, below the table and in the help: worlds follow each other only when they die, so if the last
// one died then all did.
const notFinished = auditNotFinished + ": every world of that discipline ended in a deadlock, so there are no final balances to audit"

// lastOnly explains auditLast.
const lastOnly = auditLast + ": the worlds before ended in a deadlock; of them it says only that no transfer is missing in the journal"

// explain says why the figures are what they are.
func (r *report) explain(b *bytes.Buffer) {
	if slices.ContainsFunc(r.results, func(res *result) bool { return res.audit == auditNotFinished }) {
		fmt.Fprintln(b, notFinished)
	}
	if slices.ContainsFunc(r.results, func(res *result) bool { return res.audit == auditLast }) {
		fmt.Fprintln(b, lastOnly)
	}
	for _, res := range r.results {
		if res.stuck > 0 {
			fmt.Fprintf(b, "%s: %s given up; %s of %s waits (%.0f %%) never ended, and are not in the percentiles.\n",
				res.name, plural(res.deadlocks, "world"), grouped(float64(res.stuck), 0), grouped(float64(res.asked()), 0),
				100*float64(res.stuck)/float64(res.asked()))
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
	b.WriteString("\njournals (read one with lwkt demo -replay FILE)\n")
	for _, res := range r.results {
		fmt.Fprintf(b, "  %s  %s\n", res.path, plural(res.stats.Bytes, "byte"))
	}
	if r.drawn {
		fmt.Fprintf(b, "wait chart\n  %s\n", r.cfg.svg)
	}
}

// failed is an error if an audit found anything wrong.
func (r *report) failed() error {
	var bad []error
	for _, res := range r.results {
		if !passed(res.audit) {
			bad = append(bad, fmt.Errorf("audit of %s: %s", res.name, res.audit))
		}
	}
	return errors.Join(bad...)
}
