// Every file says at its top what it is, and a file with a state machine says
// it in the seven sections that a reader needs to check the code against.
package lint

import (
	"go/ast"
	"go/token"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// headerWords is how short a header may be. Below that it only repeats the name
// of the file.
const headerWords = 8

// fileHeaders wants a comment of at least headerWords words beside the package
// clause: the package comment, or one between the clause and the first
// declaration. Directives, copyright lines and the doc comment of the first
// declaration do not count; generated files are let off.
func fileHeaders(t *tree) (findings []string) {
	for _, s := range t.sources {
		if s.test() || ast.IsGenerated(s.file) {
			continue
		}
		words := 0
		for _, g := range headerGroups(s.file) {
			n := 0
			for line := range strings.Lines(g.Text()) {
				if !strings.HasPrefix(line, "Copyright") && !strings.HasPrefix(line, "SPDX-") {
					n += len(strings.Fields(line))
				}
			}
			words = max(words, n)
		}
		if words < headerWords {
			findings = append(findings, t.at(s.file.Package, "no header: say in a comment of at least %d words, right before or after the package clause and ahead of the imports, what this file is (this one has %d)", headerWords, words))
		}
	}
	return findings
}

// headerGroups are the comments beside the package clause.
func headerGroups(f *ast.File) (groups []*ast.CommentGroup) {
	first, doc := token.Pos(math.MaxInt), (*ast.CommentGroup)(nil)
	if len(f.Decls) > 0 {
		first = f.Decls[0].Pos()
		switch d := f.Decls[0].(type) {
		case *ast.FuncDecl:
			doc = d.Doc
		case *ast.GenDecl:
			if d.Tok != token.IMPORT {
				doc = d.Doc
			}
		}
	}
	for _, g := range f.Comments {
		if g.Pos() < first && g != doc {
			groups = append(groups, g)
		}
	}
	return groups
}

// sections are what a state machine is told in, in this order.
var sections = []string{"Layout", "Bits", "Invariants", "Transitions", "Lock order", "Blocking", "Departures"}

var (
	sectionLine = regexp.MustCompile(`(?m)^(?:# )?(` + strings.Join(sections, "|") + `):`)
	machineLine = regexp.MustCompile(`(?m)^State machine: (\S+\.go)\b`)
	transitions = regexp.MustCompile(`(?i)transition\s+table`)
	defines     = regexp.MustCompile(`(?m)^[ \t|]*([A-Z][0-9]+[a-z]?)\b`)
	cites       = regexp.MustCompile(`\b[A-Z][0-9]+[a-z]?\b`)
)

// howToSection is said once, at the first finding.
const howToSection = "\n\ta comment outside of functions, the file's header or the doc comment of the type, needs lines that begin with " +
	"\"Layout:\" (the word, high to low bits), \"Bits:\" (meaning, who sets and clears it, may it be spurious or missing), " +
	"\"Invariants:\" (and when they hold), \"Transitions:\" (label, from, operation, to, happens-before edge), " +
	"\"Lock order:\" (among internal locks), \"Blocking:\" (what may block, what is dropped then), \"Departures:\" (from the BSDs, and why), " +
	"in this order, \"none\" being an answer; or, if another file of the package tells it, a line \"State machine: that_file.go\""

// stateMachines wants the sections in every file of the root module that has a
// state machine. That is a file which calls CompareAndSwap (except to publish a
// pointer once, from nil, and except where it declares a method of that name, as
// the atomic words themselves do), which speaks of a "transition table", or
// which has a line "Transitions:".
//
// What begins a line of the invariants or transitions, a capital and a number,
// is a label. If the sections define a label T1, then whatever looks like one (T
// and a number) in the other comments of the file, or of a file that points to
// it, must be defined too.
func stateMachines(t *tree) (findings []string) {
	told := map[string]map[string]bool{} // file with all sections -> the labels they define
	mention := map[string]token.Pos{}
	points := map[string]string{} // file -> the one it points to
	headers := map[*ast.CommentGroup]bool{}
	broken := map[string]bool{} // files whose sections are already complained about
	howTo := func() string {
		if len(findings) > 0 {
			return ""
		}
		return howToSection
	}
	machine := func(s *source) bool { return !s.test() && t.module(s.dir) == "." && !ast.IsGenerated(s.file) }
	for _, s := range t.sources {
		if !machine(s) {
			continue
		}
		if p := callsCAS(s.file); p.IsValid() {
			mention[s.path] = p
		}
		for _, g := range outside(s.file) {
			text := g.Text()
			if transitions.MatchString(text) {
				mention[s.path] = g.Pos()
			}
			if m := machineLine.FindStringSubmatch(text); m != nil {
				points[s.path] = path.Join(s.dir, m[1])
				mention[s.path] = g.Pos()
			}
			found := map[string]string{}
			var order []string
			ends := sectionLine.FindAllStringSubmatchIndex(text, -1)
			for i, m := range ends {
				end := len(text)
				if i+1 < len(ends) {
					end = ends[i+1][0]
				}
				name := text[m[2]:m[3]]
				order = append(order, name)
				found[name] = strings.TrimSpace(text[m[1]:end])
			}
			if _, ok := found["Transitions"]; !ok {
				continue
			}
			headers[g] = true
			if slices.Equal(order, sections) && !slices.Contains(values(found), "") {
				if told[s.path] == nil {
					told[s.path] = map[string]bool{}
				}
				for _, l := range defines.FindAllStringSubmatch(found["Invariants"]+"\n"+found["Transitions"], -1) {
					told[s.path][l[1]], told[s.path][l[1][:1]] = true, true // T1, and the letter
				}
				continue
			}
			broken[s.path] = true
			findings = append(findings, t.at(g.Pos(), "the state machine is told in the sections %s%s", complaint(order, found), howTo()))
		}
	}
	for _, s := range t.sources {
		p, ok := mention[s.path]
		to, pointed := points[s.path]
		switch {
		case broken[s.path] || !ok && told[s.path] == nil:
		case pointed && told[to] == nil && !broken[to]:
			findings = append(findings, t.at(p, "%s is said to tell this state machine and does not%s", to, howTo()))
		case !pointed && told[s.path] == nil:
			findings = append(findings, t.at(p, "a state machine without its sections%s", howTo()))
		default:
			defined := func(l string) bool { return told[s.path][l] || told[to][l] }
			for _, g := range s.file.Comments {
				if headers[g] {
					continue
				}
				for _, l := range cites.FindAllString(g.Text(), -1) {
					if defined(l[:1]) && !defined(l) {
						findings = append(findings, t.at(g.Pos(), "cites %s, which the sections of this state machine do not define", l))
					}
				}
			}
		}
	}
	return findings
}

// complaint says how the sections found differ from those wanted.
func complaint(order []string, found map[string]string) string {
	var missing, empty []string
	for _, name := range sections {
		if body, ok := found[name]; !ok {
			missing = append(missing, name)
		} else if body == "" {
			empty = append(empty, name)
		}
	}
	switch {
	case missing != nil:
		return strings.Join(order, ", ") + " (missing: " + strings.Join(missing, ", ") + ")"
	case empty != nil:
		return strings.Join(order, ", ") + " (empty: " + strings.Join(empty, ", ") + ")"
	}
	return strings.Join(order, ", ") + " (wrong order, or one twice)"
}

func values(m map[string]string) (list []string) {
	for _, v := range m {
		list = append(list, v)
	}
	return list
}

// outside are the comments that do not stand in a function.
func outside(f *ast.File) (groups []*ast.CommentGroup) {
	for _, g := range f.Comments {
		inside := false
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil && fn.Body.Pos() < g.Pos() && g.End() < fn.Body.End() {
				inside = true
			}
		}
		if !inside {
			groups = append(groups, g)
		}
	}
	return groups
}

// callsCAS finds the first call of a compare-and-swap, other than from nil, in a
// file that does not declare one.
func callsCAS(f *ast.File) (at token.Pos) {
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil && fn.Name.Name == "CompareAndSwap" {
			return token.NoPos
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && !at.IsValid() {
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !strings.HasPrefix(sel.Sel.Name, "CompareAndSwap") {
				return true
			}
			if len(call.Args) > 1 {
				if old, ok := call.Args[len(call.Args)-2].(*ast.Ident); ok && old.Name == "nil" {
					return true
				}
			}
			at = sel.Pos()
		}
		return true
	})
	return at
}

func TestFileHeaders(t *testing.T) {
	holds(t, fileHeaders, []plant{
		{"told", map[string]string{
			"before.go":    "// Package lwkt is here to be counted: eight words.\npackage lwkt\n",
			"after.go":     "//go:build linux\n\npackage lwkt\n\n// The same, but after the package clause, in words.\n\nimport \"os\"\n",
			"generated.go": "// Code generated by hand. DO NOT EDIT.\n\npackage lwkt\n",
			"x_test.go":    "package lwkt\n",
		}, nil},
		{"untold", map[string]string{
			"copyright.go": "// Copyright (c) 2026 The authors of whatever this may be\n\npackage lwkt\n",
			"directive.go": "//go:build linux && amd64 || darwin && arm64 || windows && 386\n\npackage lwkt\n",
			"doc.go":       "package lwkt\n\n// F is a function with a doc comment of many words.\nfunc F() {}\n",
			"late.go":      "package lwkt\n\nimport \"os\"\n\n// A comment of very many words that stands after the imports.\n\nvar x = os.Args\n",
			"none.go":      "package lwkt\n",
			"short.go":     "// Package lwkt implements lwkt.\npackage lwkt\n",
		}, []string{"copyright.go:3: no header", "directive.go:3: no header", "doc.go:1: no header", "late.go:1: no header", "none.go:1: no header", "(this one has 4)"}},
	})
}

func TestStateMachines(t *testing.T) {
	const whole = `package lwkt

// Word is a word.
//
// Layout: one bit.
// Bits: 0 held: set by Lock, cleared by Unlock, never spurious, never missing.
//
// Invariants:
//
//	I1 at most one holder, always
//
// Transitions:
//
//	T1 free  Lock    held  an Unlock before
//	T2 held  Unlock  free
//
// Lock order: none.
// Blocking: none.
// Departures: none.
type Word struct{ w Uint32 }

func (l *Word) Lock() {
	l.w.CompareAndSwap(0, 1) // T1 (I1)
}
`
	plain := func(comment string) string {
		return "package lwkt\n\n" + comment + "\nfunc f(w *Uint32) { w.CompareAndSwap(0, 1) }\n"
	}
	holds(t, stateMachines, []plant{
		{"told", map[string]string{
			"word.go":              whole,
			"word_slow.go":         "// State machine: word.go\n" + plain("// f does T2 under contract C7."),
			"stat.go":              "package lwkt\n\n// Blocking: never. A function may say so without being a machine: T9.\nfunc f() {}\n",
			"word_test.go":         plain(""),
			"once.go":              "package lwkt\n\nfunc f(p *atomic.Pointer[int]) { p.CompareAndSwap(nil, new(int)) }\n",
			"internal/hw/words.go": "package hw\n\ntype Uint32 struct{ w atomic.Uint32 }\n\nfunc (u *Uint32) CompareAndSwap(o, n uint32) bool { return u.w.CompareAndSwap(o, n) }\n",
			"cmd/go.mod":           "module x\n",
			"cmd/demo/best.go":     plain(""),
		}, nil},
		{"untold", map[string]string{
			"a.go": plain("// f is one."),
			"b.go": "package lwkt\n\n// The transition\n// table is in my head.\nvar x int\n",
		}, []string{"a.go:4: a state machine without its sections", "b.go:3: a state machine without its sections"}},
		{"half told", map[string]string{
			"empty.go":   strings.Replace(whole, "Layout: one bit.", "Layout:", 1),
			"missing.go": strings.Replace(whole, "// Bits:", "// Bytes:", 1),
			"order.go":   strings.Replace(strings.Replace(whole, "// Lock order: none.\n", "", 1), "// Departures:", "// Departures: none.\n// Lock order:", 1),
		}, []string{"(empty: Layout)", "(missing: Bits)", "(wrong order, or one twice)"}},
		{"told where nobody looks", map[string]string{
			"body.go": "package lwkt\n\nfunc f(w *Uint32) {\n\t// Transitions: 0 to 1.\n\tw.CompareAndSwap(0, 1)\n}\n",
		}, []string{"body.go:5: a state machine without its sections"}},
		{"pointing at nothing", map[string]string{
			"slow.go": "// State machine: word.go\n" + plain(""),
		}, []string{"word.go is said to tell this state machine and does not"}},
		{"labels that nobody defined", map[string]string{
			"word.go":      strings.Replace(whole, "// T1 (I1)", "// T3 (I1)", 1),
			"word_slow.go": "// State machine: word.go\n" + plain("// f keeps I2."),
		}, []string{"word.go:23: cites T3", "word_slow.go:4: cites I2"}},
	})
}
