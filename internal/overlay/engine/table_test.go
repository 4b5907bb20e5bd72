// Tables against Go's maps, which the engine itself may not have.
package engine

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	for range 200 {
		var tab table[int]
		m := map[key]int{}
		size := 1 + rand.IntN(200)
		for range 2000 {
			k := key{uint64(rand.IntN(size)), uint64(rand.IntN(2))}
			switch rand.IntN(6) {
			case 0, 1, 2:
				v := rand.Int()
				tab.put(k, v)
				m[k] = v
			case 3, 4:
				tab.del(k)
				delete(m, k)
			default:
				if rand.IntN(50) == 0 {
					tab.pack()
				}
			}
			if tab.get(k) != m[k] || tab.n != len(m) {
				t.Fatal(k, tab.get(k), m[k], tab.n, len(m))
			}
		}
		seen := 0
		for _, s := range tab.slots {
			if s.full {
				seen++
				if v, ok := m[s.key]; !ok || v != s.v {
					t.Fatal(s)
				}
			}
		}
		if seen != len(m) {
			t.Fatal(seen, len(m))
		}
	}
}

func TestTextKey(t *testing.T) {
	seen := map[key]string{}
	for _, s := range []string{"", "a", "b", "ab", "ba", "aa", "a\x00", "\x00a"} {
		for salt := range uint64(3) {
			k := textKey(s, salt)
			if other, ok := seen[k]; ok {
				t.Errorf("%q and %q", s, other)
			}
			seen[k] = s
		}
	}
}

// hidden looks for what the race detector sees even of functions that it is told not to look at:
// maps and channels, whose operations the runtime reports, and closures that write, which are
// functions of their own; append and copy of whole lists; and functions that have not been told.
func hidden(fset *token.FileSet, f *ast.File) (found []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.MapType:
			found = append(found, fset.Position(n.Pos()).String()+": a map: use a table")
		case *ast.FuncDecl:
			if n.Body != nil && !noRace(n) {
				found = append(found, fset.Position(n.Pos()).String()+": without go:norace")
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "copy" || f.Name == "append" && n.Ellipsis.IsValid()) && !slices.Contains([]string{"dot.go", "text.go"}, fset.Position(n.Pos()).Filename) {
				found = append(found, fset.Position(n.Pos()).String()+": "+f.Name+" of a list: use copied")
			}
		case *ast.ChanType:
			found = append(found, fset.Position(n.Pos()).String()+": a channel")
		case *ast.FuncLit:
			ast.Inspect(n.Body, func(n ast.Node) bool {
				if a, ok := n.(*ast.AssignStmt); ok && a.Tok != token.DEFINE {
					for _, l := range a.Lhs {
						if _, local := l.(*ast.Ident); !local {
							found = append(found, fset.Position(a.Pos()).String()+": a closure that writes to what is shared: make it a function")
						}
					}
				}
				return true
			})
		}
		return true
	})
	return found
}

func noRace(f *ast.FuncDecl) bool {
	return f.Doc != nil && slices.ContainsFunc(f.Doc.List, func(c *ast.Comment) bool { return c.Text == "//go:norace" })
}

func TestHiddenFromRaceDetector(t *testing.T) {
	fset := token.NewFileSet()
	names, _ := filepath.Glob("*.go")
	files := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files++
		for _, s := range hidden(fset, f) {
			t.Error(s)
		}
	}
	if files < 10 {
		t.Error("too few files")
	}
	bad, err := parser.ParseFile(fset, "bad.go", "package x\nvar m map[int]int\nvar c chan int\nfunc f(p *int, l []*int) { func() { *p = 1 }(); copy(l, l); l = append(l, l...) }\n", 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(hidden(fset, bad)); n != 6 {
		t.Errorf("%d of 6 found", n)
	}
}
