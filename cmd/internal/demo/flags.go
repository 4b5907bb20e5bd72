// flags.go: what may be asked for, and the text of -help. Nonsense is refused here, before anything is created: parse has no
// side effect, and a config that it returned is one that the rest of the package can run without looking again.

package demo

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/serializing-tokens/lwkt/cmd/internal/cli"
	"github.com/serializing-tokens/lwkt/cmd/internal/demo/journal"
)

// A config is a checked command line.
type config struct {
	accounts int
	tellers  int
	duration time.Duration // of each discipline
	journal  string        // directory, "" for a fresh one
	seed     uint64
	json     bool
	svg      string // file, "" for none
	replay   string // journal to read instead of running, "" to run
}

// maxTellers keeps the goroutines of one world within what any machine has memory for.
const maxTellers = 100_000

func newFlags(c *config) *flag.FlagSet {
	fs := flag.NewFlagSet("lwkt demo", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // run prints the error, in one line
	fs.Usage = func() {}
	*c = config{accounts: 16, tellers: 64, duration: 3 * time.Second, seed: 1}
	fs.Var((*cli.Int)(&c.accounts), "accounts", "`NUMBER` of accounts; fewer make them hotter")
	fs.Var((*cli.Int)(&c.tellers), "tellers", "`NUMBER` of tellers, each a goroutine")
	fs.Var((*cli.Duration)(&c.duration), "for", "`DURATION` of each discipline: new transfers are started for this long")
	fs.StringVar(&c.journal, "journal", "", "`DIR` for the journals; made if need be (default a fresh one in your cache directory)")
	fs.Var((*cli.Uint)(&c.seed), "seed", "`NUMBER` that decides who moves how much from where to where")
	fs.BoolVar(&c.json, "json", false, "print one JSON object instead of table and chart")
	fs.StringVar(&c.svg, "svg", "", "draw the wait chart into this `FILE`, too")
	fs.StringVar(&c.replay, "replay", "", "run nothing: replay the journal in this `FILE` and say what it holds;\n"+
		"with -json as one object")
	return fs
}

// parse reads the command line. The error is flag.ErrHelp, or one line that says what is wrong.
func parse(args []string) (c config, err error) {
	fs := newFlags(&c)
	if err := fs.Parse(args); err != nil {
		return c, err
	}
	set := make(map[string]bool)
	fs.Visit(func(f *flag.Flag) { set[f.Name] = true })
	switch {
	case fs.NArg() > 0:
		return c, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case c.accounts < 2:
		return c, fmt.Errorf("-accounts %d: a transfer needs at least 2", c.accounts)
	case c.accounts > journal.MaxAccounts:
		return c, fmt.Errorf("-accounts %d: at most %d", c.accounts, journal.MaxAccounts)
	case c.tellers < 1:
		return c, fmt.Errorf("-tellers %d: somebody must work, at least 1", c.tellers)
	case c.tellers > maxTellers:
		return c, fmt.Errorf("-tellers %d: at most %d", c.tellers, maxTellers)
	case c.duration <= 0:
		return c, fmt.Errorf("-for %v: must be more than nothing, such as 3s", c.duration)
	}
	for _, name := range []string{"journal", "svg", "replay"} {
		if set[name] && fs.Lookup(name).Value.String() == "" {
			return c, fmt.Errorf("-%s needs a name", name)
		}
	}
	delete(set, "json")
	if set["replay"] && len(set) > 1 {
		return c, errors.New("-replay reads a journal and runs nothing: it goes with no other flag but -json")
	}
	return c, nil
}

// usage is the text of -help.
func usage(w io.Writer) {
	fmt.Fprint(w, `usage: lwkt demo [flags]

Tellers move money between accounts chosen at random and journal every transfer to a file,
synced to disk before it counts. The same work runs under three disciplines, one after the
other:

  mutex-unordered  a sync.Mutex for each account, locked in the order of the request. It
                   deadlocks. The demo finds the cycle, shows who waits for whom, gives
                   that world up and goes on with a new one.
  mutex-ordered    a sync.Mutex for each account, locked in address order and held across
                   the write. It works, and everybody who wants one of the two accounts
                   waits for the disk.
  tokens           a token for each account, taken in any order and given up across the
                   write: others work on the same accounts meanwhile. The balance is looked
                   at again where somebody did.

In the end an audit replays each journal: the sum must be what it was, the balances must be
those in memory. It vouches only for what came to its end:
ok (last world): the worlds before ended in a deadlock; of them it says only that no transfer
is missing in the journal.
not finished: every world of that discipline ended in a deadlock, so there are no final
balances to audit.

All numbers depend on how fast the disk does an fsync.

Waits are for both accounts of a transfer; for tokens the wait to get them back after the
write is included. The percentiles are those of the waits that ended; the column "never"
is the share of those that did not.

Where tokens do not pay: with few tellers on many accounts nobody is in anybody's way, and
the second sync that a transfer needs when its accounts were given up makes tokens the
slower ones. Try -accounts 1000 -tellers 4. On a tmpfs a sync costs nothing, and there is
no disk to wait for.

flags:
`)
	fs := newFlags(new(config))
	fs.SetOutput(w)
	fs.PrintDefaults()
	fmt.Fprint(w, `
The table, the chart and the names of the journals go to standard output, progress goes to
standard error. The journals are kept; the last lines say how to remove them.

Exit status: 0 all well, 1 trouble with a file or a failed audit, 2 nonsense on the command
line, 130 interrupted. Of -replay: 0 if the run that wrote the journal ended on purpose or
was interrupted (then the end is missing, and what is there holds); 1 if the journal is
damaged (whole records follow a bad one), is empty or none at all, cannot be read, or if
its sum is wrong.
`)
}
