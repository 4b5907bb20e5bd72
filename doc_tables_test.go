// The tables of state and operation in doc comments: each has a row for each operation, and those of RWLock and SX say
// what lockTable does, which is walked.
package lwkt_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documented is the table in the doc comment of a type: its rows by operation, in columns; and the operations that the
// type has.
func documented(t *testing.T, file, typ string) (rows map[string][]string, ops []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	rows = map[string][]string{}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.GenDecl:
			if s, ok := d.Specs[0].(*ast.TypeSpec); ok && s.Name.Name == typ {
				for line := range strings.Lines(d.Doc.Text()) {
					cells := regexp.MustCompile(`  +`).Split(strings.TrimSpace(line), -1)
					if strings.HasPrefix(line, "\t") && ast.IsExported(cells[0]) {
						rows[strings.TrimSuffix(cells[0], " ...")] = cells[1:]
					}
				}
			}
		case *ast.FuncDecl:
			if d.Recv != nil && d.Name.IsExported() && ofType(d.Recv.List[0].Type, typ) && slices.ContainsFunc(d.Type.Params.List, func(p *ast.Field) bool {
				return len(p.Names) > 0 && p.Names[0].Name == "td"
			}) {
				ops = append(ops, d.Name.Name)
			}
		}
	}
	return rows, ops
}

func ofType(x ast.Expr, name string) bool {
	p, ok := x.(*ast.StarExpr)
	if !ok {
		return false
	}
	id, ok := p.X.(*ast.Ident)
	return ok && id.Name == name
}

// forms are the operations that need no row: what only looks or makes another form, and forms of one that has a row.
var forms = regexp.MustCompile(`Context$|Timeout$|Locker$|^Held$|^Holder$|^Status$|^BroadcastPri$|^WaitUnlock$`)

func TestDocTables(t *testing.T) {
	doneByDo := []string{"Do", "SLock", "XLock", "TrySLock", "TryXLock", "Unlock"} // rows of lockmgr are what Do does
	for _, c := range []struct {
		file, typ string
		but       []string
	}{
		{"mtx.go", "Mtx", nil}, {"rwlock.go", "RWLock", nil}, {"sx.go", "SX", nil}, {"spinmtx.go", "SpinMtx", nil},
		{"rmlock/rmlock.go", "Lock", nil}, {"lockmgr/lockmgr.go", "Lock", doneByDo}, {"condvar/condvar.go", "Cond", nil},
		{"sema/sema.go", "Sema", nil}, {"giant/giant.go", "Mtx", nil}, {"serializer/serializer.go", "Serializer", nil},
		{"mtxpool/mtxpool.go", "Pool", nil},
	} {
		rows, ops := documented(t, c.file, c.typ)
		if len(ops) < 2 {
			t.Errorf("%s: %s has the operations %q", c.file, c.typ, ops)
		}
		for _, op := range ops {
			if rows[op] == nil && !forms.MatchString(op) && !slices.Contains(c.but, op) {
				t.Errorf("%s: the table of %s has no row for %s, but %q", c.file, c.typ, op, slices.Sorted(maps.Keys(rows)))
			}
		}
	}
}

// TestDocTablesAreWalked: the rows of RWLock and SX are those of lockTable.
func TestDocTablesAreWalked(t *testing.T) {
	words := regexp.MustCompile(` \*+$| if alone$`)
	did := map[string]string{"reads": "ok", "shares": "ok", "writes": "ok", "has it": "ok", "releases": "ok", "ends": "ok"}
	columns := []string{"free", "others share it", "its share", "its own", "another's"}
	for _, c := range []struct {
		file, typ string
		ops       map[string]string
	}{
		{"rwlock.go", "RWLock", map[string]string{"RLock": "s", "TryRLock": "s try", "WLock": "x", "TryWLock": "x try", "TryUpgrade": "upgrade",
			"Downgrade": "downgrade", "RUnlock": "s unlock", "WUnlock": "x unlock", "Destroy": "destroy"}},
		{"sx.go", "SX", map[string]string{"SLock": "s", "TrySLock": "s try", "XLock": "x", "TryXLock": "x try", "TryUpgrade": "upgrade",
			"Downgrade": "downgrade", "SUnlock": "s unlock", "XUnlock": "x unlock", "Destroy": "destroy"}},
	} {
		rows, _ := documented(t, c.file, c.typ)
		if len(rows) != len(c.ops) {
			t.Errorf("%s has the rows %q", c.typ, slices.Sorted(maps.Keys(rows)))
		}
		for name, op := range c.ops {
			row := rows[name]
			if len(row) != len(columns) {
				t.Errorf("%s: the row of %s is %q", c.typ, name, row)
				continue
			}
			for i, said := range row {
				said = words.ReplaceAllString(said, "")
				if ok := did[said]; ok != "" {
					said = ok
				}
				for j, s := range lockStates {
					if want, _, _ := strings.Cut(lockTable[op][j], " "); s.name == columns[i] && strings.Split(want, "|")[0] != said {
						t.Errorf("%s: %s when %s: %s, but %s is walked", c.typ, name, s.name, said, lockTable[op][j])
					}
				}
			}
		}
	}
}
