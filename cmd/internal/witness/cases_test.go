package witness

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt/cmd/internal/witness/gocmd"
	"github.com/serializing-tokens/lwkt/cmd/internal/witness/report"
)

// A program is a test binary with the witness in it.
type program struct {
	file, names string
	own         func(string) bool
}

// compile builds the tests of a folder, which is a module, with more flags.
func compile(t *testing.T, dir string, flags ...string) program {
	t.Helper()
	whole(t)
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOWORK", "off")
	a := gocmd.Split("test", append(flags, "."))
	a.Dir = dir
	g, err := gocmd.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, err := g.List(a, true)
	if err != nil {
		t.Fatal(err)
	}
	names, err := g.Names(list)
	if err != nil {
		t.Fatal(err)
	}
	p := program{filepath.Join(t.TempDir(), "it.test"), names, gocmd.Own(list)}
	if out, err := g.Command("test", append([]string{"-c", "-vet=off", "-o", p.file}, a.Line()...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return p
}

// run runs one test and gives the reports.
func (p program) run(t *testing.T, name string, flags ...string) ([]report.Report, string) {
	t.Helper()
	dir := t.TempDir()
	pattern := "^" + strings.ReplaceAll(name, "/", "$/^") + "$"
	c := exec.Command(p.file, append([]string{"-test.run", pattern, "-test.timeout", "60s"}, flags...)...)
	c.Env = append(os.Environ(), "LWKT_WITNESS_DIR="+dir, "LWKT_WITNESS_NAMES="+p.names)
	c.WaitDelay = time.Minute
	out, err := c.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	list, _, err := report.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return report.Own(list, p.own), string(out)
}

// inTest is the test in the name of a local variable or of a function.
var inTest = regexp.MustCompile(`\b(cases\.)?Test\w+\.(\D)`)

// short is a report as the comments of the cases have it.
func short(r report.Report) string {
	key := strings.TrimPrefix(r.Key, r.Kind+" ")
	if i := strings.Index(key, "in "); i < 0 {
		key = inTest.ReplaceAllString(strings.ReplaceAll(key, "example.com/cases.", ""), "$2")
	} else {
		key = inTest.ReplaceAllString(strings.ReplaceAll(key[:i], "example.com/cases.", ""), "$2") + strings.ReplaceAll(key[i:], "example.com/cases.", "")
		key = strings.ReplaceAll(key, ", in ", " in ")
	}
	return strings.TrimSpace(r.Severity.String() + " " + r.Kind + " " + circle(key))
}

// circle begins a circle with its smallest name.
func circle(names string) string {
	list := strings.Split(names, " -> ")
	if len(list) < 2 {
		return names
	}
	list = list[1:]
	least := slices.Clone(list)
	for range list {
		list = append(list[1:], list[0])
		if slices.Compare(list, least) < 0 {
			least = slices.Clone(list)
		}
	}
	return strings.Join(append(least, least[0]), " -> ")
}

// A wish is a case with what is to be reported for it.
type wish struct {
	name string
	want []string
}

// wishes reads the comments of the cases.
func wishes(t *testing.T, dir string) (list []wish) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(fn.Name.Name, "Test") || fn.Recv != nil {
				continue
			}
			w := wish{name: fn.Name.Name}
			var subs []string
			for line := range strings.Lines(fn.Doc.Text()) {
				line = strings.TrimSpace(line)
				if s, ok := strings.CutPrefix(line, "want: "); ok {
					severity, rest, _ := strings.Cut(s, " ")
					kind, names, _ := strings.Cut(rest, " ")
					w.want = append(w.want, strings.TrimSpace(severity+" "+kind+" "+circle(names)))
				}
				if s, ok := strings.CutPrefix(line, "sub: "); ok {
					subs = strings.Fields(s)
				}
			}
			if subs == nil {
				list = append(list, w)
			}
			for _, s := range subs {
				list = append(list, wish{w.name + "/" + s, w.want})
			}
		}
	}
	return list
}

// meets says whether a report is what is wished for; a wish need not name the locks.
func meets(got, want string) bool {
	return got == want || strings.HasPrefix(got, want+" ") && strings.Count(want, " ") == 1
}

// TestCases runs every program under testdata/cases and compares what is reported with what its comment says.
func TestCases(t *testing.T) {
	list := wishes(t, "testdata/cases")
	if len(list) < 80 {
		t.Errorf("%d cases, want 80", len(list))
	}
	p := compile(t, "testdata/cases")
	limit := make(chan bool, runtime.GOMAXPROCS(0))
	for _, w := range list {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			limit <- true
			defer func() { <-limit }()
			reports, out := p.run(t, w.name)
			if strings.Contains(out, "no tests to run") {
				t.Fatalf("no such test:\n%s", out)
			}
			var got []string
			for _, r := range reports {
				got = append(got, short(r))
			}
			rest := slices.Clone(got)
			for _, want := range w.want {
				i := slices.IndexFunc(rest, func(g string) bool { return meets(g, want) })
				if i < 0 {
					t.Errorf("missing: %s", want)
				} else {
					rest = slices.Delete(rest, i, i+1)
				}
			}
			for _, g := range rest {
				t.Errorf("too much: %s", g)
			}
			if len(w.want) == 0 && !strings.HasSuffix(out, "PASS\n") {
				t.Error("it failed by itself")
			}
			if t.Failed() {
				var b bytes.Buffer
				_ = report.Text(&b, reports, report.Style{})
				t.Logf("got %q\n%s\n%s", got, &b, out)
			}
		})
	}
}
