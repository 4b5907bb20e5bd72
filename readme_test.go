// The README, done as it says: its program, in a module of its own that points at
// this clone, compiles and prints what it promises.
package lwkt_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestReadmeProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	program := regexp.MustCompile("(?s)```go\n(package main.*?)```").FindSubmatch(text)
	want := regexp.MustCompile(`fmt\.Println\(.*\) // (.*)`).FindSubmatch(text)
	if program == nil || want == nil {
		t.Fatal("the README has no program, or no promised output")
	}
	run := module(t, text, "main.go", program[1])
	if got, err := run("run", "."); strings.TrimSpace(got) != string(want[1]) || err != nil {
		t.Errorf("the program printed %q, the README promises %q: %v", got, want[1], err)
	}
}

// TestReadmeExploration runs the test of the README, which fails as it says, and keeps
// what it says.
func TestReadmeExploration(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	program := regexp.MustCompile("(?s)```go\n(package bank.*?)```.*?```\n(EXPLORE_REPLAY=.*?)```").FindSubmatch(text)
	if program == nil {
		t.Fatal("the README has no test, or no text of its failure")
	}
	run := module(t, text, "bank_test.go", program[1])
	got, err := run("test", ".")
	if err == nil {
		t.Errorf("the test passes: %s", got)
	}
	for line := range strings.Lines(string(program[2])) {
		if !strings.Contains(got, strings.TrimSpace(line)) {
			t.Errorf("%q is not in:\n%s", line, got)
		}
	}
	tokens := strings.NewReplacer("lwkt.Mtx", "lwkt.Token", "a.lock.Init(name, 0)", "a.lock.SetName(name)", ".Lock(td)", ".Acquire(td)", ".Unlock(td)", ".Release(td)")
	run = module(t, text, "bank_test.go", []byte(tokens.Replace(string(program[1]))))
	if got, err := run("test", "-v", "."); err != nil || !strings.Contains(got, "exhaustive") {
		t.Errorf("with tokens: %v\n%s", err, got)
	}
}

// module makes a module with one file that points at this clone, as the README says, and
// returns the go command in it.
func module(t *testing.T, readme []byte, name string, program []byte) (run func(args ...string) (string, error)) {
	t.Helper()
	edits := regexp.MustCompile(`(?m)^go (mod edit .*)$`).FindAllSubmatch(readme, -1)
	if len(edits) != 2 {
		t.Fatal("the README has not two go mod edit lines")
	}
	dir := t.TempDir()
	clone, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	run = func(args ...string) (string, error) {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GOPROXY=off", "CGO_ENABLED=0")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			err = fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
		}
		return string(out), err
	}
	if err := os.WriteFile(filepath.Join(dir, name), program, 0o600); err != nil {
		t.Fatal(err)
	}
	setup := [][]string{{"mod", "init", "example.com/you"}}
	for _, edit := range edits {
		setup = append(setup, strings.Fields(strings.ReplaceAll(string(edit[1]), "/path/to/clone", clone)))
	}
	for _, args := range setup {
		if _, err := run(args...); err != nil {
			t.Fatal(err)
		}
	}
	return run
}

// TestLinksResolve follows every relative link of every page.
func TestLinksResolve(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`) // not those with a scheme
	pages, links := 0, 0
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		pages++
		for _, m := range link.FindAllSubmatch(text, -1) {
			links++
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), string(m[1]))); err != nil {
				t.Errorf("%s links to %s, which is not there", path, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if pages < 5 || links < 5 {
		t.Errorf("found %d links in %d pages: is the pattern right?", links, pages)
	}
}
