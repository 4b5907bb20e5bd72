package ddb

// The commands: one line of text in, text or JSON out.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/witness"
)

// A Command is something that Run knows.
type Command struct {
	Name     string                                   // as it is typed; "show" may be left away, or put before any
	Argument string                                   // what may follow, or ""
	Summary  string                                   // what it shows
	text     func(w io.Writer, argument string) error // to a buffer
	data     func(argument string) (any, error)
}

var commands = []Command{
	{"show locks", "", "which locks are held, by whom, since when, acquired where", showLocks, locksData},
	{"show all locks", "", "what each thread holds, tokens too", showAllLocks, allLocksData},
	{"show tokens", "", "all tokens: who has them, who waits, how long that takes",
		func(w io.Writer, _ string) error { return lwkt.ShowTokens(w) }, tokensData},
	{"show witness", "", "the orders in which classes of locks were taken, and what was wrong", showWitness, witnessData},
	{"lockchain", "[THREAD]", "what a thread waits for, who has that, what that one waits for, and so on; of all that wait, without one", showChains, chainsData},
	{"sleepq", "", "sleep queues: waits that may take for ever",
		func(w io.Writer, _ string) error { return lwkt.ShowSleepQueues(w) },
		func(string) (any, error) { return queuesData(lwkt.SleepQueues()), nil }},
	{"turnstile", "", "turnstiles: waits for locks, with what is lent to their owners",
		func(w io.Writer, _ string) error { return lwkt.ShowTurnstiles(w) },
		func(string) (any, error) { return queuesData(lwkt.Turnstiles()), nil }},
}

// Commands returns what Run knows. The slice is the caller's.
func Commands() []Command { return slices.Clone(commands) }

// ErrUnknown is what an error of Run is, by errors.Is, if there is no such command.
var ErrUnknown = errors.New("no such command")

// Run performs a command and writes what it shows: as text, or as one JSON object if the line begins with
// "json" or has "-json" in it. The errors are ErrUnknown, one that says what is wrong with the argument, and that of
// w; with one of the first two nothing is written. It blocks only in w. (ddb(4))
func Run(w io.Writer, line string) error {
	words := strings.Fields(line)
	asJSON := len(words) > 0 && words[0] == "json"
	if asJSON {
		words = words[1:]
	}
	words = slices.DeleteFunc(words, func(s string) bool {
		asJSON = asJSON || s == "-json"
		return s == "-json"
	})
	c, argument, err := find(words)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if asJSON {
		v, err := c.data(argument)
		if err != nil {
			return err
		}
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		if err := enc.Encode(v); err != nil {
			return err
		}
	} else if err := c.text(&b, argument); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

func find(words []string) (c Command, argument string, err error) {
	rest := words
	if len(rest) > 0 && rest[0] == "show" {
		rest = rest[1:]
	}
	for _, c := range commands {
		name := strings.Fields(strings.TrimPrefix(c.Name, "show "))
		if len(rest) < len(name) || !slices.Equal(rest[:len(name)], name) {
			continue
		}
		argument = strings.Join(rest[len(name):], " ")
		if argument != "" && c.Argument == "" {
			return c, "", fmt.Errorf("%s takes no argument, and %q is one", c.Name, argument)
		}
		return c, argument, nil
	}
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	return c, "", fmt.Errorf("%w: %q; there are %s", ErrUnknown, strings.Join(words, " "), strings.Join(names, ", "))
}

const howToRecord = "lwkt.SetRecording(true) switches it on, or record on in lwkt ddb\n\n"

// note says why less is shown than there may be; tokens says whether tokens are to be shown.
func note(w io.Writer, tokens bool) {
	switch {
	case Recording() || thread.Listed() && !tokens:
	case thread.Listed():
		io.WriteString(w, "recording is off, so of tokens only exclusive owners are known; "+howToRecord)
	default:
		io.WriteString(w, "recording is off, and the witness too, so nothing is known but the owners of what is waited for; "+howToRecord)
	}
}

func showLocks(w io.Writer, _ string) error {
	note(w, false)
	holds := Locks()
	for i, h := range holds {
		if i == 0 || h.Lock != holds[i-1].Lock || h.Address != holds[i-1].Address {
			fmt.Fprintln(w, h.Lock)
		}
		fmt.Fprintf(w, "  %s by %s%s\n", h.Mode, h.Thread, h.where())
	}
	if len(holds) == 0 {
		fmt.Fprintln(w, "no lock is held")
	}
	return nil
}

func showAllLocks(w io.Writer, _ string) error {
	note(w, true)
	threads := AllLocks()
	for _, t := range threads {
		fmt.Fprintln(w, t.Name)
		for _, h := range t.Holds {
			fmt.Fprintf(w, "  %s, %s%s\n", h.Lock, h.Mode, h.where())
		}
	}
	if len(threads) == 0 {
		fmt.Fprintln(w, "no thread holds anything")
	}
	return nil
}

// where tells the rest of a hold.
func (h Hold) where() string {
	if h.Site == "" {
		return ", acquired while nothing was recorded"
	}
	return fmt.Sprintf(", goroutine %d, for %v, acquired at %s", h.Goroutine, rounded(h.Held), h.Site)
}

// rounded leaves three digits or so.
func rounded(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}

func locksData(string) (any, error) {
	return struct {
		Recording bool   `json:"recording"`
		Locks     []Hold `json:"locks"`
	}{Recording(), filled(Locks())}, nil
}

func allLocksData(string) (any, error) {
	return struct {
		Recording bool     `json:"recording"`
		Threads   []Thread `json:"threads"`
	}{Recording(), filled(AllLocks())}, nil
}

// filled is an empty slice for nil, which JSON has as null.
func filled[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func showWitness(w io.Writer, _ string) error {
	writeWitness(w, witness.Enabled(), witness.Orders(), witness.Reports())
	return nil
}

func witnessData(string) (any, error) {
	return struct {
		Enabled bool             `json:"enabled"`
		Orders  witness.Graph    `json:"orders"`
		Reports []witness.Report `json:"reports"`
	}{witness.Enabled(), witness.Orders(), witness.Reports()}, nil
}

func showChains(w io.Writer, argument string) error {
	list, err := chains(argument)
	if err == nil {
		writeChains(w, list)
	}
	return err
}

func chainsData(argument string) (any, error) {
	list, err := chains(argument)
	return struct {
		Chains [][]Link `json:"chains"`
	}{list}, err
}

type jsonTimes struct {
	Count uint64        `json:"count"`
	Sum   time.Duration `json:"sum_ns"`
	P50   time.Duration `json:"p50_ns"`
	P99   time.Duration `json:"p99_ns"`
	Max   time.Duration `json:"max_ns"`
}

func times(h lwkt.Histogram) jsonTimes {
	if h.Count == 0 {
		return jsonTimes{}
	}
	return jsonTimes{h.Count, h.Sum, h.Quantile(0.5), h.Quantile(0.99), h.Max}
}

type jsonToken struct {
	Token        string       `json:"token"`
	Address      string       `json:"address"`
	Mode         string       `json:"mode"`
	Owner        string       `json:"owner,omitempty"`
	Shares       int          `json:"shares,omitempty"`
	Holders      []Hold       `json:"holders"`
	Waiters      []jsonWaiter `json:"waiters"`
	Acquisitions uint64       `json:"acquisitions"`
	Collisions   uint64       `json:"collisions"`
	Wait         jsonTimes    `json:"wait"`
	Hold         jsonTimes    `json:"hold"`
}

type jsonWaiter struct {
	Thread   string `json:"thread"`
	Mode     string `json:"mode,omitempty"`
	Priority int    `json:"priority,omitempty"`
	Called   bool   `json:"called,omitempty"`
	Reserved bool   `json:"reserved,omitempty"`
}

func tokensData(string) (any, error) {
	list := []jsonToken{}
	for _, t := range lwkt.Tokens() {
		waiters := []jsonWaiter{}
		for _, c := range t.Waiters {
			waiters = append(waiters, jsonWaiter{Thread: c.Thread, Mode: c.Mode.String(), Reserved: c.Reserved})
		}
		list = append(list, jsonToken{
			tokenTitle(t), fmt.Sprintf("%#x", t.Address), t.Mode.String(), t.Owner, t.Shares, filled(tokens([]lwkt.TokenInfo{t})), waiters,
			t.Acquisitions, t.Collisions, times(t.Wait), times(t.Hold),
		})
	}
	return struct {
		Recording bool        `json:"recording"`
		Tokens    []jsonToken `json:"tokens"`
	}{Recording(), list}, nil
}

type jsonQueue struct {
	Chain         int          `json:"chain"`
	On            string       `json:"on"`
	Lock          string       `json:"lock,omitempty"` // that the sleepers dropped
	Owner         string       `json:"owner,omitempty"`
	OwnerPriority int          `json:"owner_priority,omitempty"`
	OwnerLent     int          `json:"owner_lent,omitempty"`
	Exclusive     []jsonWaiter `json:"exclusive"`
	Shared        []jsonWaiter `json:"shared"`
}

func queuesData(infos []lwkt.QueueInfo) any {
	waiters := func(list []lwkt.QueuedInfo) []jsonWaiter {
		out := []jsonWaiter{}
		for _, q := range list {
			out = append(out, jsonWaiter{Thread: q.Thread, Priority: q.Priority, Called: q.Called, Reserved: q.Hard})
		}
		return out
	}
	queues := []jsonQueue{}
	for _, q := range infos {
		queues = append(queues, jsonQueue{q.Chain, q.On, q.Lock, q.Owner, q.OwnerPriority, q.OwnerLent, waiters(q.Exclusive), waiters(q.Shared)})
	}
	return struct {
		Queues []jsonQueue `json:"queues"`
	}{queues}
}
