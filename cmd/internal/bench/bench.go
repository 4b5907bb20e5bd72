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
//     the lock's methods (cells.go, locks.go, rivals.go; transfer.go, block.go, threads.go).
//   - Locks, threads and goroutines are made before the clock starts, and lie in cache lines of their
//     own on both sides (crew.go).
//   - What the lock protects is counted and compared after each round: a lock that is fast because it
//     excludes nobody ends the run with an error.
//   - Rows share one time budget and give up rounds rather than rows (runner.go).
//
// To add a lock: write its cell and its kind in locks.go, which says how.
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

	"github.com/serializing-tokens/lwkt/cmd/internal/cli"
)

// defaultBudget keeps a whole run, with the link of `go run` before it, well inside 35 seconds.
const defaultBudget = 26 * time.Second

const usageText = `usage: lwkt bench [flags]

Measures tokens and locks beside sync.Mutex and sync.RWMutex, a semaphore and what sleeps
beside channels and sync.Cond: all in this process, rounds interleaved, medians. A
ratio is lwkt / sync: below 1 ours is faster.

K is the bypass bound: how often a waiter is overtaken before the token is handed to it.
Rows run with the default, %d; those that end in -k0 and -k64 repeat the row above them with
0, which is to hand it over always, and with 64. It concerns tokens only.

flags:
`

// usage prints what the command does, its flags and its rows.
func usage(w io.Writer) {
	fmt.Fprintf(w, usageText, defaultK)
	fs := newFlags(new(config), new(string))
	fs.SetOutput(w)
	fs.PrintDefaults()
	fmt.Fprint(w, "\nrows:\n")
	for i := range rows {
		for _, v := range rows[i].variants(defaultK) {
			what := rows[i].what
			if v.name != rows[i].name {
				what = fmt.Sprintf("the same, K = %d", v.k)
			}
			fmt.Fprintf(w, "  %-24s %s\n", v.name, what)
		}
	}
	fmt.Fprint(w, `
The table or the JSON array goes to standard output; progress goes to standard error, if
that is a terminal. Each object of the array begins with "name", "lwkt_ns", "sync_ns" and
"ratio"; "target" is null for a row without one.

Exit status: 0 measured, targets met or not; 1 something could not be measured or written;
2 nonsense on the command line.
`)
}

// config is the command line, understood.
type config struct {
	json    bool
	explore bool // instead of the rows
	budget  time.Duration
	groups  []group
}

// Main runs `lwkt bench` and returns its exit status: 0, 1 if something could not be measured or
// written, 2 for a command line that makes no sense. Missing a target is a result, not an error.
func Main(args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		usage(stdout)
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "lwkt bench: %v (lwkt bench -help explains)\n", err)
		return 2
	case cfg.explore:
		return measureExploring(cfg.json, stdout, stderr)
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
		err = writeJSON(stdout, h, results)
	} else {
		err = writeTable(stdout, h, results)
	}
	if err != nil {
		fmt.Fprintf(stderr, "lwkt bench: writing the results: %v\n", err)
		return 1
	}
	return 0
}

// newFlags sets the defaults. The flag package's own complaint is held back, so that every error comes
// out once and in one form.
func newFlags(cfg *config, pattern *string) *flag.FlagSet {
	fs := flag.NewFlagSet("lwkt bench", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	cfg.budget = defaultBudget
	fs.BoolVar(&cfg.json, "json", false, "print one JSON array on stdout, and nothing else")
	fs.BoolVar(&cfg.explore, "explore", false, "measure exploring schedules instead of locks; of the other flags only -json goes with it")
	fs.StringVar(pattern, "run", "", "measure only the rows whose name matches `REGEXP`")
	fs.Var((*cli.Duration)(&cfg.budget), "budget", "wall-clock `DURATION` of all rows together; less means fewer rounds")
	return fs
}

// parse reads the command line. The error is flag.ErrHelp, or one line that says what is wrong.
func parse(args []string) (config, error) {
	var cfg config
	var pattern string
	fs := newFlags(&cfg, &pattern)
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	if fs.NArg() > 0 {
		return cfg, fmt.Errorf("unexpected argument %q (rows are chosen by -run)", fs.Arg(0))
	}
	if other := pattern != "" || cfg.budget != defaultBudget; cfg.explore && other {
		return cfg, errors.New("-explore goes with no other flag but -json")
	}
	if cfg.budget <= 0 {
		return cfg, fmt.Errorf("-budget %v: needs a time above zero", cfg.budget)
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return cfg, fmt.Errorf("-run %q is no regular expression: %w", pattern, err)
	}
	cfg.groups = groups(rows, defaultK, re.MatchString)
	if len(cfg.groups) == 0 {
		return cfg, fmt.Errorf("-run %q matches no row; there are, for example, %s", pattern,
			strings.Join(names(rows)[:3], ", "))
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
