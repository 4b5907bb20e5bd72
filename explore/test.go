package explore

// Explorations in tests: kept failures first, then the strategy; what the environment
// says overrides the test, since it is how a person asks again:
//
//	EXPLORE_REPLAY='x1:...'   run this schedule only
//	EXPLORE_STRATEGY=pct:3    auto, dpor, exhaustive, preempt:N, random, urw, pos, pct:N, portfolio
//	EXPLORE_BUDGET=30s        or a number of runs
//	EXPLORE_SEED=7

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt/sim"
)

// Test explores a program and fails the test with the first run that fails: it says how
// to repeat that run, prints it, and writes trace.json (for ui.perfetto.dev) and
// schedule.svg into the test's artifact folder, which go test -artifacts keeps. The
// schedule is kept in testdata/explore and is run first from then on; delete the file
// when it has served. It logs how far the exploration came (go test -v).
//
// It must be called from the goroutine of the test, and blocks until all is done.
func Test(t testing.TB, program func(m *sim.Machine), opts ...Option) {
	t.Helper()
	c := newConfig(opts)
	fromEnvironment()(c)
	c.twice = !c.tape // a fuzzer has many runs to compare
	if c.replay == "" && c.keep != "" {
		if !testKept(t, program, c) {
			return
		}
	}
	r := explore(program, c)
	if r.OK() {
		t.Logf("explore: %s", r.String())
		return
	}
	tell(t, c, &r)
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
		b.WriteString("\nEXPLORE_REPLAY='" + f.Replay + "' go test -run '" + pattern(t.Name()) + "'\n\n")
	}
	b.WriteString(r.String())
	if dir := t.ArtifactDir(); len(f.SVG) > 0 {
		for name, data := range map[string][]byte{"trace.json": f.Perfetto, "schedule.svg": f.SVG} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
				t.Log(err)
			}
		}
		b.WriteString("\npictures (kept with -artifacts): " + filepath.Join(dir, "schedule.svg") + ", trace.json")
	}
	if c.keep != "" && c.replay == "" && f.Replay != "" {
		if err := keep(folder(t, c), f.Replay, r); err != nil {
			t.Log(err)
		}
	}
	t.Fatalf("explore: %s", b.String())
}

// pattern is what go test -run wants for a test of this name.
func pattern(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + p + "$"
	}
	return strings.Join(parts, "/")
}

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
func keep(dir, replay string, r *Report) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, fileName(replay)), []byte(replay+"\n\n"+r.String()), 0o666)
}

// testKept runs what failed before, and says whether none of it fails any more.
func testKept(t testing.TB, program func(m *sim.Machine), c *config) bool {
	t.Helper()
	dir := folder(t, c)
	files, err := os.ReadDir(dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		return true
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
		again := *c
		again.replay = schedule
		r := explore(program, &again)
		switch {
		case r.Failure != nil:
			t.Logf("explore: the schedule kept in %s fails", path)
			tell(t, &again, &r)
			return false
		case r.Err != nil:
			t.Fatalf("%s: %v", path, r.Err)
		case r.Diverged != "":
			t.Logf("explore: the schedule kept in %s fails no more; %s", path, r.Diverged)
		default:
			t.Logf("explore: the schedule kept in %s fails no more", path)
		}
	}
	return true
}
