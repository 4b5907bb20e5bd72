package sim

// What a machine tells whoever chooses its schedule: the events that could come
// next, one of which is picked; and after each what it has read and written.

import core "github.com/serializing-tokens/lwkt/internal/thread"

// EventKind is what an event is of.
type EventKind uint8

// The kinds of events.
const (
	Step      EventKind = iota // a thread performs its operation and runs up to the next one
	Timer                      // a thread's timed wait expires
	Interrupt                  // an interrupt source raises its line
	Tick                       // the clock of a CPU ticks
	Choice                     // Machine.Choose: Thread is who asks, Op.Obj the value
)

// String names the kind.
func (k EventKind) String() string {
	return [...]string{"step", "timer", "interrupt", "tick", "choice"}[k]
}

// OpKind is what a thread is about to do.
type OpKind uint8

// The kinds of operations. Acquire to AcquireAll, Lock, Take, Await, Resume, Spin and SpinOn
// can keep their thread waiting; the others are always possible. LoadWord to Unpark are
// those of Options.Words.
const (
	Start         OpKind = iota // run for the first time (a thread that was started by another one)
	Acquire                     // a token, exclusively
	AcquireShared               // a token, shared
	AcquireAll                  // several tokens; Obj is the first
	Try                         // a token or several, if that needs no wait
	Release                     // a token
	Block                       // give up all tokens, for a function of the user's
	Unblock                     // take them back
	Sleep                       // on the wait channel Obj
	Wakeup                      // whoever sleeps on the wait channel Obj
	Resume                      // go on after a sleep or a wait for tokens: Obj is what was waited for
	Merge                       // two funnels
	Lock                        // a Mutex
	TryLock                     // a Mutex, if that needs no wait
	Unlock                      // a Mutex of which somebody has used TryLock
	Take                        // a lock of package lwkt, or more of it (Change)
	TryTake                     // such a lock, or more of it, if that needs no wait
	Give                        // such a lock back, or some of it (Change)
	Load                        // a Var
	Store                       // a Var
	Await                       // a condition, in Machine.Until
	Send                        // on the Go channel Obj
	Recv                        // from the Go channel Obj
	Select                      // among several Go channels
	Yield                       // let others run
	Other                       // what counts as work only: entering and leaving sections, raising levels
	Close                       // the Go channel Obj, or a context of Machine.WithCancel, whose Done channel it is
	LoadWord                    // a word
	StoreWord                   // a word
	UpdateWord                  // a word: add, and, or, swap
	CompareWord                 // a word: compare and swap
	Spin                        // take the spin lock Obj
	SpinOn                      // go on spinning, now that what was looked at has changed
	Unpark                      // give the permit Obj
	Look                        // at a lock, or at something else that others change
	Alter                       // such a thing
	Destroy                     // a lock of package lwkt
	Survey                      // a look at whatever others change
)

var opNames = [...]string{
	"start", "acquire", "acquire shared", "acquire all", "try", "release", "block", "unblock", "sleep", "wakeup", "resume",
	"merge", "lock", "try lock", "unlock", "lock", "try lock", "unlock", "load", "store", "await", "send", "receive", "select", "yield", "other",
	"close", "load", "store", "update", "compare", "spin lock", "spin on", "unpark",
	"look at", "alter", "destroy", "look at all",
}

// String names the kind.
func (k OpKind) String() string { return opNames[k] }

// None is the number of no object and of no thread.
const None = -1

// Op is an operation that a thread is about to perform.
type Op struct {
	Kind   OpKind  // what is done
	Mode   uint8   // of a token or lock: 1 shared, 2 exclusive
	Change Change  // of a lock that the thread has
	Obj    int32   // number of the object in this run, in the order of first use; or None
	Site   uintptr // the caller's program counter, if Options.Trace is on
}

// String names the operation, without the object.
func (o Op) String() string {
	switch {
	case o.Change == Upgrade && o.Kind == TryTake:
		return "try upgrade"
	case o.Change != NoChange:
		return changes[o.Change]
	case o.Mode == 1 && (o.Kind == Take || o.Kind == TryTake):
		return o.Kind.String() + " shared"
	}
	return o.Kind.String()
}

// Change is what a Take, TryTake or Give makes of a lock that the thread has.
type Change uint8

// The changes.
const (
	NoChange  = Change(core.NoChange)
	Upgrade   = Change(core.Upgrade)   // a share becomes exclusive use
	Downgrade = Change(core.Downgrade) // exclusive use becomes a share
	Disown    = Change(core.Disown)    // it becomes nobody's in particular
)

var changes = [...]string{"", "upgrade", "downgrade", "disown"}

// Event is something that can happen next.
type Event struct {
	Thread int       // index of the thread in the order of Machine.Go; of Interrupt the source, of Tick the CPU
	Kind   EventKind // of what it is
	Op     Op        // of Step and Timer: what the thread does then
}

// Point is a moment at which there is a choice, if perhaps of one.
type Point struct {
	Step    int     // events executed so far
	Last    int     // index of the thread that ran last, or None
	Enabled []Event // at least one, threads by index; reused by the next point, so copy what you keep
	Waiting []Event // the operations of the threads that wait
}

// Chooser picks the schedule of a run.
type Chooser interface {
	// Choose returns the index in p.Enabled of the event to go on with, or a
	// negative number to abandon the run.
	Choose(p *Point) int
}

// Access is one object in the footprint of an event.
type Access struct {
	Obj   int32 // number of the object
	Write bool  // it was written, or may have been
}

// Recorder is a Chooser that wants to know what each event has read and written.
type Recorder interface {
	// Executed is called after an event was executed, before the next Choose. The
	// footprint is reused by the next event. An object may be in it more than once.
	Executed(e Event, footprint []Access)
}
