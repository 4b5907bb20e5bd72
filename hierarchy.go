package lwkt

// The hierarchy of locks: what may be taken while holding what, and in which context. The
// table is in internal/thread; here it is printed, and its checks are switched.

import (
	"fmt"
	"io"
	"strings"

	"github.com/serializing-tokens/lwkt/internal/thread"
)

// SetHierarchyChecks switches checks of the hierarchy for the whole process: an operation
// that docs/locking.md forbids, for what the thread holds or for its context, panics with a
// *Misuse that names both locks, even if it need not wait this time. The try forms are
// always allowed. It is off to begin with and costs nothing then.
func SetHierarchyChecks(on bool) { thread.SetChecks(on) }

// Context is what kind of code a thread runs, for the hierarchy. Its String is its name.
type Context = thread.Context

// The contexts. Threads are in Syscall; handlers of interrupts on a simulated machine are in
// one of the next two.
const (
	Syscall         = thread.Syscall         // a thread of its own
	InterruptFilter = thread.InterruptFilter // borrows the processor of what it interrupts: spin mutexes only
	InterruptThread = thread.InterruptThread // must not sleep
	Callout         = thread.Callout         // a timer's function: must not sleep
	DirectCallout   = thread.DirectCallout   // a timer's function in the clock's interrupt: spin mutexes only
)

// In calls f in a context, for the checks of the hierarchy. It panics if c is none of those above.
func (td *Thread) In(c Context, f func()) {
	if c >= thread.Contexts {
		thread.Fail(td.handle(), "In", fmt.Sprintf("there is no context %d; %v to %v are those that there are", c, Syscall, DirectCallout))
	}
	thread.NeedsFunction(td.handle(), "In", f == nil)
	r := thread.Enter(td.handle(), "In")
	old := r.SetContext(c)
	r.Leave()
	defer r.SetContext(old)
	f()
}

// WriteHierarchy writes the tables of the hierarchy in Markdown: rows are what a thread has,
// or its context, columns what it may want. It returns the error of w. (locking(9))
func WriteHierarchy(w io.Writer) error {
	var b strings.Builder
	head := func(what string) {
		fmt.Fprintf(&b, "| %s |", what)
		for c := range thread.Columns {
			fmt.Fprintf(&b, " %v |", c)
		}
		b.WriteString("\n|" + strings.Repeat("---|", int(thread.Columns)+1) + "\n")
	}
	row := func(name fmt.Stringer, ok [thread.Columns]bool) {
		fmt.Fprintf(&b, "| %v |", name)
		for _, yes := range ok {
			fmt.Fprintf(&b, " %s |", map[bool]string{true: "yes", false: "no"}[yes])
		}
		b.WriteByte('\n')
	}
	head("have")
	for have := range thread.Rows {
		row(have, thread.Interaction[have])
	}
	b.WriteByte('\n')
	head("context")
	for c := range thread.Contexts {
		row(c, thread.InContext[c])
	}
	_, err := io.WriteString(w, b.String())
	return err
}
