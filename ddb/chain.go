package ddb

// Who waits for whom: from a thread to what it waits for, to who has that, and so on.

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/serializing-tokens/lwkt"
)

// A Link is a thread in a chain of waits, with one thing that it waits for. The threads that have that thing
// follow, one deeper. A thread that waits for a set of tokens has a link for each.
type Link struct {
	Depth  int      `json:"depth"`            // 0 for the thread that was asked for
	Thread string   `json:"thread"`           // as in messages
	Waits  string   `json:"waits,omitempty"`  // for what: a lock, token or wait channel; "" if it does not wait
	Mode   string   `json:"mode,omitempty"`   // how it wants that, if it is no wakeup
	Queue  string   `json:"queue,omitempty"`  // where it waits: turnstile, sleep queue or token
	Owners []string `json:"owners,omitempty"` // who has it, as far as is known
	Circle bool     `json:"circle,omitempty"` // the thread is further up in its own chain: none of these goes on
	Again  bool     `json:"again,omitempty"`  // the thread's own chain has been told before
}

// waits is who waited for what, and who had what, when it was read.
type waits struct {
	queues [2][]lwkt.QueueInfo
	tokens []lwkt.TokenInfo
	holds  []Hold // of locks
}

func look() *waits {
	return &waits{[2][]lwkt.QueueInfo{lwkt.Turnstiles(), lwkt.SleepQueues()}, lwkt.Tokens(), Locks()}
}

// of gives the links of a thread.
func (w *waits) of(thread string) (links []Link) {
	for i, queues := range w.queues {
		for _, q := range queues {
			for m, list := range map[lwkt.Mode][]lwkt.QueuedInfo{lwkt.Exclusive: q.Exclusive, lwkt.Shared: q.Shared} {
				if slices.ContainsFunc(list, func(q lwkt.QueuedInfo) bool { return q.Thread == thread }) {
					l := Link{Thread: thread, Waits: q.On, Queue: [...]string{"turnstile", "sleep queue"}[i], Owners: w.owners(q)}
					if !q.Event {
						l.Mode = m.String()
					}
					links = append(links, l)
				}
			}
		}
	}
	for _, t := range w.tokens {
		for _, c := range t.Waiters {
			if c.Thread == thread {
				l := Link{Thread: thread, Waits: tokenTitle(t), Mode: c.Mode.String(), Queue: "token"}
				for _, h := range tokens([]lwkt.TokenInfo{t}) {
					l.Owners = append(l.Owners, h.Thread)
				}
				links = append(links, l)
			}
		}
	}
	return links
}

// owners are those who have what a queue is for: its owner, or sharers that were recorded, if no other lock has its name.
func (w *waits) owners(q lwkt.QueueInfo) (names []string) {
	if q.Owner != "" {
		return []string{q.Owner}
	}
	at := ""
	for _, h := range w.holds {
		switch {
		case h.Lock != q.On:
		case at != "" && h.Address != at:
			return nil
		default:
			at, names = h.Address, append(names, h.Thread)
		}
	}
	return names
}

// Chain returns the chain of waits that begins with a thread, which is named as in messages: the thread and
// what it waits for, then who has that and what they wait for, each before the next. It does not block. (ddb(4), show lockchain)
func Chain(thread string) []Link { return look().chain(thread) }

func (w *waits) chain(thread string) (chain []Link) {
	told := map[string]bool{}
	var follow func(thread string, path []string)
	follow = func(thread string, path []string) {
		links := w.of(thread)
		l := Link{Depth: len(path), Thread: thread, Circle: slices.Contains(path, thread)}
		l.Again = told[thread] && !l.Circle && len(links) > 0
		if told[thread] || len(links) == 0 {
			chain = append(chain, l)
			return
		}
		told[thread] = true
		for _, l := range links {
			l.Depth = len(path)
			chain = append(chain, l)
			for _, o := range l.Owners {
				follow(o, append(slices.Clone(path), thread))
			}
		}
	}
	follow(thread, nil)
	return chain
}

// chains are those of the threads that an argument names; of all that wait, without one.
func chains(argument string) ([][]Link, error) {
	w := look()
	list := [][]Link{}
	if argument == "" {
		for _, t := range lwkt.Threads() {
			if len(w.of(t.Name)) > 0 {
				list = append(list, w.chain(t.Name))
			}
		}
		return list, nil
	}
	var found []string
	for _, t := range lwkt.Threads() {
		plain := strings.Trim(argument, `"`)
		number := "#" + strings.TrimPrefix(plain, "#")
		if t.Name == argument || strings.HasPrefix(t.Name, fmt.Sprintf("thread %q (", plain)) || strings.HasSuffix(t.Name, "("+number+")") || t.Name == "thread "+number {
			found = append(found, t.Name)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("lockchain: no living thread is called %q: say a name, or a number like #12; lockchain alone tells of all that wait", argument)
	}
	for _, name := range found {
		list = append(list, w.chain(name))
	}
	return list, nil
}

func writeChains(w io.Writer, list [][]Link) {
	if len(list) == 0 {
		fmt.Fprintln(w, "nobody waits")
	}
	for i, chain := range list {
		if i > 0 {
			fmt.Fprintln(w)
		}
		for _, l := range chain {
			in := strings.Repeat("  ", l.Depth)
			has, and := "", ""
			if l.Depth > 0 {
				has, and = " has it", ", and"
			}
			switch {
			case l.Circle:
				fmt.Fprintf(w, "%s%s%s: a circle, none of them goes on\n", in, l.Thread, has)
			case l.Again:
				fmt.Fprintf(w, "%s%s%s%s waits, as told above\n", in, l.Thread, has, and)
			case l.Waits == "":
				fmt.Fprintf(w, "%s%s%s%s waits for nothing\n", in, l.Thread, has, and)
			case l.Queue == "token":
				fmt.Fprintf(w, "%s%s%s%s waits for %s, %s\n", in, l.Thread, has, and, l.Waits, l.Mode)
			case l.Mode == "":
				fmt.Fprintf(w, "%s%s%s%s sleeps on %s, until a wakeup\n", in, l.Thread, has, and, l.Waits)
			default:
				fmt.Fprintf(w, "%s%s%s%s waits for %s, %s, on a %s\n", in, l.Thread, has, and, l.Waits, l.Mode, l.Queue)
			}
			if l.Waits != "" && len(l.Owners) == 0 {
				fmt.Fprintf(w, "%s  who ends that is not known\n", in)
			}
		}
	}
}
