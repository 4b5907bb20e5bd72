// table_test.go: the verdicts are those of the article, and what is printed is what was found.

package table

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/serializing-tokens/lwkt/cmd/internal/cli/clitest"
)

// article is what it says, by property, for token, mutex, spl and funnel; then what the manual pages say of mtx, rw, sx, rm, rms, lockmgr,
// serializer, giant and spin.
var article = map[string][]bool{
	"timeslicing": {true, true, true, true, true, true, true, true, true, true, true, true, true},
	"concurrent":  {true, true, false, true, true, true, true, true, true, true, true, true, true},
	"preemption":  {true, true, true, true, true, true, true, true, true, true, true, true, true},
	"blocking":    {false, true, false, false, false, false, true, false, true, true, true, false, false},
	"deadlock":    {true, false, true, true, false, false, false, false, false, false, false, false, false},
	"inversion":   {true, false, true, true, true, true, false, true, true, false, false, true, true},
}

func call(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = Main(args, &out, &errs)
	return status, out.String(), errs.String()
}

func TestVerdicts(t *testing.T) {
	status, stdout, stderr := call(t, "-json")
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, stderr %q", status, stderr)
	}
	var got struct {
		Rows []struct {
			Property, Lock, Verdict, Evidence string
			Schedules                         int
			Exhaustive                        *bool
		}
	}
	dec := json.NewDecoder(strings.NewReader(stdout))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	if len(got.Rows) != len(properties)*len(lockNames) {
		t.Fatalf("%d rows", len(got.Rows))
	}
	schedules := 0
	for i, r := range got.Rows {
		schedules += r.Schedules
		p, l := properties[i/len(lockNames)].name, i%len(lockNames)
		if r.Property != p || r.Lock != lockNames[l] {
			t.Fatalf("row %d is %s, %s", i, r.Property, r.Lock)
		}
		if want := map[bool]string{true: "works", false: "fails"}[article[p][l]]; r.Verdict != want {
			t.Errorf("%s, %s: %s, and the article says %s: %s", p, r.Lock, r.Verdict, want, r.Evidence)
		}
		if r.Schedules < 1 || r.Evidence == "" || r.Exhaustive == nil {
			t.Errorf("%+v", r)
		} else if found := got.Rows[i].Verdict == "fails" && (r.Property == "deadlock" || r.Property == "blocking" && strings.Contains("mtx rw rm spin", r.Lock)); *r.Exhaustive == found {
			t.Errorf("%s, %s: exhaustive %v after %d schedules", p, r.Lock, *r.Exhaustive, r.Schedules)
		}
	}
	if schedules > 50_000 { // some 10,000, in about a second; it is to end within 35
		t.Errorf("%d schedules", schedules)
	}
}

// Twice the same, but for how long it took: nothing depends on the wall clock.
func TestText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.svg")
	status, first, stderr := call(t, "-svg", path)
	_, again, _ := call(t)
	cut := func(s string) string { return s[:strings.LastIndex(s, " in ")] }
	if status != 0 || stderr != "" || cut(first) != cut(again) {
		t.Errorf("status %d, stderr %q, texts\n%s\nand\n%s", status, stderr, first, again)
	}
	for line := range strings.Lines(first) {
		if n := utf8.RuneCountInString(line); n > 120 {
			t.Errorf("a line of %d columns: %s", n, line)
		}
	}
	first = regexp.MustCompile(`\n {20}`).ReplaceAllString(first, " ")
	for _, want := range []string{"priority inversion    works", "Lock of mutex \"X\" panics", "sleeps while it holds rwlock", "high waits 10,71", "which B has, B waits for mutex", "changed tells the holder each time",
		"no thread ever ran while another was inside (exhaustive)", "A mutex that lends", "the same whether middle computes", "found in schedule"} {
		if !strings.Contains(first, want) {
			t.Errorf("%q is missing in\n%s", want, first)
		}
	}
	picture := clitest.Picture(t, path)
	if n := bytes.Count(picture, []byte(">works<")); n != 18+37 {
		t.Errorf("%d cells work in the picture", n)
	}
}

// The scale of the last row: what high waits for a token is what is left of low's section.
func TestInversionIsBounded(t *testing.T) {
	for _, l := range locks() {
		f := priorities(l)
		w := f.timeline.waited
		if bounded := w >= section-wants && w <= section; bounded != f.works || !bounded && w < long {
			t.Errorf("%s: works %v, but high waited %v", l.name, f.works, w)
		}
	}
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"-colour":     "flag provided but not defined: -colour",
		"now":         `unexpected argument "now"`,
		"-svg=":       "-svg needs a name",
		"-json=maybe": "invalid boolean",
	} {
		status, stdout, stderr := call(t, strings.Fields(args)...)
		if status != 2 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%s: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
		}
	}
	if status, stdout, stderr := call(t, "-help"); status != 0 || stderr != "" || !strings.Contains(stdout, "preemption") || !strings.Contains(stdout, "-svg FILE") {
		t.Errorf("-help: status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	if status, _, stderr := call(t, "-svg", filepath.Join(t.TempDir(), "none", "x.svg")); status != 1 || !strings.Contains(stderr, "none") {
		t.Errorf("a file that cannot be written: status %d, stderr %q", status, stderr)
	}
}
