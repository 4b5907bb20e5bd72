package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// BenchmarkRows runs the table of the command as Go benchmarks: Rows/<name>/lwkt beside Rows/<name>/sync.
// Rounds are not interleaved here; use -count and a tool that compares samples.
func BenchmarkRows(b *testing.B) {
	const k = defaultK
	for i := range rows {
		r := &rows[i]
		for _, v := range r.variants(k) {
			b.Run(v.name+"/lwkt", func(b *testing.B) {
				setK(v.k)
				defer setK(k)
				benchmark(b, r.lwkt)
			})
			b.Run(v.name+"/sync", func(b *testing.B) { benchmark(b, r.sync) })
		}
	}
}

// benchmark reports the loop's own clock, which leaves the setup out.
func benchmark(b *testing.B, f loop) {
	b.ReportAllocs()
	did, took, err := f(b.N, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(took)/float64(did), "ns/op")
}

// TestAllRowsInJSON runs the whole command with hardly any time: the shape of what it prints, and that
// every row comes out and excludes.
func TestAllRowsInJSON(t *testing.T) {
	var out, errs bytes.Buffer
	if code := Main([]string{"-json", "-budget", "1ms"}, &out, &errs); code != 0 {
		t.Fatalf("exit status %d: %s", code, &errs)
	}
	if errs.Len() > 0 {
		t.Errorf("stderr is no terminal and got %q", &errs)
	}
	var got []map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v in\n%s", err, &out)
	}
	var gotNames []string
	for _, o := range got {
		lwktNS, _ := o["lwkt_ns"].(float64)
		syncNS, _ := o["sync_ns"].(float64)
		ratio, _ := o["ratio"].(float64)
		name, _ := o["name"].(string)
		gotNames = append(gotNames, name)
		if lwktNS <= 0 || syncNS <= 0 || ratio <= 0 || math.Abs(ratio*syncNS/lwktNS-1) > 0.01 {
			t.Errorf("object %v", o)
		}
		if alone, measured := o["alone"].(float64); measured && alone <= 0 || strings.HasSuffix(name, "-uncontended") && alone != 1 {
			t.Errorf("object %v", o)
		}
		k, _ := o["k"].(float64)
		rounds, _ := o["rounds"].(float64)
		date, _ := o["date"].(string)
		if _, err := time.Parse(time.RFC3339, date); err != nil || rounds < 1 || o["go"] != runtime.Version() || o["machine"] != machine() {
			t.Errorf("object %v, date: %v", o, err)
		}
		i := slices.IndexFunc(rows, func(r row) bool { return r.name == name })
		switch {
		case strings.HasSuffix(name, "-k0") && k != 0, strings.HasSuffix(name, "-k64") && k != 64, i >= 0 && k != defaultK:
			t.Errorf("%s ran with K %v", name, k)
		case i >= 0 && rows[i].target > 0 && o["target"] != rows[i].target, (i < 0 || rows[i].target == 0) && o["target"] != nil:
			t.Errorf("%s has target %v", name, o["target"])
		}
	}
	promised := regexp.MustCompile(`^ \{"name":"[^"]+","lwkt_ns":[^,]+,"sync_ns":[^,]+,"ratio":[^,]+,`)
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n")[1 : 1+len(got)] {
		if !promised.MatchString(line) {
			t.Errorf("not one object a line, that begins as promised: %s", line)
		}
	}
	if !slices.Equal(gotNames, names(rows)) {
		t.Errorf("rows\n%v, want\n%v", gotNames, names(rows))
	}
}

func TestTable(t *testing.T) {
	var out, errs bytes.Buffer
	if code := Main([]string{"-run", "token-(recursive|2-short)", "-budget", "1ms"}, &out, &errs); code != 0 {
		t.Fatalf("exit status %d: %s", code, &errs)
	}
	for _, want := range []string{"GOMAXPROCS", "go1.", "CPUs", "UTC", "K ", "<= 0.30x", "token-recursive\n", "token-2-short\n", "token-2-short-k0\n", "token-2-short-k64\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "token-64-short\n") {
		t.Errorf("a row that was not asked for in\n%s", &out)
	}
}

func TestTableMarksMisses(t *testing.T) {
	var out bytes.Buffer
	err := writeTable(&out, header{machine: "m"}, []result{
		{variant: variant{"met", 0, 1.3, nil, 0}, ratio: 1.3, rounds: 9},
		{variant: variant{"missed", 0, 1.3, nil, 0}, ratio: 1.31, rounds: 9},
		{variant: variant{"free", 0, 0, nil, 0}, ratio: 99, rounds: 9},
	})
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		marked := strings.Contains(line, " MISS ")
		switch f[len(f)-1] {
		case "met", "free":
			if marked {
				t.Errorf("marked as a miss: %s", line)
			}
		case "missed":
			if !marked {
				t.Errorf("not marked as a miss: %s", line)
			}
		}
	}
}

func TestBadCommandLines(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-run", "("}, "no regular expression"},
		{[]string{"-run", "nonsuch"}, "matches no row; there are, for example, token-uncontended, "},
		{[]string{"-budget", "0s"}, "above zero"},
		{[]string{"-budget", "soon"}, "-budget: not a duration; write one like 3s ("},
		{[]string{"-budget", "3"}, "-budget: not a duration; write 3s ("},
		{[]string{"-nonsuch"}, "nonsuch"},
		{[]string{"token-read"}, "-run"},
	} {
		var out, errs bytes.Buffer
		if code := Main(c.args, &out, &errs); code != 2 {
			t.Errorf("%q: exit status %d, want 2", c.args, code)
		}
		if !strings.HasSuffix(errs.String(), " (lwkt bench -help explains)\n") || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%q: stderr %q", c.args, &errs)
		}
		if out.Len() > 0 || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%q: stdout %q, stderr %q, want %q in it", c.args, &out, &errs, c.want)
		}
	}
}

// TestHelp is asked for, so it goes to stdout; it has every name that -run takes.
func TestHelp(t *testing.T) {
	var out, errs bytes.Buffer
	if code := Main([]string{"-h"}, &out, &errs); code != 0 || errs.Len() > 0 {
		t.Errorf("-h: exit status %d, stderr %q", code, &errs)
	}
	for _, want := range append(names(rows), "-run REGEXP", "-budget DURATION", "(default 26s)", fmt.Sprint(defaultK)) {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	for line := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    ")); n > 100 {
			t.Errorf("a line of %d columns: %s", n, line)
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestUnwritableResults(t *testing.T) {
	for _, mode := range []string{"-json=true", "-json=false"} {
		var errs bytes.Buffer
		code := Main([]string{mode, "-run", "token-recursive", "-budget", "1ms"}, fullDisk{}, &errs)
		if code != 1 || !strings.Contains(errs.String(), "no space left") {
			t.Errorf("%s: exit status %d, %q", mode, code, &errs)
		}
	}
}

// TestProgressOnlyOnTerminals: a file and a buffer get nothing.
func TestProgressOnlyOnTerminals(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, w := range []io.Writer{f, new(bytes.Buffer)} {
		p := newProgress(w)
		p.show("x")
		p.clear()
		if p.w != nil {
			t.Errorf("progress on %T", w)
		}
	}
	if st, err := f.Stat(); err != nil || st.Size() != 0 {
		t.Errorf("the file has %v bytes, %v", st.Size(), err)
	}
}

func TestDigits(t *testing.T) {
	for _, c := range []struct{ x, want float64 }{{0, 0}, {12.34567, 12.35}, {1234.567, 1235}, {0.0123456, 0.01235}} {
		if got := digits(c.x); got != c.want {
			t.Errorf("digits(%v) = %v, want %v", c.x, got, c.want)
		}
	}
}
