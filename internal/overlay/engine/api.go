// What the engine can be asked and told as a whole.
package engine

type state struct{}

func (e *Engine) init()                                   {}
func (e *Engine) class(key uintptr, spec ClassSpec) Class { return 0 }
func (e *Engine) enroll(g *Tag, c Class) ID               { return 0 }
func (e *Engine) forget(g *Tag)                           {}

// SetEnabled switches the engine on or off. Whoever embeds it asks Enabled, or is told
// through Hook, and does not call it while it is off; what was held when it is switched
// on is unknown to it.
func (e *Engine) SetEnabled(on bool) {}

// Enabled says whether the engine is on.
func (e *Engine) Enabled() bool { return e.on.Load() }

// Hook has f called whenever the engine is switched, and now if it is on.
func (e *Engine) Hook(f func(on bool)) {}

// SetOptions replaces the options.
func (e *Engine) SetOptions(o Options) {}

// SetEnv replaces the environment; nil fields keep what they are.
func (e *Engine) SetEnv(env Env) {}

// Tick counts a moment of time; embedders that want LongTicks call it about once a
// second.
func (e *Engine) Tick() {}

// Order declares that locks of these classes are taken in this order. It says whether
// that agrees with what was seen and declared before; if not, it is reported.
func (e *Engine) Order(classes ...Class) bool { return true }

// Bless says that locks of these two classes may be taken in either order.
func (e *Engine) Bless(a, b Class) {}

// Reset forgets orders and reports. Identities, classes and what threads hold stay,
// declared orders and blessed pairs go.
func (e *Engine) Reset() {}

// Finish looks at what is held by threads that ended and by t, the one that is about to
// end the program or the test, and reports what is leaked. t may be nil.
func (e *Engine) Finish(t *Thread) {}

// Reports gives what was found so far, in the order in which it was found.
func (e *Engine) Reports() []*Report { return nil }

// Blocked calls f for each thread that waits (between Block and Unblock) with what it
// waits for, what it holds and the stack where it blocked, under the engine's lock.
func (e *Engine) Blocked(f func(t ThreadRef, wants LockRef, holds []LockRef, stack []uintptr)) {}

// Name gives the name of a class.
func (e *Engine) Name(c Class) string { return "" }

// Frames gives the lines of a stack.
func Frames(pcs []uintptr) []Frame { return nil }

// AppendText appends the report as text. frames turns a stack into lines; nil: Frames.
func (r *Report) AppendText(b []byte, frames func([]uintptr) []Frame) []byte { return b }

// Edge is one order in the graph of classes.
type Edge struct {
	From, To         Class
	FromName, ToName string
	FromMode, ToMode Mode
	FromSite, ToSite uintptr
	Count            int  // how many pairs of locks are known to have been taken so and still exist
	Stated           bool // declared by Order
	Wrong            bool // part of a reported circle
}

// Graph gives the orders of classes that were seen, sorted by name.
func (e *Engine) Graph() []Edge { return nil }

// AppendDOT appends the graph as a drawing for graphviz.
func (e *Engine) AppendDOT(b []byte) []byte { return b }
