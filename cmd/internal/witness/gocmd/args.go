// Package gocmd runs the go command as the witness wants it: with an overlay, on a toolchain whose source can be replaced, and
// asked about the packages that a command line names.
package gocmd

import (
	"slices"
	"strings"
)

// boolean are the flags of go build and go test that take no value; all others do, in the next argument if not after a "=".
var boolean = []string{
	"a", "n", "race", "msan", "asan", "cover", "v", "work", "x", "buildvcs", "linkshared", "modcacherw", "trimpath", "json",
	"c", "i", "benchmem", "failfast", "short", "fullpath", "artifacts", "changed",
}

// forList are the flags that decide what is built, so that go list has to know them too. Coverage is left out: it changes the
// code but not its lines.
var forList = []string{
	"C", "race", "msan", "asan", "tags", "mod", "modfile", "overlay", "pgo", "compiler", "gccgoflags", "gcflags", "ldflags", "asmflags",
	"buildvcs", "trimpath", "installsuffix", "buildmode", "pkgdir", "toolexec",
}

// Args are the arguments of go test, go run or go build, taken apart.
type Args struct {
	Dir      string   // of -C, which has to be the first flag
	Flags    []string // all flags, each with its value after a "="
	Build    []string // those of them that decide what is built
	Packages []string
	Rest     []string // what goes to the program: from -args on, or after the package of go run
	Output   string   // the value of -o, if there is one
}

// Split takes the arguments apart. The go command lets flags and packages stand in any order in go test; in go run what follows
// the package is the program's.
func Split(verb string, args []string) Args {
	var a Args
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "-args" || arg == "--args" {
			a.Rest = args[i:]
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			a.Packages = append(a.Packages, arg)
			if files := strings.HasSuffix(arg, ".go"); verb == "run" && (!files || i+1 == len(args) || !strings.HasSuffix(args[i+1], ".go")) {
				a.Rest = args[i+1:]
				break
			}
			continue
		}
		name, value, has := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if TakesValue(arg) && i+1 < len(args) {
			i++
			value, has = args[i], true
		}
		flag := "-" + name
		if has {
			flag += "=" + value
		}
		switch {
		case name == "C":
			a.Dir = value
			continue
		case name == "o":
			a.Output = value
		}
		a.Flags = append(a.Flags, flag)
		if slices.Contains(forList, name) {
			a.Build = append(a.Build, flag)
		}
	}
	return a
}

// TakesValue says whether an argument is a flag of the go command whose value is the next argument.
func TakesValue(arg string) bool {
	name, _, has := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	return strings.HasPrefix(arg, "-") && !has && !slices.Contains(boolean, strings.TrimPrefix(name, "test."))
}

// Line is the arguments as the go command is given them.
func (a Args) Line() []string {
	return slices.Concat(a.Flags, a.Packages, a.Rest)
}

// Has says whether a flag is given.
func (a Args) Has(name string) bool {
	return slices.ContainsFunc(a.Flags, func(f string) bool { return f == "-"+name || strings.HasPrefix(f, "-"+name+"=") })
}
