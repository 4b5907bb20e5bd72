// What the rules work on, a tree of parsed sources, and the harness that runs
// one rule over planted trees and over the repository.
package lint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

// modulePath is the root module; every nested one is a folder below it.
const modulePath = "github.com/serializing-tokens/lwkt"

// A source is one Go file, whatever its build constraints.
type source struct {
	path string // from the root of the repository, with slashes
	dir  string // of path; "." is the root package
	file *ast.File
	text string
}

// test says whether this is a _test.go file.
func (s *source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

// A tree is all that the rules look at.
type tree struct {
	fset    *token.FileSet
	sources []*source         // in the order of their paths
	mods    map[string]string // folder -> text of its go.mod
	work    string            // text of go.work, empty if there is none
}

// A rule returns one finding, "file:line: what is wrong and what to do", for
// each place where it is broken.
type rule func(*tree) []string

// load parses every Go file below the root of fsys. Folders that the go command
// passes over are passed over here too.
func load(fsys fs.FS) (*tree, error) {
	t := &tree{fset: token.NewFileSet(), mods: map[string]string{}}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if p != "." && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "vendor") {
				return fs.SkipDir
			}
			return nil
		}
		if name != "go.mod" && p != "go.work" && !strings.HasSuffix(name, ".go") || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
			return nil
		}
		b, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		switch {
		case name == "go.mod":
			t.mods[path.Dir(p)] = string(b)
		case name == "go.work":
			t.work = string(b)
		default:
			f, err := parser.ParseFile(t.fset, p, b, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			t.sources = append(t.sources, &source{path: p, dir: path.Dir(p), file: f, text: string(b)})
		}
		return nil
	})
	sort.Slice(t.sources, func(i, j int) bool { return t.sources[i].path < t.sources[j].path })
	return t, err
}

// module is the folder of the module that dir belongs to.
func (t *tree) module(dir string) string {
	for ; dir != "."; dir = path.Dir(dir) {
		if _, ok := t.mods[dir]; ok {
			return dir
		}
	}
	return "."
}

// at writes a finding.
func (t *tree) at(p token.Pos, format string, args ...any) string {
	where := t.fset.Position(p)
	return fmt.Sprintf("%s:%d: %s", where.Filename, where.Line, fmt.Sprintf(format, args...))
}

// repository is the tree that this test stands in, parsed once for all rules.
var repository = sync.OnceValues(func() (*tree, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for {
		b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(b), "module "+modulePath+"\n") {
			return load(os.DirFS(dir))
		}
		up := filepath.Dir(dir)
		if up == dir {
			return nil, fmt.Errorf("no go.mod of module %s above this test", modulePath)
		}
		dir = up
	}
})

// A plant is a small tree in memory with what a rule must say about it.
type plant struct {
	name  string
	files map[string]string
	want  []string // one per finding, contained in it; none: the rule is silent
}

// holds runs a rule over its plants and then over the repository.
func holds(t *testing.T, r rule, plants []plant) {
	t.Helper()
	fires, silent := false, false
	for _, p := range plants {
		fires = fires || len(p.want) > 0
		silent = silent || len(p.want) == 0
		t.Run("planted/"+p.name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			if _, ok := p.files["go.mod"]; !ok {
				fsys["go.mod"] = &fstest.MapFile{Data: []byte("module " + modulePath + "\n\ngo 1.26.0\n")}
			}
			for name, text := range p.files {
				fsys[name] = &fstest.MapFile{Data: []byte(text)}
			}
			tr, err := load(fsys)
			if err != nil {
				t.Fatal(err)
			}
			got := r(tr)
			for i := range max(len(got), len(p.want)) {
				switch {
				case i >= len(p.want):
					t.Errorf("fired without cause: %s", got[i])
				case i >= len(got):
					t.Errorf("did not fire: want a finding with %q", p.want[i])
				case !strings.Contains(got[i], p.want[i]):
					t.Errorf("finding %d is\n\t%s\nand does not say\n\t%s", i, got[i], p.want[i])
				}
			}
		})
	}
	if !fires || !silent {
		t.Errorf("a rule needs a planted tree in which it fires (%v) and one in which it is silent (%v)", fires, silent)
	}
	t.Run("repository", func(t *testing.T) {
		tr, err := repository()
		if err != nil {
			t.Fatal(err)
		}
		for _, finding := range r(tr) {
			t.Error(finding)
		}
	})
}

// TestLoad sees that the tree has what the go command would see, files of every
// build constraint included, and nothing else.
func TestLoad(t *testing.T) {
	tr, err := load(fstest.MapFS{
		"go.mod":            {Data: []byte("module m\n")},
		"go.work":           {Data: []byte("go 1.26.0\n")},
		"a.go":              {Data: []byte("package a\n")},
		"b_plan9.go":        {Data: []byte("//go:build never\n\npackage a\n")},
		"cmd/go.mod":        {Data: []byte("module m/cmd\n")},
		"cmd/x/y/c_test.go": {Data: []byte("package y\n")},
		"testdata/bad.go":   {Data: []byte("not Go")},
		"_old/bad.go":       {Data: []byte("not Go")},
		".git/bad.go":       {Data: []byte("not Go")},
	})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, s := range tr.sources {
		paths = append(paths, s.path)
	}
	if got, want := strings.Join(paths, " "), "a.go b_plan9.go cmd/x/y/c_test.go"; got != want {
		t.Errorf("sources %q, want %q", got, want)
	}
	if m := tr.module("cmd/x/y"); m != "cmd" {
		t.Errorf("cmd/x/y is in module %q, want cmd", m)
	}
	if m := tr.module("internal/x"); m != "." {
		t.Errorf("internal/x is in module %q, want the root", m)
	}
	if _, err := load(fstest.MapFS{"a.go": {Data: []byte("not Go")}}); err == nil {
		t.Error("a file that does not parse went unnoticed")
	}
}
