// Names that say nothing, and promises that nobody tracks.
package lint

import (
	"path"
	"regexp"
	"slices"
	"testing"
)

// empty are the package names that fit any code and so describe none.
var empty = []string{"util", "utils", "common", "helpers", "misc"}

// packageNames wants packages named after what they do.
func packageNames(t *tree) (findings []string) {
	seen := map[string]bool{}
	for _, s := range t.sources {
		if seen[s.dir] {
			continue
		}
		seen[s.dir] = true
		for _, name := range []string{s.file.Name.Name, path.Base(s.dir)} {
			if slices.Contains(empty, name) {
				findings = append(findings, t.at(s.file.Package, "package %s in %s: name it after what it does", s.file.Name.Name, s.dir))
				break
			}
		}
	}
	return findings
}

var (
	todo  = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)
	issue = regexp.MustCompile(`^\((?:[^()]*)?#[0-9]+\)|^[ :]*#[0-9]+`)
)

// openPromises wants an issue behind every mark that something is still to do,
// written as a number in parentheses right after the mark.
func openPromises(t *tree) (findings []string) {
	for _, s := range t.sources {
		for _, g := range s.file.Comments {
			for _, c := range g.List {
				for _, m := range todo.FindAllStringIndex(c.Text, -1) {
					if !issue.MatchString(c.Text[m[1]:]) {
						findings = append(findings, t.at(c.Pos(), "%s without an issue: do it now, or write %[1]s(#number)", c.Text[m[0]:m[1]]))
					}
				}
			}
		}
	}
	return findings
}

func TestPackageNames(t *testing.T) {
	holds(t, packageNames, []plant{
		{"telling", map[string]string{"a.go": "package lwkt\n", "internal/commons/a.go": "package commons\n"}, nil},
		{"empty", map[string]string{
			"cmd/common/a.go":     "package flags\n",
			"cmd/common/b.go":     "package flags\n",
			"internal/bits/a.go":  "package util\n",
			"internal/utils/a.go": "package utils\n",
		}, []string{"package flags in cmd/common", "package util in internal/bits", "package utils in internal/utils"}},
	})
}

func TestOpenPromises(t *testing.T) {
	holds(t, openPromises, []plant{
		{"tracked", map[string]string{"a.go": "package x\n\n// TODO(#12): a thing. FIXME(anna, #13) and TODO: #14 too.\nvar todo, s = 1, \"TODO: not a comment\" // METODO is a word.\n"}, nil},
		{"untracked", map[string]string{
			"a.go":      "package x\n\n// F works.\n//\n// TODO: or does it? #12 is something else.\nfunc F() {\n\t/* FIXME(anna) */\n}\n",
			"a_test.go": "package x\n\nvar x = 1 // XXX\n",
		}, []string{"a.go:5: TODO without an issue", "a.go:7: FIXME without an issue", "a_test.go:3: XXX without an issue"}},
	})
}
