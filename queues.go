package lwkt

// Who waits for which lock, and who sleeps on what: the turnstiles and sleep queues.

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/turnstile"
	"github.com/serializing-tokens/lwkt/internal/waitq"
)

// QueueInfo is a turnstile or a sleep queue that somebody waits on.
type QueueInfo struct {
	Chain int    // in which chain of the table it is
	On    string // the lock or wait channel, as in messages
	Lock  string // of a sleep queue: the lock that the sleepers dropped, or ""
	Event bool   // of a sleep queue: it is of no lock, and who is on it waits for a wakeup

	Owner         string // of a turnstile: the thread that has the lock exclusively, or ""
	OwnerPriority int    // with what it is lent
	OwnerLent     int    // what it is lent, or 0

	Exclusive []QueuedInfo // who waits for exclusive use, and every sleeper, the next one first
	Shared    []QueuedInfo // who waits for shared use
}

// QueuedInfo is a thread on a queue.
type QueuedInfo struct {
	Thread   string // its name, as in messages
	Priority int    // with what it is lent
	Called   bool   // it was woken, and has not tried yet
	Hard     bool   // it was overtaken as often as may be: nobody may any more
}

// Turnstiles returns the locks that are waited for on turnstiles, by chain. It does not block.
// (turnstile(9))
func Turnstiles() []QueueInfo { return queues(turnstile.Table) }

// SleepQueues returns what is slept on, locks that may be held across sleep among it, by
// chain. It does not block. (sleepqueue(9))
func SleepQueues() []QueueInfo { return queues(sleepq.Table) }

func queues(t *waitq.Table) (infos []QueueInfo) {
	thread.Announce(thread.Op{Kind: thread.OpSurvey})
	t.Each(func(chain int, q *waitq.Queue) {
		i := QueueInfo{Chain: chain, Exclusive: queued(q, Exclusive), Shared: queued(q, Shared)}
		if l, ok := q.Key.(thread.Lock); ok {
			i.On = l.What()
			if id := l.Holder(); id != 0 {
				i.Owner = thread.NameOf(id)
			}
		} else {
			i.Event = true
			i.On = sleepq.Describe(q.Key, q.Best().Kind)
		}
		if o := q.Holder; o != nil {
			i.Owner, i.OwnerPriority, i.OwnerLent = thread.NameOf(o.ID()), thread.PriorityOf(o.Grade()), thread.PriorityOf(o.Lent())
		}
		if l, ok := q.Best().With.(sleepq.Interlock); ok {
			if i.Lock = l.Obj().Title(l.Class()); i.Lock == i.On { // it is part of that
				i.Lock = ""
			}
		}
		infos = append(infos, i)
	})
	slices.SortStableFunc(infos, func(a, b QueueInfo) int {
		return cmp.Or(cmp.Compare(a.Chain, b.Chain), cmp.Compare(a.On, b.On))
	})
	return infos
}

func queued(q *waitq.Queue, m Mode) (list []QueuedInfo) {
	q.Waiters(m, func(w *waitq.Waiter) bool {
		list = append(list, QueuedInfo{thread.NameOf(w.TD.ID()), w.Priority(), w.State == waitq.Called, w.Hard})
		return true
	})
	return list
}

// ShowTurnstiles writes what Turnstiles returns: for each lock its owner, with the priority
// that it has and what of that is lent, and the two queues, the next one first. It
// returns the error of w. (ddb(4), show turnstile)
func ShowTurnstiles(w io.Writer) error { return showQueues(w, "turnstile of ", Turnstiles()) }

// ShowSleepQueues writes what SleepQueues returns, in the same form. It returns the error
// of w. (ddb(4), show sleepq)
func ShowSleepQueues(w io.Writer) error { return showQueues(w, "sleep queue of ", SleepQueues()) }

func showQueues(w io.Writer, what string, infos []QueueInfo) error {
	var b strings.Builder
	chain := -1
	for _, i := range infos {
		if i.Chain != chain {
			chain = i.Chain
			fmt.Fprintf(&b, "chain %d\n", chain)
		}
		fmt.Fprintf(&b, "  %s%s", what, i.On)
		if i.Lock != "" {
			fmt.Fprintf(&b, ", dropped: %s", i.Lock)
		}
		if i.Owner != "" {
			fmt.Fprintf(&b, "\n    owner      %s", i.Owner)
		}
		if i.OwnerPriority != 0 {
			fmt.Fprintf(&b, " at %d", i.OwnerPriority)
		}
		if i.OwnerLent != 0 {
			fmt.Fprint(&b, ", lent")
		}
		b.WriteByte('\n')
		for _, list := range []struct {
			name    string
			waiters []QueuedInfo
		}{{"exclusive", i.Exclusive}, {"shared", i.Shared}} {
			name := list.name
			if i.Event {
				name = "asleep"
			}
			for _, q := range list.waiters {
				fmt.Fprintf(&b, "    %-9s  %s at %d", name, q.Thread, q.Priority)
				if q.Called {
					b.WriteString(", called")
				}
				if q.Hard {
					b.WriteString(", reserved for it")
				}
				b.WriteByte('\n')
				name = ""
			}
		}
	}
	if len(infos) == 0 {
		b.WriteString("nobody waits\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
