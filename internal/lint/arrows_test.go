// Imports point down only: the table of which package may import which.
package lint

import (
	"go/ast"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// An arrow row says what one package may import. Paths are folders from the
// root of the repository, "." being package lwkt; a row "x/..." is for x and
// all below it, and the first row that fits counts.
type arrow struct {
	pkg string
	std []string // of the standard library; free: anything
	own []string // of this repository; public: all but internal/; all: anything
}

var (
	bare   = []string{"runtime", "sync/atomic", "unsafe"}
	free   = []string{"..."}
	public = []string{"public"}
	all    = []string{"..."}
)

// arrows is the layout of the repository. A package below another in the list
// of layers never imports one above it; what requires other modules is a module
// of its own.
var arrows = []arrow{
	// The leaves. The witness engine is also injected under the standard
	// library's own sync, hence imports next to nothing; hw is what the
	// simulated machine replaces.
	{"internal/overlay/engine", bare, nil},
	// syscall is for membarrier(2) in one file: a barrier that readers of a read-mostly lock
	// do not have to pay for has no other source (docs/design/010-rmlock.md).
	{"internal/hw", append([]string{"time", "syscall"}, bare...), nil},
	{"internal/invariants", append([]string{"fmt"}, bare...), nil},

	// The core, from below.
	{"internal/token", free, []string{"internal/hw", "internal/overlay/engine", "internal/invariants"}},
	{"internal/thread", free, []string{"internal/token", "internal/hw", "internal/overlay/engine", "internal/invariants"}},
	{"internal/waitq", free, []string{"internal/thread", "internal/token", "internal/hw", "internal/invariants"}},
	{"internal/sleepq", free, []string{"internal/waitq", "internal/thread", "internal/token", "internal/hw", "internal/invariants"}},
	{"internal/turnstile", free, []string{"internal/waitq", "internal/thread", "internal/token", "internal/hw", "internal/invariants"}},
	{"internal/lock", free, []string{"internal/sleepq", "internal/turnstile", "internal/waitq", "internal/thread", "internal/token", "internal/hw", "internal/invariants"}},
	{".", free, []string{"internal/lock", "internal/sleepq", "internal/turnstile", "internal/waitq", "internal/thread", "internal/token", "internal/hw", "internal/overlay/engine", "internal/invariants"}},

	// Locks for which the root package has no room; they need no more of it than its threads.
	{"rmlock", free, []string{".", "internal/lock", "internal/sleepq", "internal/thread"}}, // beside package lwkt for its size, as all of these
	{"mtxpool", free, []string{".", "internal/lock", "internal/thread"}},
	{"giant", free, []string{".", "internal/lock", "internal/sleepq", "internal/thread"}},
	{"serializer", free, []string{".", "internal/lock", "internal/sleepq", "internal/thread"}},
	{"condvar", free, []string{".", "internal/sleepq", "internal/thread", "internal/hw"}},
	{"sema", free, []string{".", "internal/lock", "internal/sleepq", "internal/thread", "internal/hw"}},

	// The machine that the core can be run on, and what explores it.
	{"sim", free, []string{".", "internal/thread", "internal/token", "internal/hw"}}, // token: to foresee what would wait, and for footprints
	{"explore", free, []string{".", "sim"}},

	// The verifier.
	{"witness", free, []string{"internal/overlay/engine"}},
	{"internal/overlay", free, []string{"internal/overlay/engine"}},

	// Users of the core.
	{"lockmgr", free, []string{".", "internal/lock", "internal/sleepq", "internal/waitq", "internal/thread", "internal/token", "internal/hw", "internal/invariants"}}, // a lock of the family, beside package lwkt for its size
	{"tokenio", free, []string{"."}},
	{"locktest", free, []string{"."}},
	// hw and thread: the list of locks, and since when they are held, for which package lwkt has no room.
	{"ddb", free, []string{".", "witness", "internal/thread", "internal/hw"}},
	{"debughttp", free, []string{".", "witness", "ddb"}},
	{"examples/...", free, public},
	{"internal/stress", free, []string{".", "internal/thread", "internal/token", "internal/hw", "internal/invariants"}},
	{"internal/lint", free, nil},

	// The nested modules. Only the commands may reach into internal/.
	{"cmd/...", free, all},
	{"cluster/...", free, public},
	{"analysis/...", free, public},
	{"bench/...", free, public},
}

// row finds the row of a package.
func row(pkg string) (arrow, bool) {
	for _, a := range arrows {
		if tree, ok := strings.CutSuffix(a.pkg, "/..."); a.pkg == pkg || ok && (pkg == tree || strings.HasPrefix(pkg, tree+"/")) {
			return a, true
		}
	}
	return arrow{}, false
}

// ownPackage gives the folder of an import path of this repository.
func ownPackage(imp string) (string, bool) {
	if imp == modulePath {
		return ".", true
	}
	return strings.CutPrefix(imp, modulePath+"/")
}

// importArrows holds every import of every file to the table. Tests may use the
// whole standard library; a test in a package of its own (package x_test) may
// also import anything of this repository, except that the nested modules other
// than cmd stay out of internal/ there too.
func importArrows(t *tree) (findings []string) {
	unknown := map[string]bool{}
	for _, s := range t.sources {
		a, ok := row(s.dir)
		if !ok {
			if !unknown[s.dir] {
				unknown[s.dir] = true
				findings = append(findings, t.at(s.file.Package, "package %s has no row in the import table: add one to arrows in internal/lint/arrows_test.go that says what it may import", s.dir))
			}
			continue
		}
		external := s.test() && strings.HasSuffix(s.file.Name.Name, "_test")
		for _, spec := range s.file.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue // The parser has let nothing of the kind through.
			}
			if msg := a.refuses(t, s, imp, external); msg != "" {
				findings = append(findings, t.at(spec.Pos(), "%s", msg))
			}
		}
	}
	return findings
}

// refuses says why a file of the package may not import imp, or nothing.
func (a arrow) refuses(t *tree, s *source, imp string, external bool) string {
	if imp == "C" {
		return "import of C: nothing here may need a C compiler"
	}
	if to, ok := ownPackage(imp); ok {
		internal := strings.HasPrefix(to, "internal/") || strings.Contains(to, "/internal/")
		switch {
		case slices.Equal(a.own, all):
			return ""
		case slices.Equal(a.own, public):
			if within := strings.TrimSuffix(a.pkg, "/..."); internal && !strings.HasPrefix(to, within+"/") {
				return within + " imports " + to + ": only cmd may reach into the internal packages of the core"
			}
			return ""
		case external, slices.Contains(a.own, to):
			return ""
		}
		may := "nothing of this repository"
		if len(a.own) > 0 {
			may = strings.Join(a.own, ", ")
		}
		return s.dir + " imports " + to + ", but may import only: " + may
	}
	if first, _, _ := strings.Cut(imp, "/"); strings.Contains(first, ".") {
		if t.module(s.dir) == "." {
			return s.dir + " imports " + imp + ": the root module requires nothing; what needs other modules is a module of its own"
		}
		return ""
	}
	if s.test() || slices.Equal(a.std, free) || slices.Contains(a.std, imp) {
		return ""
	}
	return s.dir + " imports " + imp + ", but may import of the standard library only: " + strings.Join(a.std, ", ")
}

func TestImportArrows(t *testing.T) {
	imports := func(pkg string, paths ...string) string {
		return "package " + pkg + "\n\nimport (\n\t_ \"" + strings.Join(paths, "\"\n\t_ \"") + "\"\n)\n"
	}
	own := func(p string) string { return modulePath + "/" + p }
	holds(t, importArrows, []plant{
		{"each layer on what is below it", map[string]string{
			"internal/overlay/engine/e.go":    imports("engine", "runtime", "sync/atomic", "unsafe"),
			"internal/hw/hw.go":               imports("hw", "time", "unsafe"),
			"internal/invariants/on.go":       imports("invariants", "fmt"),
			"internal/token/t.go":             imports("token", own("internal/hw"), own("internal/overlay/engine"), own("internal/invariants"), "sync"),
			"internal/thread/t.go":            imports("thread", own("internal/token"), own("internal/hw"), "context"),
			"internal/sleepq/s.go":            imports("sleepq", own("internal/thread"), own("internal/hw")),
			"lwkt.go":                         imports("lwkt", own("internal/sleepq"), own("internal/turnstile"), own("internal/thread"), own("internal/token")),
			"sim/sim.go":                      imports("sim", modulePath, own("internal/thread"), own("internal/hw")),
			"explore/explore.go":              imports("explore", modulePath, own("sim")),
			"witness/witness.go":              imports("witness", own("internal/overlay/engine")),
			"debughttp/d.go":                  imports("debughttp", modulePath, own("witness"), "net/http"),
			"cmd/go.mod":                      "module " + own("cmd") + "\n",
			"cmd/witness/main.go":             imports("main", own("internal/overlay"), "golang.org/x/term"),
			"cmd/internal/demo/demo.go":       imports("demo", modulePath),
			"cluster/go.mod":                  "module " + own("cluster") + "\n",
			"cluster/etcd.go":                 imports("cluster", modulePath, own("cluster/internal/wire"), "go.etcd.io/etcd"),
			"examples/transfer/main.go":       imports("main", modulePath, own("tokenio")),
			"internal/thread/block_test.go":   imports("thread", "testing", "time"),
			"internal/thread/example_test.go": imports("thread_test", own("sim"), modulePath),
			"internal/hw/hw_test.go":          imports("hw", "testing", "sync"),
		}, nil},
		{"the engine wants sync", map[string]string{"internal/overlay/engine/e.go": imports("engine", "sync")},
			[]string{"e.go:4: internal/overlay/engine imports sync, but may import of the standard library only: runtime, sync/atomic, unsafe"}},
		{"hw wants fmt", map[string]string{"internal/hw/hw.go": imports("hw", "fmt")},
			[]string{"internal/hw imports fmt"}},
		{"hw wants its environment", map[string]string{"internal/hw/hw.go": imports("hw", own("sim"))},
			[]string{"internal/hw imports sim, but may import only: nothing of this repository"}},
		{"invariants is no leaf", map[string]string{"internal/invariants/on.go": imports("invariants", own("internal/hw"), "math/rand/v2")},
			[]string{"internal/invariants imports internal/hw", "internal/invariants imports math/rand/v2"}},
		{"token looks up", map[string]string{"internal/token/t.go": imports("token", own("internal/thread"))},
			[]string{"internal/token imports internal/thread, but may import only: internal/hw, internal/overlay/engine, internal/invariants"}},
		{"a test of token inside the package looks up", map[string]string{"internal/token/t_test.go": imports("token", own("internal/thread"))},
			[]string{"internal/token imports internal/thread"}},
		{"thread looks up", map[string]string{"internal/thread/t.go": imports("thread", own("internal/sleepq"))},
			[]string{"internal/thread imports internal/sleepq"}},
		{"the root package from below", map[string]string{
			"internal/hw/t.go": imports("hw", modulePath), "internal/invariants/t.go": imports("invariants", modulePath),
			"internal/sleepq/s.go": imports("sleepq", modulePath), "internal/thread/t.go": imports("thread", modulePath),
			"internal/token/t.go": imports("token", modulePath), "internal/turnstile/t.go": imports("turnstile", modulePath),
			"internal/overlay/o.go": imports("overlay", modulePath), "witness/w.go": imports("witness", modulePath),
		}, []string{"internal/hw imports .,", "internal/invariants imports .,", "internal/overlay imports .,", "internal/sleepq imports .,",
			"internal/thread imports .,", "internal/token imports .,", "internal/turnstile imports .,", "witness imports .,"}},
		{"sleep queues and turnstiles sideways", map[string]string{
			"internal/sleepq/s.go":    imports("sleepq", own("internal/turnstile")),
			"internal/turnstile/t.go": imports("turnstile", own("internal/sleepq")),
		}, []string{"internal/sleepq imports internal/turnstile", "internal/turnstile imports internal/sleepq"}},
		{"the root package looks up", map[string]string{"lwkt.go": imports("lwkt", own("sim"), own("internal/overlay"))},
			[]string{". imports sim", ". imports internal/overlay,"}},
		{"sim and explore beside their rows", map[string]string{
			"sim/s.go":     imports("sim", own("internal/overlay"), own("explore")),
			"explore/e.go": imports("explore", own("internal/thread")),
		}, []string{"explore imports internal/thread", "sim imports internal/overlay", "sim imports explore"}},
		{"users of the core beside their rows", map[string]string{
			"tokenio/t.go":         imports("tokenio", own("internal/thread")),
			"locktest/l.go":        imports("locktest", own("sim")),
			"debughttp/d.go":       imports("debughttp", own("internal/sleepq")),
			"examples/a/main.go":   imports("main", own("internal/thread")),
			"internal/stress/s.go": imports("stress", own("sim")),
			"internal/lint/l.go":   imports("lint", own("internal/hw")),
		}, []string{"debughttp imports internal/sleepq", "examples imports internal/thread: only cmd", "internal/lint imports internal/hw",
			"internal/stress imports sim", "locktest imports sim", "tokenio imports internal/thread"}},
		{"nested modules reach into the core", map[string]string{
			"cluster/go.mod": "module " + own("cluster") + "\n", "cluster/c.go": imports("cluster", own("internal/thread")),
			"analysis/go.mod": "module " + own("analysis") + "\n", "analysis/sleep/a.go": imports("sleep", own("cmd/internal/demo")),
			"bench/go.mod": "module " + own("bench") + "\n", "bench/b_test.go": imports("bench_test", own("internal/token")),
		}, []string{"analysis imports cmd/internal/demo", "bench imports internal/token", "cluster imports internal/thread"}},
		{"the root module requires something", map[string]string{"lwkt.go": imports("lwkt", "golang.org/x/sys/unix")},
			[]string{"the root module requires nothing"}},
		{"cgo", map[string]string{"cmd/lwkt/main.go": "package main\n\nimport \"C\"\n"},
			[]string{"nothing here may need a C compiler"}},
		{"a package that nobody thought of", map[string]string{"internal/rcu/a.go": "package rcu\n", "internal/rcu/b.go": "package rcu\n"},
			[]string{"internal/rcu/a.go:1: package internal/rcu has no row in the import table: add one"}},
	})
}

// importName is the name under which a file knows the package of an import
// path: "" if it does not import it, "." if its names are the file's own.
func importName(f *ast.File, imp string) string {
	for _, spec := range f.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err != nil || p != imp {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return imp[strings.LastIndex(imp, "/")+1:]
	}
	return ""
}
