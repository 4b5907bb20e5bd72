// demo_test.go: the command as people and programs meet it: arguments in, text and exit status out.

package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/serializing-tokens/lwkt/cmd/internal/demo/journal"
)

// call runs the command.
func call(ctx context.Context, args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(ctx, args, &out, &errs)
	return status, out.String(), errs.String()
}

func TestUsage(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-accounts 1", "-accounts 1: a transfer needs at least 2"},
		{"-accounts -3", "-accounts -3"},
		{"-accounts 99999999", "at most"},
		{"-accounts many", `invalid value "many" for flag -accounts: not a number (`},
		{"-accounts 1.5", "not a whole number"},
		{"-accounts 99999999999999999999", "too large a number"},
		{"-tellers 0", "-tellers 0"},
		{"-tellers 1000000", "at most"},
		{"-for 0s", "-for 0s"},
		{"-for -1s", "-for -1s"},
		{"-tellers x", `invalid value "x" for flag -tellers: not a number (`},
		{"-for 3", `invalid value "3" for flag -for: not a duration; write 3s (`},
		{"-for long", "not a duration; write one like 3s"},
		{"-seed -1", "not a number of 0 or more"},
		{"-seed x", "not a number ("},
		{"-colour", "flag provided but not defined: -colour"},
		{"now", `unexpected argument "now"`},
		{"-json yes", `unexpected argument "yes"`},
		{"-journal=", "-journal needs a name"},
		{"-svg=", "-svg needs a name"},
		{"-replay x -json -seed 2", "-replay reads a journal"},
	} {
		status, stdout, stderr := call(t.Context(), strings.Fields(tt.args)...)
		if status != exitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: status %d, stdout %q, stderr %q", tt.args, status, stdout, stderr)
		}
	}
	status, stdout, stderr := call(t.Context(), "-help")
	if status != exitOK || stderr != "" || !strings.Contains(stdout, "-tellers NUMBER") || !strings.Contains(stdout, "mutex-unordered") {
		t.Errorf("-help: status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	for line := range strings.Lines(stdout) {
		if n := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    ")); n > 100 {
			t.Errorf("-help: a line of %d columns: %s", n, line)
		}
	}
	for _, want := range []string{notFinished, lastOnly} {
		if !strings.Contains(strings.Join(strings.Fields(stdout), " "), want) {
			t.Errorf("-help does not say: %s", want)
		}
	}
	cfg, err := parse(nil)
	if err != nil || cfg.accounts > 16 || cfg.tellers < 16 {
		t.Errorf("the defaults are not hot: %+v, %v", cfg, err)
	}
}

// TestJSON is a short full run, and the shape of what it prints.
func TestJSON(t *testing.T) {
	dir := t.TempDir()
	svg := filepath.Join(dir, "waits.svg")
	status, stdout, stderr := call(t.Context(), "-json", "-for", "150ms", "-journal", dir, "-accounts", "4", "-tellers", "16", "-svg", svg)
	if status != exitOK {
		t.Fatalf("status %d: %s", status, stderr)
	}
	dec := json.NewDecoder(strings.NewReader(stdout))
	var got map[string]any
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if err := dec.Decode(new(any)); err != io.EOF {
		t.Errorf("more than one value: %v", err)
	}
	list, _ := got["disciplines"].([]any)
	if len(list) != 3 {
		t.Fatalf("%d disciplines", len(list))
	}
	for i, name := range []string{"mutex-unordered", "mutex-ordered", "tokens"} {
		d := list[i].(map[string]any)
		if d["name"] != name {
			t.Errorf("discipline %d is %v", i, d["name"])
		}
		for _, key := range []string{"transfers", "per_second", "wait_p50_us", "wait_p99_us", "deadlocks"} {
			if _, ok := d[key].(float64); !ok {
				t.Errorf("%s: %s is %v", name, key, d[key])
			}
		}
		if audit := d["audit"]; audit != auditOK && (i > 0 || audit != auditNotFinished && audit != auditLast) {
			t.Errorf("%s: audit %v", name, audit)
		}
		if i > 0 && (d["deadlocks"] != 0.0 || d["transfers"] == 0.0) {
			t.Errorf("%s: %v", name, d)
		}
		s, err := journal.ReplayFile(d["journal"].(string))
		if err != nil || s.Interrupted() || float64(s.Total) != d["transfers"] || verdictOn(s) != auditOK {
			t.Errorf("%s: replay %+v, %v", name, s, err)
		}
	}
	drawing, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	x := xml.NewDecoder(bytes.NewReader(drawing))
	for err == nil {
		_, err = x.Token()
	}
	if err != io.EOF || bytes.Count(drawing, []byte("<path ")) != 3 || bytes.Contains(drawing, []byte("NaN")) {
		t.Errorf("the drawing is not well: %v\n%.300s", err, drawing)
	}
}

// TestText looks for what people are promised, and for the journal that an earlier run left behind.
func TestText(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "tokens.journal")
	w, err := journal.Create(dir, "tokens")
	if err != nil {
		t.Fatal(err)
	}
	w.Append(journal.Record{Kind: journal.Open, Tx: 1, From: 2, Amount: 10},
		journal.Record{Kind: journal.Intent, Tx: 1, From: 0, To: 1, Amount: 1}, journal.Record{Kind: journal.Commit, Tx: 1},
		journal.Record{Kind: journal.Intent, Tx: 2, From: 0, To: 1, Amount: 1}, journal.Record{Kind: journal.Commit, Tx: 2})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(old, w.Stats().Bytes-3); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := call(t.Context(), "-for", "100ms", "-journal", dir, "-accounts", "3", "-tellers", "16")
	if status != exitOK {
		t.Fatalf("status %d: %s", status, stderr)
	}
	for _, want := range []string{
		"tokens.journal was interrupted", "1 transfer committed, 0 aborted, 1 left open and not applied; 14 bytes behind that", "sum 20 of 20: ok",
		"discipline ", "per second", "wait p50", "wait p99", "never", "deadlocks", "/*.journal\n", "audit",
		"mutex-unordered ", "mutex-ordered ", "tokens ", "How long a teller waited", "tokens.2.journal",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in the output", want)
		}
	}
	if !strings.Contains(stderr, "tokens: runs for 100ms") || strings.Contains(stdout+stderr, "\x1b") {
		t.Errorf("progress: %q", stderr)
	}
	if t.Failed() {
		t.Log(stdout)
	}
	if after, _ := os.ReadFile(old); !bytes.Equal(before, after) {
		t.Error("the journal of the earlier run was changed")
	}
}

// TestNoPlace names a journal directory, and a drawing, that cannot be.
func TestNoPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-journal", file}, {"-journal", filepath.Join(file, "sub")}, {"-svg", filepath.Join(file, "x.svg")}, {"-svg", filepath.Dir(file)}} {
		status, stdout, stderr := call(t.Context(), append(args, "-json")...)
		if status != exitFailed || stdout != "" || !strings.Contains(stderr, args[1]) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
		}
	}
}

// TestInterrupt is interrupted before the first discipline, and in it.
func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	status, stdout, _ := call(ctx, "-json", "-journal", t.TempDir())
	if status != exitInterrupted || !strings.Contains(stdout, `"disciplines": []`) || !strings.Contains(stdout, `"interrupted": true`) {
		t.Errorf("status %d: %s", status, stdout)
	}

	ctx, cancel = context.WithCancel(t.Context())
	log := journal.NewWriter("test", &memory{sync: cancel}) // with the first sync
	d := disciplines[len(disciplines)-1]
	res, err := d.runOn(ctx, config{accounts: 4, tellers: 4, duration: 1 << 40, seed: 1}, log, newProgress(io.Discard))
	if err != nil || res.audit == "" {
		t.Errorf("got %+v, %v", res, err)
	}
}

// TestReportEdges has runs in which nothing happened.
func TestReportEdges(t *testing.T) {
	r := report{results: []*result{{name: "tokens", waits: new(histogram), audit: "account 1 has <too> little & is sorry"}}}
	for _, write := range []func(io.Writer) error{r.svg, r.json, func(w io.Writer) error { return r.text(w, true) }} {
		r.results[0].elapsed = 1
		var b bytes.Buffer
		if err := write(&b); err != nil || strings.Contains(b.String(), "NaN") {
			t.Errorf("%v\n%s", err, b.String())
		}
	}
	if err := r.failed(); err == nil || !strings.Contains(err.Error(), "audit of tokens: account 1") {
		t.Errorf("a failed audit: %v", err)
	}
	if err := r.text(broken{}, false); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a broken output: %v", err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, os.ErrClosed }
