// Package ddb answers the questions that are asked of a program that stands still, or
// crawls: which locks and tokens are held, by whom, since when and from where; who waits for whom;
// which orders of locks were seen. The answers are data, text and JSON; package debughttp serves them,
// and "lwkt ddb URL" is a prompt for them. The commands are those of the debuggers of the BSD kernels (ddb(4)).
//
// Nothing here blocks or stops the program: what is asked for is read while it runs, one thing after
// the other, and need not fit together.
package ddb

import (
	"cmp"
	"fmt"
	"slices"
	"time"
	"unsafe"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// A Hold is a lock or token that a thread has.
type Hold struct {
	Lock      string        `json:"lock"`                // class and name, or address, as in messages
	Address   string        `json:"address,omitempty"`   // where it is, if that is known
	Mode      string        `json:"mode"`                // shared or exclusive
	Thread    string        `json:"thread"`              // as in messages
	Goroutine uint64        `json:"goroutine,omitempty"` // of the thread, as in stack traces
	Held      time.Duration `json:"held_ns,omitempty"`   // since when; says nothing on a simulated machine, whose time is its own
	Site      string        `json:"site,omitempty"`      // where it was acquired: file, line and function; "" if that was not recorded
}

// Recording says whether holds are recorded (lwkt.SetRecording, or a Watchdog is at work). It does not block.
func Recording() bool { return thread.Recording() }

// Locks returns who has which lock other than tokens, by lock: what was acquired while recording
// or the witness is on, and the owners of locks that somebody waits for. It does not block. (ddb(4), show locks)
func Locks() (holds []Hold) {
	now := hw.Now()
	if thread.Listed() { // else the end of a hold may have gone unrecorded
		for _, o := range thread.Objects() {
			_, holders := o.Describe().Stats.Read()
			for _, h := range holders {
				holds = append(holds, Hold{
					o.Title(o.Class()), fmt.Sprintf("%#x", uintptr(unsafe.Pointer(o))), h.Mode.String(), thread.NameOf(h.Thread),
					h.Goroutine, max(time.Duration(now-h.Since), 0), thread.Site(h.Site),
				})
			}
		}
	}
	recorded := len(holds)
	for _, q := range slices.Concat(lwkt.Turnstiles(), lwkt.SleepQueues()) {
		known := func(h Hold) bool { return h.Lock == q.On && h.Thread == q.Owner }
		if q.Owner != "" && !slices.ContainsFunc(holds[:recorded], known) {
			holds = append(holds, Hold{Lock: q.On, Mode: lwkt.Exclusive.String(), Thread: q.Owner})
		}
	}
	slices.SortFunc(holds, func(a, b Hold) int {
		return cmp.Or(cmp.Compare(a.Lock, b.Lock), cmp.Compare(a.Address, b.Address), -cmp.Compare(a.Held, b.Held), cmp.Compare(a.Thread, b.Thread))
	})
	return holds
}

// tokens is Locks for tokens. An owner is known even if its hold was not recorded.
func tokens(infos []lwkt.TokenInfo) (holds []Hold) {
	for _, t := range infos {
		at := fmt.Sprintf("%#x", t.Address)
		owner := t.Owner
		for _, h := range t.Holders {
			holds = append(holds, Hold{tokenTitle(t), at, h.Mode.String(), h.Thread, h.Goroutine, max(h.Held, 0), h.Site})
			if h.Thread == owner {
				owner = ""
			}
		}
		if owner != "" {
			holds = append(holds, Hold{Lock: tokenTitle(t), Address: at, Mode: t.Mode.String(), Thread: owner})
		}
	}
	return holds
}

func tokenTitle(t lwkt.TokenInfo) string {
	if t.Name == "" {
		return fmt.Sprintf("token %#x", t.Address)
	}
	return fmt.Sprintf("token %q", t.Name)
}

// A Thread is a thread that holds something.
type Thread struct {
	Name  string `json:"thread"` // as in messages
	Holds []Hold `json:"holds"`  // locks, then tokens, of each the longest held first
}

// AllLocks returns what each thread that holds a lock or token holds, by age of the threads' records. What it
// can know is what Locks can, and of tokens the exclusive owners besides. It does not block. (ddb(4), show all locks)
func AllLocks() (list []Thread) {
	has := map[string][]Hold{}
	for _, holds := range [][]Hold{Locks(), tokens(lwkt.Tokens())} { // read at different times
		slices.SortStableFunc(holds, func(a, b Hold) int { return -cmp.Compare(a.Held, b.Held) })
		for _, h := range holds {
			has[h.Thread] = append(has[h.Thread], h)
		}
	}
	add := func(name string) {
		if holds := has[name]; len(holds) > 0 {
			list = append(list, Thread{name, holds})
			delete(has, name)
		}
	}
	for _, t := range lwkt.Threads() {
		add(t.Name)
	}
	return list
}
