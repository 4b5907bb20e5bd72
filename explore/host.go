package explore

// The one place where the engine meets package sim: a session makes the machines, and
// each run is the program's function on a machine of its own.

import (
	"strings"

	"github.com/serializing-tokens/lwkt/sim"
)

// freeInterleaving says whether any thread that can go on may be the next one, which
// reduction needs.
func freeInterleaving(o sim.Options) bool { return o.CPUs == 0 && !o.AnyTimeout }

// host runs a program on machines of one session.
type host struct {
	session *sim.Session
	options sim.Options
	program func(m *sim.Machine)
	machine *sim.Machine // of the last run
}

func (h *host) run(c sim.Chooser) result {
	m := h.session.New(h.options)
	h.machine = m
	h.program(m)
	r := result{Result: m.Run(c)}
	r.waiting = m.Waiting()
	return r
}

// ThreadName is that of the last machine.
func (h *host) ThreadName(i int) string {
	if i >= h.machine.Threads() {
		return "?"
	}
	return h.machine.ThreadName(i)
}

// ObjectName is that of the last machine, without the kind of the object if it has a
// name of its own.
func (h *host) ObjectName(n int32) string {
	name := h.machine.ObjectName(n)
	if _, own, ok := strings.Cut(name, `"`); ok && strings.HasSuffix(own, `"`) && len(own) > 1 {
		return own[:len(own)-1]
	}
	return name
}
