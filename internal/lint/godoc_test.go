// Every exported name is documented, and go doc shows of a package what is for its users.
package lint

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// published says whether users can import the package of a file.
func published(s *source) bool {
	return !s.test() && s.file.Name.Name != "main" && !slices.Contains(strings.Split(s.dir, "/"), "internal")
}

// undocumented finds exported names of published packages without a comment:
// functions, types, methods, fields, methods of interfaces, constants and
// variables. Of the last two a group may be told by one comment above it, and
// they and fields also by one at the end of the line.
func undocumented(t *tree) (findings []string) {
	for _, s := range t.sources {
		if !published(s) || ast.IsGenerated(s.file) {
			continue
		}
		want := func(id *ast.Ident, what string, docs ...*ast.CommentGroup) {
			if !id.IsExported() {
				return
			}
			for _, d := range docs {
				if d != nil && strings.TrimSpace(d.Text()) != "" {
					return
				}
			}
			findings = append(findings, t.at(id.Pos(), "%s %s has no doc comment: say what it does, whether it blocks, when it panics", what, id.Name))
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					want(d.Name, "function", d.Doc)
				} else if recv := receiver(d); ast.IsExported(recv) {
					want(d.Name, "method "+recv+".", d.Doc)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.ValueSpec:
						for _, id := range spec.Names {
							want(id, d.Tok.String(), spec.Doc, spec.Comment, d.Doc)
						}
					case *ast.TypeSpec:
						doc := []*ast.CommentGroup{spec.Doc}
						if !d.Lparen.IsValid() {
							doc = append(doc, d.Doc)
						}
						want(spec.Name, "type", doc...)
						if !spec.Name.IsExported() {
							continue
						}
						for _, f := range fields(spec.Type) {
							for _, id := range f.Names {
								want(id, "field "+spec.Name.Name+".", f.Doc, f.Comment)
							}
						}
					}
				}
			}
		}
	}
	return findings
}

// fields are those of a struct, or the methods of an interface.
func fields(e ast.Expr) []*ast.Field {
	switch e := e.(type) {
	case *ast.StructType:
		return e.Fields.List
	case *ast.InterfaceType:
		return e.Methods.List
	}
	return nil
}

// strayHeaders finds headers of files that go doc prints as part of the package's
// documentation: those beside the package clause, with no empty line between, that do not
// begin with the package's name; and what such a one tells about state machines.
func strayHeaders(t *tree) (findings []string) {
	for _, s := range t.sources {
		if !published(s) || s.file.Doc == nil || ast.IsGenerated(s.file) {
			continue
		}
		if text := s.file.Doc.Text(); !strings.HasPrefix(text, "Package "+s.file.Name.Name+" ") {
			findings = append(findings, t.at(s.file.Doc.Pos(), "go doc prints this header as documentation of package %s: put it below the package clause", s.file.Name.Name))
		} else if strings.Contains(text, "\nState machine:") {
			findings = append(findings, t.at(s.file.Doc.Pos(), "the documentation of package %s tells users of a state machine: put that below the package clause", s.file.Name.Name))
		}
	}
	return findings
}

// receiver is the name of the type that a method belongs to.
func receiver(d *ast.FuncDecl) string {
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// exported gives the names that a package offers, one per file position: what it
// declares at its top level, and as T.M the methods of its exported types.
func exported(s *source) (names []*ast.Ident, of []string) {
	add := func(id *ast.Ident, recv string) {
		if id.IsExported() {
			names, of = append(names, id), append(of, recv)
		}
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				add(d.Name, "")
			} else if recv := receiver(d); ast.IsExported(recv) {
				add(d.Name, recv)
			}
		case *ast.GenDecl:
			if d.Tok == token.IMPORT {
				continue
			}
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.ValueSpec:
					for _, id := range spec.Names {
						add(id, "")
					}
				case *ast.TypeSpec:
					add(spec.Name, "")
				}
			}
		}
	}
	return names, of
}

func TestUndocumented(t *testing.T) {
	holds(t, undocumented, []plant{
		{"told", map[string]string{
			"a.go": `package lwkt

// Errors.
var (
	ErrA, ErrB error
)

const C = 1 // C is one.

// T is told.
type T struct {
	// A is told.
	A int
	B int // B too.
	c int
	sync.Mutex
}

type (
	// I is told.
	I interface {
		// M is told.
		M()
		error
	}
	u struct{ X int }
)

// M is told.
func (t *T) M() {}

func (x u) M() {}
func f()       {}
`,
			"a_test.go":           "package lwkt\n\nfunc TestX() {}\n",
			"cmd/lwkt/main.go":    "package main\n\nfunc Main() {}\n",
			"internal/hw/a.go":    "package hw\n\nfunc F() {}\n",
			"cmd/internal/x/a.go": "package x\n\nfunc F() {}\n",
		}, nil},
		{"untold", map[string]string{
			"a.go": `package lwkt

var ErrA error

const (
	C = 1
)

// A group does not tell its types.
type (
	T struct{ A, B int }
	I interface{ M() }
)

type U[X any] struct{}

func (u *U[X]) M() {}

//go:noinline
func F() {}
`,
			"sim/a.go": "package sim\n\ntype CPU int\n",
		}, []string{"a.go:3: var ErrA", "a.go:6: const C", "a.go:11: type T", "field T. A", "field T. B", "type I", "field I. M", "type U", "method U. M", "a.go:20: function F", "sim/a.go:3: type CPU"}},
	})
}

func TestStrayHeaders(t *testing.T) {
	holds(t, strayHeaders, []plant{
		{"below", map[string]string{
			"a.go":             "// Package lwkt is told.\npackage lwkt\n\n// State machine: none.\n",
			"b.go":             "package lwkt\n\n// The other half.\n",
			"c.go":             "// The third half.\n\npackage lwkt\n",
			"internal/hw/a.go": "// What a processor has.\npackage hw\n",
			"a_test.go":        "// Its tests.\npackage lwkt\n",
		}, nil},
		{"printed", map[string]string{
			"a.go":     "// Package lwkt is told.\n//\n// State machine: none.\npackage lwkt\n",
			"b.go":     "// The other half.\npackage lwkt\n",
			"sim/a.go": "// Package simulated is misnamed.\npackage sim\n",
		}, []string{"a.go:1: the documentation", "b.go:1: go doc prints", "sim/a.go:1: go doc prints"}},
	})
}
