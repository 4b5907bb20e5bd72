// The page that says what the BSDs' calls are called here names nothing that does not exist, and misses
// no call that a doc comment claims.
package lint

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// offers are the exported names of all packages: "pkg", "pkg.Name", and as "pkg.T.M" methods and fields.
func offers(t *tree) map[string]bool {
	all := map[string]bool{}
	for _, s := range t.sources {
		if s.test() || s.file.Name.Name == "main" {
			continue
		}
		pkg := s.file.Name.Name
		all[pkg] = true
		names, of := exported(s)
		for i, id := range names {
			all[strings.Join(strings.Fields(pkg+" "+of[i]+" "+id.Name), ".")] = true
		}
		for _, d := range s.file.Decls {
			if d, ok := d.(*ast.GenDecl); ok {
				for _, spec := range d.Specs {
					if spec, ok := spec.(*ast.TypeSpec); ok {
						for _, f := range fields(spec.Type) {
							for _, id := range f.Names {
								all[pkg+"."+spec.Name.Name+"."+id.Name] = true
							}
						}
					}
				}
			}
		}
	}
	return all
}

var (
	quoted  = regexp.MustCompile("`[^`]*`")
	goName  = regexp.MustCompile(`^\(?\*?([a-z]+\.)?([A-Z]\w*)\)?(\.[A-Z]\w*)?(\(.*\))?$`)
	errno   = regexp.MustCompile(`^E[A-Z]+$`)
	claimed = regexp.MustCompile(`\(([a-z]\w*_\w+|spl\w+)(?:\(9\))?(?:, ([a-z]\w*_\w+)(?:\(9\))?)*\)`)
	manName = regexp.MustCompile(`[a-z]\w*`)
)

// unknownNames finds Go names in the tables of the page that no package has. What a cell
// says without a package or type is in a package that the table's head names, or in the root's, or
// belongs to a type named before it in its row.
func unknownNames(t *tree, page string) (findings []string) {
	all, packages := offers(t), []string{}
	head := true
	for _, line := range strings.Split(page, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 5 {
			head = true
			continue
		}
		if head {
			packages = []string{"lwkt"}
			for _, q := range quoted.FindAllString(cells[2], -1) {
				packages = append(packages, strings.Trim(q, "`"))
			}
			head = false
			continue
		}
		types := []string{}
		for _, q := range quoted.FindAllString(cells[2]+cells[3], -1) {
			q = strings.Trim(q, "`")
			m := goName.FindStringSubmatch(q)
			if m == nil || errno.MatchString(q) {
				continue // a command, a word, an error number
			}
			in := packages
			if m[1] != "" {
				in = []string{strings.TrimSuffix(m[1], ".")}
			} else if p := ofType(all, m[2]); m[3] != "" && p != nil {
				in = p
			}
			known := false
			for _, p := range in {
				if name := p + "." + m[2]; all[name] && (m[3] == "" || all[name+m[3]]) {
					known, types = true, append(types, name)
				}
			}
			for _, typ := range types {
				known = known || m[1] == "" && m[3] == "" && all[typ+"."+m[2]]
			}
			if !known {
				findings = append(findings, "no package has "+q+", which is named in: "+line)
			}
		}
	}
	return findings
}

// ofType are the packages that have a name.
func ofType(all map[string]bool, name string) (packages []string) {
	for n := range all {
		if strings.Count(n, ".") == 1 && path.Ext(n) == "."+name {
			packages = append(packages, strings.TrimSuffix(n, "."+name))
		}
	}
	return packages
}

// unmapped finds what doc comments of published packages give as the name of the call in a
// manual page, in parentheses, and the page does not have.
func unmapped(t *tree, page string) (findings []string) {
	for _, s := range t.sources {
		if !published(s) {
			continue
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !f.Name.IsExported() {
				continue
			}
			for _, c := range claimed.FindAllString(f.Doc.Text(), -1) {
				for _, name := range manName.FindAllString(c, -1) {
					if !strings.Contains(page, "`"+name) {
						findings = append(findings, t.at(f.Pos(), "%s is %s, which docs/manpages.md does not have", f.Name.Name, name))
					}
				}
			}
		}
	}
	return findings
}

func TestManpages(t *testing.T) {
	find := func(t *tree, page string) []string { return append(unknownNames(t, page), unmapped(t, page)...) }
	small, err := load(fstest.MapFS{
		"a.go": {Data: []byte("package lwkt\n\ntype T struct{}\n\n// Take takes. (f_take, f_lost)\nfunc (*T) Take() {}\n\n" +
			"// Give gives. (f_give)\nfunc (*T) Give() {}\n\nvar Busy int\n\ntype Opts struct{ Name string }\n")},
		"b/b.go": {Data: []byte("package b\n\nfunc F() {}\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for page, want := range map[string][]string{
		"| BSD | here | |\n|---|---|---|\n| `f_take`, `f_lost`, `f_give` | `(*T).Take(td)`, `Give`, `b.F`; `show f` | `Busy` for `EBUSY`; `Opts`: `Name` |\n": nil,
		"| BSD | here (package `b`) | |\n|---|---|---|\n| `f_take`, `f_give` | `F`, `T.Gone` | `None` |\n| `f_none` | `Give`, `b.G` | |\n": {
			"no package has T.Gone", "no package has None", "no package has Give", "no package has b.G", "a.go:6: Take is f_lost"},
	} {
		got := find(small, page)
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || !strings.Contains(got[i], want[i]) {
				t.Errorf("found %q, want %q", got, want)
				break
			}
		}
	}

	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "manpages.md"))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range find(tr, strings.ReplaceAll(string(text), "\r\n", "\n")) {
		t.Error(finding)
	}
}
