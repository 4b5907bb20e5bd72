// The root package is one package on purpose, and only so long as it is small.
package lint

import (
	"fmt"
	"go/ast"
	"strings"
	"testing"
)

// The root package holds all locks because condition variables, sleep and
// tokens need the private unlock and relock halves of each, which a package per
// lock would have to export. Past these sizes that argument is outweighed.
const (
	maxTypes = 20   // exported lock types, and Thread
	maxNames = 200  // exported names, the methods of exported types among them
	maxLines = 5000 // without tests
)

// measure gives the size of the root package.
func measure(t *tree) (types, names, lines int) {
	for _, l := range lockTypes(t) {
		if l.Name.IsExported() {
			types++
		}
	}
	rootTypes(t, func(spec *ast.TypeSpec) {
		if spec.Name.Name == "Thread" {
			types++
		}
	})
	seen := map[string]bool{} // one name may stand in several files by build tag
	for _, s := range t.sources {
		if s.dir != "." || s.test() {
			continue
		}
		ids, of := exported(s)
		for i, id := range ids {
			seen[of[i]+"."+id.Name] = true
		}
		lines += strings.Count(s.text, "\n")
	}
	return types, len(seen), lines
}

// rootSize fires when the root package has to be split.
func rootSize(t *tree) (findings []string) {
	types, names, lines := measure(t)
	say := func(n, most int, what string) {
		if n > most {
			findings = append(findings, fmt.Sprintf(".:0: the root package has %d %s, more than %d: split it", n, what, most))
		}
	}
	say(types, maxTypes, "lock and thread types")
	say(names, maxNames, "exported names")
	say(lines, maxLines, "lines")
	return findings
}

func TestRootSize(t *testing.T) {
	locks := func(n int) string {
		b := "package lwkt\n\ntype Thread struct{}\n"
		for i := range n {
			b += fmt.Sprintf("\ntype L%d struct{}\n\nfunc (l *L%[1]d) Lock(td *Thread) {}\n", i)
		}
		return b
	}
	consts := func(n int) string {
		b := "package lwkt\n\nconst (\n\tx = 1\n"
		for i := range n {
			b += fmt.Sprintf("\tC%d = 1\n", i)
		}
		return b + ")\n"
	}
	holds(t, rootSize, []plant{
		{"at the limits", map[string]string{
			"a.go": locks(19), "b_on.go": consts(161), "b_off.go": consts(161),
			"c.go":      "package lwkt\n" + strings.Repeat("//\n", 4400),
			"c_test.go": "package lwkt\n" + strings.Repeat("//\n", 5001), "sim/d.go": "package sim\n" + strings.Repeat("//\n", 5001),
		}, nil},
		{"past each", map[string]string{"a.go": locks(20), "b.go": consts(170), "c.go": "package lwkt\n" + strings.Repeat("//\n", 5000)},
			[]string{"has 21 lock and thread types", "has 211 exported names", "lines, more than 5000"}},
	})
	if tr, err := repository(); err == nil {
		types, names, lines := measure(tr)
		t.Logf("root package: %d of %d lock and thread types, %d of %d exported names, %d of %d lines", types, maxTypes, names, maxNames, lines, maxLines)
	}
}
