// The README, done as it says: its program, in a module of its own that points at
// this clone, compiles and prints what it promises.
package lwkt_test

import (
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
	edits := regexp.MustCompile(`(?m)^go (mod edit .*)$`).FindAllSubmatch(text, -1)
	if program == nil || want == nil || len(edits) != 2 {
		t.Fatal("the README has no program, no promised output, or not two go mod edit lines")
	}

	dir := t.TempDir()
	clone, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GOPROXY=off", "CGO_ENABLED=0")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
		}
		return strings.TrimSpace(string(out))
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), program[1], 0o600); err != nil {
		t.Fatal(err)
	}
	run("mod", "init", "example.com/bank")
	for _, edit := range edits {
		run(strings.Fields(strings.ReplaceAll(string(edit[1]), "/path/to/clone", clone))...)
	}
	if got := run("run", "."); got != string(want[1]) {
		t.Errorf("the program printed %q, the README promises %q", got, want[1])
	}
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
