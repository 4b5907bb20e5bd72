// The modules of this repository agree with each other: one Go version, a root
// that requires nothing, nested modules that use the root beside them.
package lint

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// goVersion is the older of the two releases that Go supports upstream. A module
// that asks for more makes go.work refuse everybody who has just that.
const goVersion = "1.26.0"

// apart are the modules that are not in go.work, so that who clones the
// repository to use it never downloads what only its makers need.
var apart = []string{"tools"}

// A directive is one line of a go.mod or go.work, "require ( x v1 )" being read
// as "require x v1".
type directive struct {
	line  int
	verb  string
	words []string
}

// directives reads as much of the format as this repository uses.
func directives(text string) (list []directive) {
	block := ""
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "//")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case block != "" && words[0] == ")":
			block = ""
		case block != "":
			list = append(list, directive{i + 1, block, words})
		case len(words) == 2 && words[1] == "(":
			block = words[0]
		default:
			list = append(list, directive{i + 1, words[0], words[1:]})
		}
	}
	return list
}

// modules checks every go.mod and go.work.
func modules(t *tree) (findings []string) {
	say := func(file string, line int, format string, args ...any) {
		findings = append(findings, fmt.Sprintf("%s:%d: %s", file, line, fmt.Sprintf(format, args...)))
	}
	version := func(file string, list []directive) {
		found := false
		for _, d := range list {
			switch d.verb {
			case "go":
				found = true
				if d.words[0] != goVersion {
					say(file, d.line, "go %s, but every module here and go.work say go %s: a module that asks for more locks out everybody with that release; choose an older version of what made it ask", d.words[0], goVersion)
				}
			case "toolchain":
				say(file, d.line, "toolchain %s: let everybody use the one they have", d.words[0])
			}
		}
		if !found {
			say(file, 1, "no go line: say go %s", goVersion)
		}
	}
	used := map[string]bool{}
	for _, dir := range slices.Sorted(maps.Keys(t.mods)) {
		file, list := path.Join(dir, "go.mod"), directives(t.mods[dir])
		version(file, list)
		want := path.Join(modulePath, dir)
		own := map[string]int{}
		replaced := map[string]bool{}
		for _, d := range list {
			switch d.verb {
			case "module":
				if d.words[0] != want {
					say(file, d.line, "module %s: its folder makes it %s", d.words[0], want)
				}
			case "require", "tool", "replace", "exclude", "ignore":
				if dir == "." {
					say(file, d.line, "%s %s: the root module requires nothing; what needs other modules is a module of its own", d.verb, strings.Join(d.words, " "))
					continue
				}
				to, ok := ownPackage(d.words[0])
				if !ok {
					continue
				}
				rel := up(dir) + strings.TrimPrefix(to, ".")
				switch d.verb {
				case "require":
					own[d.words[0]] = d.line
					if d.words[1] != "v0.0.0" {
						say(file, d.line, "require %s: say v0.0.0, it is the one in this repository", strings.Join(d.words, " "))
					}
				case "replace":
					replaced[d.words[0]] = true
					if got := d.words[len(d.words)-1]; len(d.words) != 3 || path.Clean(got) != path.Clean(rel) {
						say(file, d.line, "replace %s: say replace %s => %s", strings.Join(d.words, " "), d.words[0], rel)
					}
				}
			}
		}
		if _, ok := own[modulePath]; !ok && dir != "." && !slices.Contains(apart, dir) {
			say(file, 1, "does not require the root module: say require %s v0.0.0 and replace %[1]s => %s", modulePath, up(dir))
		}
		for _, m := range slices.Sorted(maps.Keys(own)) {
			if !replaced[m] {
				say(file, own[m], "%s is not replaced: without go.work it would be looked for elsewhere", m)
			}
		}
	}
	if t.work == "" || len(t.mods) == 1 {
		return findings // A copy of the root module alone, as its users have it.
	}
	list := directives(t.work)
	version("go.work", list)
	for _, d := range list {
		if d.verb != "use" {
			continue
		}
		dir := path.Clean(d.words[0])
		used[dir] = true
		if _, ok := t.mods[dir]; !ok {
			say("go.work", d.line, "uses %s, which has no go.mod", d.words[0])
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(t.mods)) {
		if keep := slices.Contains(apart, dir); used[dir] == keep {
			if keep {
				say("go.work", 1, "uses %s: it is for the makers of this repository only, and its users would have to download it", dir)
			} else {
				say("go.work", 1, "does not use %s", dir)
			}
		}
	}
	return findings
}

// up is the way from a folder to the root.
func up(dir string) string {
	return strings.Repeat("../", strings.Count(dir, "/")+1)
}

func TestModules(t *testing.T) {
	mod := func(dir, rest string) string {
		return "module " + path.Join(modulePath, dir) + "\n\ngo 1.26.0\n\n" + rest
	}
	const (
		work   = "go 1.26.0\n\nuse (\n\t.\n\t./cmd // the commands\n)\n"
		nested = "require " + modulePath + " v0.0.0\n\nreplace " + modulePath + " => ../\n"
	)
	holds(t, modules, []plant{
		{"agreed", map[string]string{
			"go.mod": mod("", ""), "go.work": work, "cmd/go.mod": mod("cmd", nested+"require (\n\tgolang.org/x/term v0.1.0 // indirect\n)\n"),
			"tools/go.mod": mod("tools", "tool honnef.co/go/tools/cmd/staticcheck\n"),
		}, nil},
		{"deep", map[string]string{
			"go.mod": mod("", ""), "go.work": "go 1.26.0\n\nuse .\nuse ./bench/rivals\nuse ./bench\n", "bench/go.mod": mod("bench", nested),
			"bench/rivals/go.mod": mod("bench/rivals", "require (\n\t"+modulePath+" v0.0.0\n\t"+modulePath+"/bench v0.0.0\n)\n\nreplace (\n\t"+modulePath+" => ../..\n\t"+modulePath+"/bench => ../../bench\n)\n"),
		}, nil},
		{"the root alone", map[string]string{"go.mod": mod("", ""), "go.work": work}, nil},
		{"asking for more", map[string]string{
			"go.mod": mod("", ""), "go.work": strings.Replace(work, "1.26.0", "1.27.0", 1),
			"cmd/go.mod":   strings.Replace(mod("cmd", nested), "go 1.26.0", "go 1.27.0\n\ntoolchain go1.27.3", 1),
			"tools/go.mod": "module " + modulePath + "/tools\n",
		}, []string{"cmd/go.mod:3: go 1.27.0, but every module", "cmd/go.mod:5: toolchain", "tools/go.mod:1: no go line", "go.work:1: go 1.27.0"}},
		{"a root that requires", map[string]string{"go.mod": mod("", "require (\n\tgolang.org/x/sys v0.1.0\n)\n\ntool golang.org/x/tools/cmd/stringer\n")},
			[]string{"go.mod:6: require golang.org/x/sys v0.1.0: the root module requires nothing", "go.mod:9: tool"}},
		{"nested modules that look elsewhere", map[string]string{
			"go.mod": mod("", ""), "go.work": work,
			"cmd/go.mod": mod("command", "require "+modulePath+" v0.3.0\n\nreplace "+modulePath+" => ../../lwkt\n"),
		}, []string{"its folder makes it " + modulePath + "/cmd", "say v0.0.0", "say replace " + modulePath + " => ../"}},
		{"nested modules that do not know the root", map[string]string{
			"go.mod": mod("", ""), "go.work": strings.Replace(work, ")", "./bench\n)", 1),
			"bench/go.mod": mod("bench", ""), "cmd/go.mod": mod("cmd", "require "+modulePath+" v0.0.0\n"),
		}, []string{"bench/go.mod:1: does not require the root", "cmd/go.mod:5: " + modulePath + " is not replaced"}},
		{"go.work with too much and too little", map[string]string{
			"go.mod": mod("", ""), "go.work": "go 1.26.0\n\nuse (\n\t.\n\t./tools\n\t./gone\n)\n",
			"cmd/go.mod": mod("cmd", nested), "tools/go.mod": mod("tools", ""),
		}, []string{"go.work:6: uses ./gone", "does not use cmd", "uses tools: it is for the makers"}},
	})
}
