// Command bench measures what the witness costs a program that only uses package sync, beside that program without it and beside the
// same program with the locks of go-deadlock, in the version that go.mod pins. From the root of the repository:
//
//	go run ./bench
//
// What makes the comparison fair, and where each rule lives:
//
//   - The three programs are built from one text (worker), the watched one by `witness build`, as its users build (run.go).
//   - Rounds alternate, a b c, c b a, each in a process of its own, so that a machine that slows down does so to all (run.go).
//   - The median of the rounds counts, and a ratio is one of medians (report.go).
//
// A figure for which there is a bound says ok or MISS.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"
)

const usageText = `usage: go run ./bench [flags]

Measures package sync plain, package sync with the witness below it, and go-deadlock: one program built in three ways, rounds
interleaved, medians. A ratio is the figure of a column / plain.

`

// config is the command line, understood.
type config struct {
	json   bool
	http   bool
	rows   []row
	rounds int
	long   time.Duration
	number int
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run gives the exit status: 0 measured, 1 something could not be, 2 nonsense on the command line. A bound that is missed is a result.
func run(args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "bench: %v (-help explains)\n", err)
		return 2
	}
	h, figures, err := measure(cfg)
	if err == nil && cfg.json {
		err = writeJSON(stdout, h, figures)
	} else if err == nil {
		err = writeTable(stdout, h, figures)
	}
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

// parse reads the command line, and prints the help if asked.
func parse(args []string, help io.Writer) (config, error) {
	var cfg config
	var pattern string
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.BoolVar(&cfg.json, "json", false, "print one JSON object, and nothing else")
	fs.BoolVar(&cfg.http, "http", false, "also run the tests of net/http, short, three times with the witness and without: some minutes")
	fs.StringVar(&pattern, "run", "", "measure only the rows whose name matches `REGEXP`")
	fs.IntVar(&cfg.rounds, "rounds", 7, "`NUMBER` of rounds, three at most where locks are many")
	fs.DurationVar(&cfg.long, "for", 100*time.Millisecond, "`DURATION` of a round, at least")
	fs.IntVar(&cfg.number, "locks", 1_000_000, "`NUMBER` of short-lived locks")
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(help, usageText)
		fs.SetOutput(help)
		fs.PrintDefaults()
		fmt.Fprint(help, "\nrows:\n")
		for _, r := range rows {
			fmt.Fprintf(help, "  %-14s %s\n", r.name, r.what)
		}
		fmt.Fprint(help, "\nExit status: 0 measured, bounds met or not; 1 something could not be measured; 2 nonsense on the command line.\n")
		return cfg, err
	}
	re, bad := regexp.Compile(pattern)
	switch {
	case err != nil:
		return cfg, err
	case fs.NArg() > 0:
		return cfg, fmt.Errorf("unexpected argument %q (rows are chosen by -run)", fs.Arg(0))
	case bad != nil:
		return cfg, fmt.Errorf("-run %q: %w", pattern, bad)
	case cfg.rounds < 1 || cfg.long <= 0 || cfg.number < 1:
		return cfg, errors.New("-rounds, -for and -locks need something above zero")
	}
	for _, r := range rows {
		if re.MatchString(r.name) {
			cfg.rows = append(cfg.rows, r)
		}
	}
	if len(cfg.rows) == 0 && !cfg.http {
		return cfg, fmt.Errorf("-run %q matches no row", pattern)
	}
	return cfg, nil
}
