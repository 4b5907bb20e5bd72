// Package queues shows who waits for what: it sets a scene on the simulated machine in which threads wait on turnstiles and on
// sleep queues, and prints and draws what lwkt.Turnstiles and lwkt.SleepQueues say of it.
//
// Nothing of the scene's outcome is written down: who is lent what, and who is next, is read from the queues (scene.go). The tests
// hold it against what must come out.
package queues

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/cmd/internal/cli"
)

const usageText = `usage: lwkt queues [flags]

Shows where threads wait. A lock that is held for bounded times has a turnstile while
somebody waits for it: the owner is lent the best priority of the waiters, and lends it on
to whoever it waits for itself. What may take for ever, a wakeup or a lock that its
holder may sleep with, is waited for on a sleep queue, and nothing is lent there.

The scene, on the simulated machine; 31 is the best priority:
  vnode, buffer, journal  mutexes in a chain: the owner of each waits for the next one
  routes                  an rwlock with a writer in it, and both kinds of waiters
  filters                 an rwlock with readers in it, who are lent nothing
  buffer(7)               a wait channel on which three threads sleep
  config                  an sx lock

A program has the same of its own threads by lwkt.ShowTurnstiles(os.Stdout) and
lwkt.ShowSleepQueues(os.Stdout). In the text a thread that is called was woken and has not
tried yet, and one for which the lock is reserved is overtaken no more.

flags:
`

var show = cli.Show{
	Name: "lwkt queues", Usage: usageText, JSON: true, SVG: "draw the queues into this `FILE`, too", Run: run,
	Exit: "0 shown; 1 trouble with the scene or a file; 2 nonsense on the command line.",
}

// Main runs `lwkt queues` and returns its exit status: 0, 1 if the scene did not come to its end or something cannot be written,
// 2 for a command line that makes no sense.
func Main(args []string, stdout, stderr io.Writer) int { return show.Main(args, stdout, stderr) }

// run sets the scene and shows it.
func run(as cli.Form, stdout io.Writer) error {
	s, err := play()
	if err != nil {
		return err
	}
	if as.SVG != "" {
		if err := os.WriteFile(as.SVG, draw(s), 0o644); err != nil {
			return err
		}
	}
	if as.JSON {
		return writeJSON(stdout, s)
	}
	_, err = fmt.Fprintf(stdout, "Turnstiles: bounded waits, which lend\n\n%s\nSleep queues: waits that may take for ever, and lend nothing\n\n%s", s.text[0], s.text[1])
	return err
}

// jsonQueue is a turnstile or a sleep queue.
type jsonQueue struct {
	Chain         int          `json:"chain"`
	On            string       `json:"on"`
	Lock          string       `json:"lock,omitempty"` // that the sleepers dropped
	Owner         string       `json:"owner,omitempty"`
	OwnerPriority int          `json:"owner_priority,omitempty"`
	OwnerLent     int          `json:"owner_lent,omitempty"`
	Exclusive     []jsonQueued `json:"exclusive"`
	Shared        []jsonQueued `json:"shared"`
}

type jsonQueued struct {
	Thread   string `json:"thread"`
	Priority int    `json:"priority"`
	Called   bool   `json:"called"`
	Reserved bool   `json:"reserved"`
}

func writeJSON(w io.Writer, s *scene) error {
	all := func(infos []lwkt.QueueInfo) []jsonQueue {
		list := make([]jsonQueue, len(infos))
		for i, q := range infos {
			list[i] = jsonQueue{q.Chain, q.On, q.Lock, q.Owner, q.OwnerPriority, q.OwnerLent, waiters(q.Exclusive), waiters(q.Shared)}
		}
		return list
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	return enc.Encode(map[string][]jsonQueue{"turnstiles": all(s.turnstiles), "sleep_queues": all(s.sleeps)})
}

func waiters(qs []lwkt.QueuedInfo) []jsonQueued {
	list := make([]jsonQueued, len(qs))
	for i, q := range qs {
		list[i] = jsonQueued{q.Thread, q.Priority, q.Called, q.Hard}
	}
	return list
}
