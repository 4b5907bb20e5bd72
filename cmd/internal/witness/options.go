package witness

// The flags of our own, which may stand anywhere among those of the go command.

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/serializing-tokens/lwkt/cmd/internal/cli"
	"github.com/serializing-tokens/lwkt/cmd/internal/witness/gocmd"
	"github.com/serializing-tokens/lwkt/cmd/internal/witness/report"
	"github.com/serializing-tokens/lwkt/cmd/internal/witness/suppress"
)

// options are what a command line asks of the witness.
type options struct {
	json        bool
	goTestJSON  bool
	sarif       string
	junit       string
	svg         string // of graph
	min         report.Severity
	known       string // the file of suppressions
	reason      reason // to write one with
	channels    bool
	every       cli.Duration
	long        cli.Int
	std         bool
	passedDown  []string // what is for the go command
	printsUsage bool
}

// value is a flag that takes a value.
type value interface{ Set(string) error }

// text is a flag of a string.
type text struct{ to *string }

func (t text) Set(s string) error {
	*t.to = s
	return nil
}

// reason is a flag of why reports are to be suppressed.
type reason string

func (r *reason) Set(s string) error {
	*r = reason(s)
	return suppress.Reason(s)
}

// parse takes our flags out of the arguments. What follows -args, or the package of run, is the program's.
func parse(verb string, args []string) (options, error) {
	o := options{min: report.Possible, every: cli.Duration(time.Second), known: ".witness"}
	bools := map[string]*bool{"json": &o.json, "gotest-json": &o.goTestJSON, "chan": &o.channels, "std": &o.std}
	values := map[string]value{
		"sarif": text{&o.sarif}, "junit": text{&o.junit}, "svg": text{&o.svg}, "known": text{&o.known}, "suppress": &o.reason,
		"min-severity": &o.min, "every": &o.every, "long": &o.long,
	}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "-args" || arg == "--args" || verb == "run" && !strings.HasPrefix(arg, "-") && !takesValue(o.passedDown) {
			o.passedDown = append(o.passedDown, args[i:]...)
			break
		}
		name, val, has := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		b, v := bools[name], values[name]
		switch {
		case !strings.HasPrefix(arg, "-") || b == nil && v == nil:
			if slices.Contains([]string{"-h", "-help", "--help"}, arg) {
				o.printsUsage = true
				return o, nil
			}
			o.passedDown = append(o.passedDown, arg)
		case b != nil:
			if *b = true; has {
				if val != "true" && val != "false" {
					return o, fmt.Errorf("-%s=%s: write true or false", name, val)
				}
				*b = val == "true"
			}
		default:
			if !has {
				if i++; i == len(args) {
					return o, fmt.Errorf("-%s needs a value", name)
				}
				val = args[i]
			}
			if err := v.Set(val); err != nil {
				return o, fmt.Errorf("-%s %s: %w", name, val, err)
			}
		}
	}
	return o, nil
}

// takesValue says whether the last argument is a flag of the go command whose value comes next.
func takesValue(args []string) bool {
	return len(args) > 0 && gocmd.TakesValue(args[len(args)-1])
}

const usage = `witness: lock-order reversals, recursions and deadlocks of any Go program that uses package sync

usage: witness test  [flags] [go test flags] [packages]
       witness run   [flags] [go run flags] package [arguments]
       witness build [flags] [go build flags] [packages]
       witness graph [flags] [go test flags] [packages]

test and run print what was found when the program has ended; exit status 0 if nothing was, 1 if there is a report or the
program or a test fails, 2 if it could not be run. build makes a program that prints what it finds to its standard error output.
graph runs the tests and prints the orders in which locks were taken, for graphviz; -json as data, -svg FILE as a picture.

  -json               reports as JSON on the standard output, and nothing else there
  -gotest-json        the -json of go test
  -sarif FILE         reports also as SARIF, for code review
  -junit FILE         reports also as JUnit, for build servers
  -min-severity S     only reports that are at least possible, likely or certain (possible)
  -known FILE         the suppressions, with reasons (.witness in the folder of the module)
  -suppress REASON    add what is found to that file
  -chan               also report waiting for a channel with a lock held
  -long N             also report locks held for N seconds whose function has returned
  -every D            how often to look for goroutines that hang (1s)
  -std                also report what concerns nothing but the standard library
`
