package explore

// The one place where the engine meets package sim: a session makes the machines, and
// each run is the program's function on a machine of its own.

import (
	"fmt"
	"runtime/debug"
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
	broken  error        // how program panicked
}

// setup calls the program's function. An assertion that fails in it is a failure of the run, which ends at
// once. The stack of another panic would be gone where the session ends.
func (h *host) setup(m *sim.Machine) {
	defer func() {
		v := recover()
		if _, assertion := v.(*sim.AssertError); v != nil && !assertion {
			h.broken = &sim.PanicError{Value: v, Stack: debug.Stack()}
			panic(v)
		}
	}()
	h.program(m)
}

// caught is deferred where a session begins: it stops a panic of the program's function, and
// returns it in err.
func (h *host) caught(err *error) {
	if h.broken != nil && recover() != nil {
		*err = fmt.Errorf("explore: %w", h.broken)
	}
}

// run makes a single run.
func (h *host) run(c sim.Chooser) (r result) {
	h.runs(func() (next sim.Chooser) {
		next, c = c, nil
		return next
	}, func(only *result) bool {
		r = *only
		return false // which keeps the machine
	})
	return r
}

// runs is the runner.
func (h *host) runs(next func() sim.Chooser, done func(r *result) bool) {
	var r result // one for all runs, since a strategy may keep it until the next
	h.session.Repeat(h.options, func(m *sim.Machine) sim.Chooser {
		c := next()
		if c != nil {
			h.machine = m
			h.setup(m)
		}
		return c
	}, func(m *sim.Machine, end sim.Result) bool {
		r = result{Result: end, waiting: m.Waiting()}
		if end.Outcome == sim.StepLimit {
			for i := range m.Threads() {
				if m.Returned(i) {
					r.ended = append(r.ended, i)
				}
			}
		}
		return done(&r)
	})
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
