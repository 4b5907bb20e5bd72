// Package bench measures this package's locks beside their counterparts in sync: same machine, same
// process, same minute.
//
// What makes the comparison fair, and where each rule lives:
//
//   - Both sides of a row run in one process, round about: a b, b a, a b ... so that a machine that
//     slows down or speeds up meanwhile does so to both (runner.go).
//   - The median of several rounds counts, and the ratio is the ratio of the medians (report.go).
//   - A timed loop calls its lock directly: no interface, no closure and no type parameter stands
//     between the loop and the lock, and both loops of a row are the same text but for the names of
//     the lock's methods (pairs.go, crowd.go, readers.go, transfer.go, block.go, threads.go).
//   - Locks, threads and goroutines are made before the clock starts, and lie in cache lines of their
//     own on both sides (crew.go).
//   - What the lock protects is counted and compared after each round: a lock that is fast because it
//     excludes nobody ends the run with an error.
//   - Rows share one time budget and give up rounds rather than rows (runner.go).
//
// To add a lock: write its loop next to that of its counterpart, and add its rows to rows.go.
// `go test -bench Rows` runs the same table.
package bench

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// defaultBudget keeps a whole run, with the link of `go run` before it, well inside 35 seconds.
const defaultBudget = 26 * time.Second

const usage = `usage: lwkt bench [-json] [-run REGEXP] [-budget DURATION]

Measures tokens beside sync.Mutex and sync.RWMutex: both in this process, rounds
interleaved, medians. A ratio is lwkt / sync: below 1 the token is faster.
Rows that end in -k0 and -k64 repeat the row above them with another bypass bound.

`

// writeUsage prints what the command does, its flags and its rows.
func writeUsage(w io.Writer, fs *flag.FlagSet) {
	fmt.Fprint(w, usage)
	fs.SetOutput(w)
	fs.PrintDefaults()
	fmt.Fprint(w, "\nRows:\n")
	for i := range rows {
		fmt.Fprintf(w, "  %-20s %s\n", rows[i].name, rows[i].what)
	}
}

// config is the command line, understood.
type config struct {
	json   bool
	budget time.Duration
	groups []group
}

// Main runs `lwkt bench` and returns its exit status: 0, 1 if something could not be measured or
// written, 2 for a command line that makes no sense. Missing a target is a result, not an error.
func Main(args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "lwkt bench: %v\n", err)
		return 2
	}

	p := newProgress(stderr)
	p.show("measuring what 1 µs and a 100 µs block are here")
	h := newHeader(time.Now())
	r := newRunner(p.show)
	results, err := r.all(cfg.groups, cfg.budget)
	p.clear()
	if err != nil {
		fmt.Fprintf(stderr, "lwkt bench: %v\n", err)
		return 1
	}

	if cfg.json {
		err = writeJSON(stdout, results)
	} else {
		err = writeTable(stdout, h, results)
	}
	if err != nil {
		fmt.Fprintf(stderr, "lwkt bench: writing the results: %v\n", err)
		return 1
	}
	return 0
}

// parse reads the command line. The flag package's own complaint is held back, so that every error
// comes out once and in one form.
func parse(args []string, stderr io.Writer) (config, error) {
	var cfg config
	fs := flag.NewFlagSet("lwkt bench", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.BoolVar(&cfg.json, "json", false, "print one JSON array on stdout, and nothing else")
	pattern := fs.String("run", "", "measure only the rows whose name matches `REGEXP`")
	fs.DurationVar(&cfg.budget, "budget", defaultBudget, "wall `time` for all rows together; less means fewer rounds")

	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			writeUsage(stderr, fs)
		}
		return cfg, err
	}
	if fs.NArg() > 0 {
		return cfg, fmt.Errorf("unexpected argument %q (rows are chosen by -run)", fs.Arg(0))
	}
	if cfg.budget <= 0 {
		return cfg, fmt.Errorf("-budget %v: needs a time above zero", cfg.budget)
	}
	re, err := regexp.Compile(*pattern)
	if err != nil {
		return cfg, fmt.Errorf("-run %q is no regular expression: %w", *pattern, err)
	}
	cfg.groups = groups(rows, defaultK(), re.MatchString)
	if len(cfg.groups) == 0 {
		return cfg, fmt.Errorf("-run %q matches no row; there are:\n  %s", *pattern,
			strings.Join(names(rows), "\n  "))
	}
	return cfg, nil
}

// progress is one line on a terminal, rewritten; anywhere else it is nothing at all.
type progress struct{ w io.Writer }

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	if !ok {
		return &progress{}
	}
	st, err := f.Stat()
	if err != nil || st.Mode()&os.ModeCharDevice == 0 || os.Getenv("TERM") == "dumb" || runtime.GOOS == "windows" {
		return &progress{}
	}
	return &progress{w: f}
}

func (p *progress) show(line string) {
	if p.w != nil {
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
	}
}

func (p *progress) clear() { p.show("") }
