package sites

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"strings"
	"testing"
)

// TestFind names the locks of a file in which each is another expression.
func TestFind(t *testing.T) {
	const text = `package p
import "sync"
type box struct { mu sync.Mutex; sync.RWMutex; in struct{ mu sync.Mutex }; list [2]sync.Mutex; p *sync.Mutex }
type outer struct { *box }
var global sync.Mutex
var anon struct { sync.Mutex }
func (b *box) m() {
	b.mu.Lock()        // 8
	b.Lock()           // 9
	b.in.mu.Lock()     // 10
	b.list[1].Lock()   // 11
	b.p.TryLock()      // 12
	global.Lock()      // 13
	anon.Lock()        // 14
	var local sync.Mutex
	local.Lock()       // 16
	x := &b.mu
	x.Lock()           // 18
	for i := range b.list { b.list[i].Lock() } // 19
	outer{b}.mu.Lock() // 20
	handed(1, x)       // 21
	b.RLocker().Lock() // 22
}
func handed(n int, l sync.Locker) {
	l.Lock()           // 25
	func() { l.Lock() }()
	new(sync.Once).Do(func() {})
	l.Unlock()
}
`
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "/some/where/a.go", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	info := &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}
	config := types.Config{Importer: importer.ForCompiler(fset, "source", nil)}
	if _, err := config.Check("x.org/p", fset, []*ast.File{f}, info); err != nil {
		t.Fatal(err)
	}
	table := Table(Find(fset, "x.org/p", []*ast.File{f}, info))
	for _, want := range []string{
		"8\tx.org/p.box.mu", "9\tx.org/p.box.RWMutex", "10\tx.org/p.box.in.mu", "11\tx.org/p.box.list[]", "12\tx.org/p.box.p", "13\tx.org/p.global",
		"14\tx.org/p.anon.Mutex", "16\tx.org/p.box.m.local", "18\tx.org/p.box.mu", "19\tx.org/p.box.list[]", "20\tx.org/p.box.mu",
		"21#1\tx.org/p.box.mu", "22\tx.org/p.box.RWMutex", "25\t^1",
	} {
		if !strings.Contains(table, "x.org/p/a.go:"+want+"\n") {
			t.Errorf("missing %q", want)
		}
	}
	if t.Failed() {
		t.Log(table)
	}
}
