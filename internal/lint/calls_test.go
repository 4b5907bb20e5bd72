// Calls that have no place here: sleeping instead of synchronizing, and a core
// that reads its environment.
package lint

import (
	"go/ast"
	"go/token"
	"slices"
	"testing"
)

// A banned call is a function of the standard library that some files may not
// name. Naming is enough: a function value is called sooner or later.
type banned struct {
	imp   string
	names []string
	where func(t *tree, s *source) bool
	why   string
}

var calls = []banned{
	{
		"time", []string{"Sleep"},
		func(t *tree, s *source) bool { return s.test() },
		"a test that sleeps is slow when it passes and fails when the machine is: synchronize by channels or by simulation",
	},
	{
		"time", []string{"Sleep"},
		func(t *tree, s *source) bool { return !s.test() && t.module(s.dir) == "." },
		"the locks park, they never sleep and look again; there are no exceptions to this",
	},
	{
		"os", []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"},
		// explore is driven from outside, like go test itself, by EXPLORE_* variables.
		func(t *tree, s *source) bool { return !s.test() && t.module(s.dir) == "." && s.dir != "explore" },
		"the core does not read its environment: let the caller say it",
	},
}

// badCalls finds banned functions, and in tests the sleep in disguise that
// receives from time.After and does nothing else.
func badCalls(t *tree) (findings []string) {
	for _, s := range t.sources {
		for _, b := range calls {
			if !b.where(t, s) {
				continue
			}
			for _, name := range b.names {
				for _, p := range uses(s.file, b.imp, name) {
					findings = append(findings, t.at(p, "%s.%s: %s", b.imp, name, b.why))
				}
			}
		}
		if !s.test() {
			continue
		}
		after := uses(s.file, "time", "After")
		cases := map[ast.Stmt]bool{} // one way out of several
		ast.Inspect(s.file, func(n ast.Node) bool {
			if c, ok := n.(*ast.CommClause); ok {
				cases[c.Comm] = true
			}
			stmt, ok := n.(*ast.ExprStmt)
			if !ok || cases[stmt] {
				return true
			}
			if recv, ok := stmt.X.(*ast.UnaryExpr); ok && recv.Op == token.ARROW && slices.Contains(after, recv.X.Pos()) {
				findings = append(findings, t.at(stmt.Pos(), "<-time.After alone is time.Sleep: synchronize by channels or by simulation"))
			}
			return true
		})
	}
	return findings
}

// uses finds where a file names imp.name.
func uses(f *ast.File, imp, name string) (at []token.Pos) {
	local := importName(f, imp)
	if local == "" {
		return nil
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == local && n.Sel.Name == name {
				at = append(at, n.Pos())
			}
			// Sel is a name in some package or type, and not in this file's scope.
			ast.Inspect(n.X, func(m ast.Node) bool {
				if id, ok := m.(*ast.Ident); ok && local == "." && id.Name == name {
					at = append(at, id.Pos())
				}
				return true
			})
			return local != "."
		case *ast.Ident:
			if local == "." && n.Name == name {
				at = append(at, n.Pos())
			}
		}
		return true
	})
	return at
}

func TestBadCalls(t *testing.T) {
	const imp = "package x\n\nimport \"time\"\n\n"
	holds(t, badCalls, []plant{
		{"none", map[string]string{
			"a.go":           "package x\n\nimport \"os\"\n\nvar x = os.Args // not os.Getenv\n",
			"a_test.go":      imp + "func f(td *Thread, c chan int) {\n\ttd.Sleep(c)\n\tselect {\n\tcase <-c:\n\tcase <-time.After(time.Minute):\n\t}\n\tt := time.NewTimer(1)\n\t<-t.C\n}\n",
			"b_test.go":      "package x\n\nimport time \"example.com/fake\"\n\nfunc f() { time.Sleep(1) }\n",
			"c_test.go":      "package x\n\nimport . \"time\"\n\nfunc f(td *Thread) Duration { td.Sleep(1); return Second }\n",
			"cmd/go.mod":     "module x\n",
			"cmd/demo/d.go":  imp + "func f() { time.Sleep(1) }\n",
			"cmd/demo/e.go":  "package x\n\nimport \"os\"\n\nvar home = os.Getenv(\"HOME\")\n",
			"explore/e.go":   "package x\n\nimport \"os\"\n\nvar seed = os.Getenv(\"EXPLORE_SEED\")\n",
			"testdata/x.go":  imp + "func f() { time.Sleep(1) }\n",
			"cmd/demo/f.txt": "time.Sleep",
		}, nil},
		{"sleeping tests", map[string]string{
			"a_test.go":              imp + "func f() { time.Sleep(1) }\n",
			"cmd/go.mod":             "module x\n",
			"cmd/internal/b_test.go": "package x\n\nimport clock \"time\"\n\nvar nap = clock.Sleep\n",
			"internal/c_test.go":     "package x\n\nimport . \"time\"\n\nfunc f() { Sleep(1) }\n",
			"internal/d_test.go":     imp + "func f() {\n\t<-time.After(1)\n}\n",
		}, []string{"a_test.go:5: time.Sleep: a test that sleeps", "b_test.go:5: time.Sleep", "c_test.go:5: time.Sleep", "d_test.go:6: <-time.After alone"}},
		{"a sleeping core", map[string]string{"internal/hw/a.go": imp + "func f() { time.Sleep(1) }\n"},
			[]string{"a.go:5: time.Sleep: the locks park"}},
		{"a core that reads its environment", map[string]string{"a.go": "package x\n\nimport \"os\"\n\nvar debug, ok = os.LookupEnv(\"LWKTDEBUG\")\n"},
			[]string{"a.go:5: os.LookupEnv: the core"}},
	})
}
