package lwkt

// Funnels: one big token per subsystem, at most one of them at a time per thread.

import (
	"strings"
	"sync/atomic"

	"github.com/serializing-tokens/lwkt/internal/thread"
)

// Funnel is one big token for a whole subsystem, of which a thread has at most one
// at a time, as in Darwin before 10.5. It is an exclusive member of the thread's
// set: given up whenever the thread blocks, taken back with the rest. The zero
// Funnel is ready for use. (thread_funnel_set)
//
// The idiom is to enter a subsystem and to leave it in the state in which it was
// entered:
//
//	prev := td.SetFunnel(&network)
//	...
//	td.SetFunnel(prev)
type Funnel struct {
	_ noCopy

	own  Token
	into atomic.Pointer[Funnel] // set once, by MergeFunnels with own held
}

// NewFunnel returns a funnel with a name for messages.
func NewFunnel(name string) *Funnel {
	f := new(Funnel)
	f.own.SetName(name)
	return f
}

// String names the funnel as messages do.
func (f *Funnel) String() string {
	if f == nil {
		return "no funnel"
	}
	return strings.Replace(f.own.String(), "token", "funnel", 1)
}

// root is the funnel that f was merged into, or f.
func (f *Funnel) root() *Funnel {
	for {
		next := f.into.Load()
		if next == nil {
			return f
		}
		f = next
	}
}

// Funnel returns the funnel that the thread has, or nil.
func (td *Thread) Funnel() *Funnel {
	thread.Enter(td.handle(), "Funnel").Leave()
	return td.funnel
}

// SetFunnel gives the thread the funnel f, waiting if necessary, or with nil takes
// away the one that it has. It returns the one that it had. To set the one that it
// has already does nothing. It panics if the thread has another one: see
// SwitchFunnel. Whether other tokens changed hands while it waited, Mark and
// ChangedSince tell.
func (td *Thread) SetFunnel(f *Funnel) (prev *Funnel) {
	thread.Enter(td.handle(), "SetFunnel").Leave()
	prev = td.funnel
	switch {
	case f == nil && prev != nil:
		td.funnel = nil
		prev.root().own.Release(td)
	case f == nil || prev != nil && f.root() == prev.root():
		if f != nil {
			td.funnel = f // merged: the same by another name
		}
	case prev != nil:
		thread.Fail(td.handle(), "SetFunnel", "asked for "+f.String()+", the thread has "+prev.String()+" already; SwitchFunnel exchanges them")
	default:
		f.root().own.Acquire(td)
		td.funnel = f
	}
	return prev
}

// SwitchFunnel exchanges the funnel that the thread has for another one: in one step if
// that is free, else the old one is given up while the thread waits. It says
// whether another token that the thread holds changed hands meanwhile. It panics if
// the thread has no funnel, or if to is nil. Between funnels that were merged it
// does nothing.
func (td *Thread) SwitchFunnel(to *Funnel) (changed bool) {
	thread.Enter(td.handle(), "SwitchFunnel").Leave()
	from := td.funnel
	switch {
	case from == nil:
		thread.Fail(td.handle(), "SwitchFunnel", "the thread has no funnel")
	case to == nil:
		thread.Fail(td.handle(), "SwitchFunnel", "there is no funnel to switch to from "+from.String()+"; SetFunnel(nil) gives it up")
	case from.root() == to.root():
	case to.root().own.TryAcquire(td):
		from.root().own.Release(td)
	default:
		thread.MayDrop(td.handle(), "SwitchFunnel", &to.root().own.t)
		td.funnel = nil // also if what follows panics
		from.root().own.Release(td)
		changed = to.root().own.Acquire(td)
	}
	td.funnel = to
	return changed
}

// MergeFunnels makes a and b one funnel, for ever. It waits until nobody has
// either, with the tokens of the thread given up, and says whether one of them
// changed hands. Threads that wait for b go on waiting, as long as they did, for
// both. The thread must not have a funnel. (thread_funnel_merge)
func MergeFunnels(td *Thread, a, b *Funnel) (changed bool) {
	thread.Enter(td.handle(), "MergeFunnels").Leave()
	if a == nil || b == nil {
		thread.Fail(td.handle(), "MergeFunnels", "one of the funnels is nil")
	}
	if f := td.funnel; f != nil {
		thread.Fail(td.handle(), "MergeFunnels", "the thread has "+f.String()+" itself; SetFunnel(nil) gives it up")
	}
	var to, from *Funnel
	for {
		if to, from = a.root(), b.root(); to == from {
			return changed
		}
		changed = AcquireAll(td, &to.own, &from.own) || changed
		if to == to.root() && from == from.root() {
			break // and will remain so: only who has both tokens of two roots merges them
		}
		// Others have merged one of them meanwhile.
		from.root().own.Release(td)
		to.root().own.Release(td)
	}
	from.into.Store(to)
	thread.Merge(td.handle(), &to.own.t, &from.own.t)
	to.own.Release(td)
	return changed
}
