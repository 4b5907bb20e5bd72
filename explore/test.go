package explore

// Explorations in tests: kept failures first, then the strategy; what the environment
// says overrides the test, since it is how a person asks again:
//
//	EXPLORE_REPLAY='x2:...'   run this schedule only
//	EXPLORE_STRATEGY=pct:3    auto, dpor, exhaustive, preempt:N, random, urw, pos, pct:N, portfolio
//	EXPLORE_BUDGET=30s        or a number of runs
//	EXPLORE_SEED=7

import (
	"errors"
	"flag"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt/sim"
)

// Test explores a program and fails the test with the first run that fails: it says how
// to repeat that run, prints it, and writes trace.json (for ui.perfetto.dev) and
// schedule.svg into the test's artifact folder, which go test -artifacts keeps. The
// schedule is kept in testdata/explore and is run first from then on. When the program is
// repaired, the test logs that it fails no more; delete the file when it has served. It
// logs how far the exploration came (go test -v); MustFinish makes that a failure.
//
// Where the program has changed and a schedule passes for that, schedules near it are run,
// and one that fails is told and kept as well. If none does, the log says where the program
// departs from what it was, and that the bug may still be there, unless the exploration
// after it tries all.
//
// Under EXPLORE_REPLAY it fails also if the schedule cannot be followed, for then it was
// found in another program, or before a change, and that it passes says nothing.
//
// EXPLORE_STRATEGY (auto, dpor, exhaustive, preempt:N, random, urw, pos, pct:N, portfolio),
// EXPLORE_BUDGET (30s, or a number of runs) and EXPLORE_SEED in the environment come before
// the options.
//
// It must be called from the goroutine of the test, and blocks until all is done.
func Test(t testing.TB, program func(m *sim.Machine), opts ...Option) {
	t.Helper()
	c := newConfig(opts)
	fromEnvironment()(c)
	c.twice = !c.tape // a fuzzer has many runs to compare
	if c.pkg == "" {
		c.pkg = caller()
	}
	var lost []string
	if c.err == nil && c.replay == "" && c.keep != "" {
		var ok bool
		if lost, ok = testKept(t, program, c); !ok {
			return
		}
	}
	r := explore(program, c)
	switch {
	case !r.OK():
		tell(t, c, &r)
	case c.asked && r.Diverged != "":
		t.Fatalf("explore: EXPLORE_REPLAY is of another test, or of this one before a change: %s.\n"+
			"This run did not fail, which says nothing about the test. A schedule is for one test alone: name that by -run, as the line does which repeats a failure, or unset EXPLORE_REPLAY.", r.Diverged+r.near())
	default:
		t.Logf("explore: %s", r.String())
		for _, path := range lost {
			if r.Exhaustive {
				t.Logf("explore: since all was tried, what the schedule kept in %s was found for is repaired; delete it when it has served", path)
			} else {
				t.Logf("explore: not all was tried, so what the schedule kept in %s was found for may still be there; explore for longer before you delete it", path)
			}
		}
	}
}

// tell fails the test with a report.
func tell(t testing.TB, c *config, r *Report) {
	t.Helper()
	f := r.Failure
	if f == nil {
		t.Fatalf("%s", r.String())
		return
	}
	var b strings.Builder
	if f.Replay != "" {
		line := "EXPLORE_REPLAY='" + f.Replay + "' go test " + c.flags() + "-run " + quoted(pattern(t.Name()))
		if c.pkg != "" {
			line += " " + c.pkg
		}
		b.WriteString("\n" + line + "\n\n")
	}
	b.WriteString(r.String())
	if len(f.SVG) > 0 {
		dir := t.ArtifactDir()
		for name, data := range map[string][]byte{"trace.json": f.Perfetto, "schedule.svg": f.SVG} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
				t.Log(err)
			}
		}
		if artifacts() {
			b.WriteString("\npictures: " + filepath.Join(dir, "schedule.svg") + ", and trace.json for ui.perfetto.dev")
		} else {
			b.WriteString("\npictures: the first line keeps them (-artifacts)")
		}
	}
	if c.keep != "" && f.Replay != "" && (c.replay == "" || c.kept && f.Replay != c.replay) {
		if path, err := keep(folder(t, c), f.Replay, r); err != nil {
			t.Log(err)
		} else {
			b.WriteString("\nkept: " + path + ", which this test runs first from now on. Check it in with the repair, or delete it.")
		}
	}
	t.Fatalf("explore: %s", b.String())
}

// flags are those that a replay needs, or is better with.
func (c *config) flags() string {
	if c.machine.Words {
		return "-tags lwkt_words -artifacts "
	}
	return "-artifacts "
}

// artifacts says whether the go command keeps the artifact folder.
func artifacts() bool {
	f := flag.Lookup("test.artifacts")
	return f != nil && f.Value.String() == "true"
}

// caller is the import path of the package whose test is running, from the outermost
// function that is not of package testing; "" if it has none.
func caller() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	path := ""
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, "testing.") || strings.HasPrefix(f.Function, "runtime.") {
			return path
		}
		path = packageOf(f.Function)
		if !more {
			return path
		}
	}
}

// packageOf is the import path in the name of a function.
func packageOf(function string) string {
	base := strings.LastIndex(function, "/") + 1
	name, _, _ := strings.Cut(function[base:], ".")
	path, err := url.PathUnescape(function[:base] + strings.TrimSuffix(name, "_test"))
	if err != nil || path == "main" || path == "command-line-arguments" {
		return ""
	}
	return path
}

// pattern is what go test -run wants for a test of this name.
func pattern(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

// quoted is a text as one word for a shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// folder is where the failures of a test are kept.
func folder(t testing.TB, c *config) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"\|?*' `, r) {
			return '_'
		}
		return r
	}, t.Name())
	return filepath.Join(filepath.FromSlash(c.keep), filepath.FromSlash(name))
}

// keep writes a schedule down, with what it did for those who read the file.
func keep(dir, replay string, r *Report) (path string, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	path = filepath.Join(dir, fileName(replay))
	return path, os.WriteFile(path, []byte(replay+"\n\n"+r.String()), 0o666)
}

// testKept runs what failed before, and says whether none of it fails any more. The files in
// lost have schedules that the program does not follow any more, so that it means little.
func testKept(t testing.TB, program func(m *sim.Machine), c *config) (lost []string, ok bool) {
	t.Helper()
	dir := folder(t, c)
	files, err := os.ReadDir(dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		return nil, true
	}
	for _, file := range files {
		if file.IsDir() { // of a subtest
			continue
		}
		path := filepath.Join(dir, file.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		schedule, _, _ := strings.Cut(string(data), "\n")
		if _, err := parseReplay(strings.TrimSpace(schedule)); err != nil {
			t.Fatalf("%s is no schedule that was kept; delete it, or check it out again: %v", path, err)
		}
		again := *c
		again.replay, again.kept = strings.TrimSpace(schedule), true
		r := explore(program, &again)
		switch {
		case r.Failure != nil && r.Adapted:
			t.Logf("explore: the schedule kept in %s was adapted to the program, and fails", path)
			tell(t, &again, &r)
			return nil, false
		case r.Failure != nil:
			t.Logf("explore: the schedule kept in %s fails", path)
			tell(t, &again, &r)
			return nil, false
		case r.Err != nil:
			t.Fatalf("%v", r.Err) // of the program, not the schedule
		case r.Diverged != "":
			t.Logf("explore: the schedule kept in %s is not followed any more: %s%s", path, r.Diverged, r.near())
			lost = append(lost, path)
		default:
			t.Logf("explore: the schedule kept in %s fails no more; delete it when it has served", path)
		}
	}
	return lost, true
}
