// version.go: lwkt version: what to put into a report: the module and its version, the commit it was built from if the build knew
// one (go run does not), and the Go version.

package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// version is the subcommand.
func version(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && isHelp(args[0]) {
		fmt.Fprint(stdout, "usage: lwkt version\n\nSays which lwkt this is, the commit if the build recorded one, and which Go built it.\n")
		return 0
	}
	if len(args) > 0 {
		fmt.Fprintf(stderr, "lwkt version: unexpected argument %q (lwkt version -help explains)\n", args[0])
		return exitUsage
	}
	info, _ := debug.ReadBuildInfo() // nil without modules
	describe(stdout, info)
	return 0
}

// describe says what the build recorded.
func describe(w io.Writer, info *debug.BuildInfo) {
	module, number := "lwkt", ""
	commit := make(map[string]string)
	if info != nil {
		if info.Main.Path != "" { // it is empty in tests
			module = info.Main.Path
		}
		number = info.Main.Version
		for _, s := range info.Settings {
			commit[s.Key] = s.Value
		}
	}
	if number == "" {
		number = "(no version)"
	}
	fmt.Fprintln(w, module, number)
	if revision := commit["vcs.revision"]; revision != "" {
		state := ""
		if commit["vcs.modified"] == "true" {
			state = ", and changes on top of it"
		}
		fmt.Fprintf(w, "commit %s of %s%s\n", revision, commit["vcs.time"], state)
	}
	fmt.Fprintf(w, "%s %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
