// Package demo is the demo of tokens: the same work, done under three disciplines of locking.
//
// Tellers move money between accounts chosen at random, and journal every transfer to a file before it counts (package journal
// has the protocol). What differs is how a teller gets hold of the two accounts:
//
//	mutex-unordered  a sync.Mutex an account, in the order of the request: deadlocks (unordered.go, waitfor.go)
//	mutex-ordered    a sync.Mutex an account, in address order, held across the write to disk (ordered.go)
//	tokens           a token an account, in any order, given up across the write (tokens.go)
//
// The banks share everything else: the requests (bank.go), the loop of a teller and the counting (run.go), the writer of the
// journal, and the audit at the end (audit.go). This file runs them one after the other, so that none takes the disk or
// the processors from another, and says what came out (table.go, chart.go, svg.go, json.go).
//
// Exit status: 0 all well; 1 a file could not be written or read, a journal is damaged, or an audit failed; 2 nonsense on the
// command line; 130 interrupted.
package demo

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit statuses.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// Main runs the demo with the arguments behind its name, and returns the exit status. The first interrupt ends it in an orderly
// way, a second one at once.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // gives the second interrupt back to the system
	return run(ctx, args, stdout, stderr)
}

// run is Main without the signals.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		usage(stdout)
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "lwkt demo: %v (lwkt demo -help explains)\n", err)
		return exitUsage
	}
	if cfg.replay != "" {
		err = replay(cfg, stdout)
	} else {
		err = play(ctx, cfg, stdout, stderr)
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "lwkt demo: interrupted; this is what there was until then")
		return exitInterrupted
	}
	fmt.Fprintf(stderr, "lwkt demo: %v\n", err)
	return exitFailed
}

// play runs the three disciplines and reports. Everything for people that is not the result goes to notes, which is stderr if stdout
// belongs to the JSON object.
func play(ctx context.Context, cfg config, stdout, stderr io.Writer) (err error) {
	notes := stdout
	if cfg.json {
		notes = stderr
	}
	svg, err := createOutput(cfg.svg) // first: it would be a pity to learn at the end that it cannot be written
	if err != nil {
		return err
	}
	defer svg.discard()
	where, err := openPlace(cfg.journal)
	if err != nil {
		return err
	}
	where.describe(notes)
	recoverOld(where.dir, notes)
	fmt.Fprintf(notes, "%s, %s, %v under each of %d disciplines (seed %d)\n\n",
		plural(int64(cfg.tellers), "teller"), plural(int64(cfg.accounts), "account"), cfg.duration, len(disciplines), cfg.seed)

	rep := report{cfg: cfg, place: where}
	show := newProgress(stderr)
	for _, d := range disciplines {
		if ctx.Err() != nil {
			break
		}
		res, err := d.run(ctx, cfg, where.dir, show)
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		rep.results = append(rep.results, res)
		if res.cycle != nil {
			fmt.Fprintf(notes, "%s\n", res.cycle.describe(res))
		}
	}
	rep.interrupted = ctx.Err() != nil
	unwritten := svg.finish(rep.svg) // before the report, which names the drawing only if there is one
	rep.drawn = svg != nil && unwritten == nil
	if cfg.json {
		err = rep.json(stdout)
	} else {
		err = rep.text(stdout, colours(stdout))
	}
	if err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	where.left(notes)
	if unwritten != nil {
		return unwritten
	}
	if rep.interrupted {
		return context.Canceled
	}
	return rep.failed()
}
