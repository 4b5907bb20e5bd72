// Command lwkt shows what package lwkt does: a demo that runs, and measurements.
//
// This file finds the subcommand and hands over. Each is a function Main(args, stdout, stderr) of a package of its own below
// cmd/internal that returns the exit status, so that tests can run it like any other function; version.go has the small one.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/serializing-tokens/lwkt/cmd/internal/article"
	"github.com/serializing-tokens/lwkt/cmd/internal/bench"
	"github.com/serializing-tokens/lwkt/cmd/internal/ddb"
	"github.com/serializing-tokens/lwkt/cmd/internal/demo"
	"github.com/serializing-tokens/lwkt/cmd/internal/queues"
	"github.com/serializing-tokens/lwkt/cmd/internal/table"
)

// A command is a subcommand.
type command struct {
	name, summary string
	main          func(args []string, stdout, stderr io.Writer) int
}

var commands = []command{
	{"demo", "money moves between accounts under mutexes and under tokens, with a journal on disk", demo.Main},
	{"table", "tokens, mutexes, spl, funnels and the locks compared by experiments on a simulated machine", table.Main},
	{"article", "two threads and two tokens, step by step, then under every schedule", article.Main},
	{"queues", "who waits for what: turnstiles and sleep queues, printed and drawn", queues.Main},
	{"ddb", "a prompt: who holds which lock in a running program, and who waits for whom", ddb.Main},
	{"bench", "what tokens and locks cost, row by row beside sync.Mutex and sync.RWMutex", bench.Main},
	{"version", "which lwkt this is, and which Go built it", version},
}

// exitUsage is the exit status for a command line that makes no sense.
const exitUsage = 2

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		help(stderr)
		return exitUsage
	}
	name, rest := args[0], args[1:]
	if name == "-version" || name == "--version" {
		name = "version"
	}
	if isHelp(name) {
		if len(rest) == 0 || isHelp(rest[0]) {
			help(stdout)
			return 0
		}
		name, rest = rest[0], []string{"-help"} // lwkt help demo
	}
	for _, c := range commands {
		if c.name == name {
			return c.main(rest, stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "lwkt: there is no command %q (lwkt help lists them)\n", name)
	return exitUsage
}

func isHelp(arg string) bool {
	return arg == "help" || arg == "-h" || arg == "-help" || arg == "--help"
}

func help(w io.Writer) {
	fmt.Fprint(w, `lwkt: serializing tokens for Go

usage: lwkt COMMAND [flags]

`)
	for _, c := range commands {
		fmt.Fprintf(w, "  %-8s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, `  help     this text; lwkt help COMMAND explains a command and its flags

Begin with: lwkt demo
`)
}
