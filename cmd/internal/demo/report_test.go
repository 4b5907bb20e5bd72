// report_test.go: the table, the chart and the drawing of results that are made up.

package demo

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// madeUp is a run in which one discipline lost three of its four waits, and one had only fast ones.
func madeUp() *report {
	lost := &result{name: "mutex-unordered", elapsed: time.Second, waits: new(histogram), stuck: 3, deadlocks: 1, audit: auditNotFinished}
	lost.waits.add(340 * time.Microsecond)
	fast := &result{name: "tokens", elapsed: time.Second, waits: new(histogram), transfers: 10, audit: auditOK}
	for range 10 {
		fast.waits.add(63 * time.Nanosecond)
	}
	return &report{cfg: config{accounts: 2, tellers: 1, duration: time.Second}, results: []*result{lost, fast}}
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	r := madeUp()
	r.table(&b, false)
	r.explain(&b)
	r.chart(&b, false)
	text := b.String()
	var rows []string
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(line); n > 101 && !strings.HasPrefix(line, "not finished: ") && !strings.HasPrefix(line, "ok (last world): ") {
			t.Errorf("a line of %d columns: %s", n, line)
		}
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	if rows[2] != "mutex-unordered 0 0 340 µs 340 µs 75.0% 1 not finished" || rows[3] != "tokens 10 10 63 ns 63 ns 0% 0 ok" {
		t.Errorf("rows %q", rows[2:4])
	}
	for _, want := range []string{notFinished, "3 of 4 waits (75 %) never ended", "█ 100.0%"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in it", want)
		}
	}
	r.results[0].audit = auditLast
	b.Reset()
	r.explain(&b)
	if !strings.Contains(b.String(), lastOnly) || strings.Contains(b.String(), notFinished) || r.failed() != nil {
		t.Errorf("an audit of the last world only: %s", &b)
	}
	r.results = r.results[1:]
	b.Reset()
	r.explain(&b)
	if strings.Contains(b.String(), auditNotFinished) || strings.Contains(b.String(), auditLast) {
		t.Error("an audit that finished is explained as one that did not")
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestDrawing(t *testing.T) {
	var b bytes.Buffer
	if err := madeUp().svg(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		">1 teller, 2 accounts, 1s under each discipline", ">waits that had both accounts by then<", ">75 % never ended<",
		">340 µs*<", ">* mutex-unordered: of the 25.0 % of waits that ended<", ">63 ns<", ">10 ns<",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in it", want)
		}
	}
}

// TestShortestWaits has some that lie left of the drawing, which the axis must say.
func TestShortestWaits(t *testing.T) {
	res := &result{waits: new(histogram)}
	res.waits.add(63)
	if a := newAxis([]*result{res}); a.from != 1 || a.cut {
		t.Errorf("63 ns: %+v", a)
	}
	res.waits.add(1)
	a := newAxis([]*result{res})
	if a.from != 1 || !a.cut {
		t.Errorf("1 ns: %+v", a)
	}
	var b bytes.Buffer
	if grid(&b, a); !strings.Contains(b.String(), ">≤ 10 ns<") {
		t.Errorf("got %s", &b)
	}
}
