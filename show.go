package lwkt

// What is going on: who holds which token, who waits for which set, how often and
// how long. It is the "show tokens" of DragonFly's ddb(4), with more to tell.

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// recording says who wants it to be on.
var recording struct {
	sync.Mutex
	user     bool // (Mutex)
	watchers int  // (Mutex) Watchdogs at work
}

// SetRecording switches recording for all threads from now on: each token and lock then
// counts its acquisitions and collisions, measures waits and holds, and knows where
// its holders acquired it, which messages then tell (Tokens, LockProfile). It is off to begin with and
// costs nothing then; while it is on, each acquisition takes some microseconds. It
// does not block. A hold that began before recording is not recorded.
func SetRecording(on bool) {
	recording.Lock()
	defer recording.Unlock()
	recording.user = on
	thread.SetRecording(on || recording.watchers > 0)
}

// watchRecording keeps recording on for a Watchdog more, or less.
func watchRecording(n int) {
	recording.Lock()
	defer recording.Unlock()
	recording.watchers += n
	thread.SetRecording(recording.user || recording.watchers > 0)
}

// TokenInfo is what there is to tell about a token. Its parts are read one after the
// other while the program runs, and need not fit together.
type TokenInfo struct {
	Name    string  // what SetName said last, or ""
	Address uintptr // where the token is
	Mode    Mode    // how it is held
	Owner   string  // the thread that holds it exclusively
	Shares  int     // how many threads share it

	Waiters []WaiterInfo // who waits for it, the longest first
	Holders []HolderInfo // who acquired it while recording was on

	Acquisitions uint64    // while recording was on, recursive ones not counted
	Collisions   uint64    // of these, those that had to wait
	Wait         Histogram // of collisions
	Hold         Histogram // from a grant to the release, or to the next block
}

// WaiterInfo is a thread that waits for a token, alone or with others.
type WaiterInfo struct {
	Thread   string // its name, as in messages
	Mode     Mode   // how it wants the token
	Reserved bool   // it was overtaken as often as may be: nobody may any more
}

// HolderInfo is a hold that was recorded.
type HolderInfo struct {
	Thread    string        // name of the thread, as in messages
	Goroutine uint64        // the thread's goroutine, as in stack traces
	Mode      Mode          // how it holds the token
	Held      time.Duration // since the grant or the last retake
	Site      string        // file, line and function that acquired it
}

// Tokens returns what there is to tell about each token that has a name or was
// used while recording was on, by name. Funnels are among them, those that were merged
// into others apart. It does not block.
func Tokens() []TokenInfo {
	thread.Announce(thread.Op{Kind: thread.OpSurvey})
	var infos []TokenInfo
	for _, t := range token.Known() {
		if t.Root() == t {
			infos = append(infos, describe(t))
		}
	}
	slices.SortFunc(infos, func(a, b TokenInfo) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Address, b.Address))
	})
	return infos
}

func describe(t *token.Token) TokenInfo {
	w := t.Word()
	i := TokenInfo{Name: t.Name(), Address: reflect.ValueOf(t).Pointer(), Shares: w.Shares()}
	switch {
	case w.Owner() != 0:
		i.Mode, i.Owner = Exclusive, thread.NameOf(w.Owner())
	case w.Shares() > 0:
		i.Mode = Shared
	}
	for _, c := range t.Waiters() {
		i.Waiters = append(i.Waiters, WaiterInfo{thread.NameOf(c.Thread), c.Mode, c.Hard})
	}
	figures, holders := t.Describe().Stats.Read()
	for _, h := range holders {
		if holds(t, h) {
			i.Holders = append(i.Holders, HolderInfo{
				thread.NameOf(h.Thread), h.Goroutine, h.Mode, time.Duration(hw.Now() - h.Since), thread.Site(h.Site),
			})
		}
	}
	i.Acquisitions, i.Collisions = figures.Acquisitions, figures.Collisions
	i.Wait, i.Hold = newHistogram(figures.Wait), newHistogram(figures.Hold)
	return i
}

// holds says whether a hold that was recorded can still be: its end is not, if
// recording was switched off before.
func holds(t *token.Token, h token.Holder) bool {
	w := t.Word()
	if h.Mode == Exclusive {
		return w.Owner() == h.Thread
	}
	return w.Shares() > 0
}

// ThreadInfo is what there is to tell about a thread by others.
type ThreadInfo struct {
	Name     string     // as in messages
	Waits    []WaitInfo // the set that it waits for, by name
	Sleeping string     // the wait channel that it sleeps on, or ""
}

// WaitInfo is one token of the set that a thread waits for.
type WaitInfo struct {
	Token    string // as in messages
	Mode     Mode   // how it is wanted
	Reserved bool   // it is kept for this thread
}

// Threads returns what there is to tell about the living threads, by age of their
// records. Of a set that a thread waits for, those tokens are told that Tokens tells.
// It does not block.
func Threads() []ThreadInfo {
	thread.Announce(thread.Op{Kind: thread.OpSurvey})
	waits := make(map[uint32][]WaitInfo)
	for _, t := range token.Known() {
		for _, c := range t.Waiters() {
			waits[c.Thread] = append(waits[c.Thread], WaitInfo{t.String(), c.Mode, c.Hard})
		}
	}
	channels := make(map[uint32]string)
	for key, ids := range sleepq.Sleepers() {
		for _, id := range ids {
			channels[id] = sleepq.Describe(key, sleepq.WaitChannel)
		}
	}
	var infos []ThreadInfo
	for _, t := range thread.List() {
		i := ThreadInfo{Name: t.Name, Waits: waits[t.ID], Sleeping: channels[t.ID]}
		slices.SortFunc(i.Waits, func(a, b WaitInfo) int { return cmp.Compare(a.Token, b.Token) })
		infos = append(infos, i)
	}
	return infos
}

// ResetStats sets all counts and histograms of tokens and locks to zero.
func ResetStats() {
	thread.ResetProfile()
	for _, o := range thread.Objects() {
		o.Describe().Stats.Reset()
	}
	for _, t := range token.Known() {
		t.Describe().Stats.Reset()
	}
}

// ShowTokens writes what Tokens returns as a table: a line for each token, and below
// it one for each recorded holder and each waiter. It returns the error of w.
// (ddb(4), show tokens)
func ShowTokens(w io.Writer) error { return showTokens(w, Tokens()) }

func showTokens(w io.Writer, infos []TokenInfo) error {
	var table bytes.Buffer
	columns := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "TOKEN\tMODE\tHELD BY\tACQUIRED\tCOLLIDED\tWAIT 50%\t99%\tMAX\tHOLD 50%\t99%\tMAX")
	for i := range infos {
		t := &infos[i]
		name, by := t.Name, cmp.Or(t.Owner, "-")
		if name == "" {
			name = fmt.Sprintf("%#x", t.Address)
		}
		if t.Shares > 0 {
			by = fmt.Sprintf("%d threads", t.Shares)
		}
		fmt.Fprintf(columns, "%s\t%v\t%s\t%d\t%d\t%s\t%s\n", name, t.Mode, by, t.Acquisitions, t.Collisions, cells(&t.Wait), cells(&t.Hold))
	}
	columns.Flush() // a bytes.Buffer takes it all
	var b strings.Builder
	for i, line := range slices.Collect(strings.Lines(table.String())) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
		if i == 0 {
			continue
		}
		for _, h := range infos[i-1].Holders {
			fmt.Fprintf(&b, "  held     %-9v by %s, goroutine %d, for %v, acquired at %s\n", h.Mode, h.Thread, h.Goroutine, short(h.Held), h.Site)
		}
		for _, c := range infos[i-1].Waiters {
			reserved := ""
			if c.Reserved {
				reserved = ", reserved for it"
			}
			fmt.Fprintf(&b, "  awaited  %-9v by %s%s\n", c.Mode, c.Thread, reserved)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func cells(h *Histogram) string {
	if h.Count == 0 {
		return "-\t-\t-"
	}
	return fmt.Sprintf("%v\t%v\t%v", short(h.Quantile(0.5)), short(h.Quantile(0.99)), short(h.Max))
}
