// Reports: what was found, as data that others print or keep.
package engine

// ReportKind says what sort of mistake a report is about.
type ReportKind uint8

// The kinds of reports.
const (
	Order     ReportKind = iota + 1 // two or more locks in a circle
	Duplicate                       // two locks of one class held at once
	Recursion                       // a lock taken again by its holder
	Upgrade                         // exclusive wanted while shared by the same thread
	NotHeld                         // released, upgraded or downgraded without being held so
	Leak                            // held at the end of its thread, or long after its function returned
	Sleep                           // a wait, or a sleepable lock, with a lock held that must not sleep
	CondHeld                        // a wait on a Cond with a second lock held
	Interlock                       // a wait with the wrong interlock
	Chan                            // a wait on a channel with a lock held
	Deadlock                        // a circle of threads that wait for each other, now
)

var reportKinds = [...]string{"", "order", "duplicate", "recursion", "upgrade", "not-held", "leak", "sleep", "cond", "interlock", "chan", "deadlock"}

//go:norace
func (k ReportKind) String() string { return reportKinds[k] }

// Severity says how sure it is that a report is about a real mistake.
type Severity uint8

// The severities.
const (
	Possible Severity = iota + 1 // other locks of these classes, or orders that did not overlap in this run
	Likely                       // these very locks, in both orders, by threads that could have met
	Certain                      // this did hang, or always will
)

var severities = [...]string{"", "possible", "likely", "certain"}

//go:norace
func (s Severity) String() string { return severities[s] }

// Mode is how a lock is held or wanted.
type Mode uint8

// The modes.
const (
	Shared Mode = iota + 1
	Exclusive
)

//go:norace
func (m Mode) String() string {
	switch m {
	case Shared:
		return "shared"
	case Exclusive:
		return "exclusive"
	}
	return ""
}

// LockRef is a lock in a report.
type LockRef struct {
	ID    ID     // 0 if the report is about the class only
	Class Class  //
	Name  string // of the class
	Mode  Mode   // held or wanted; 0 if it does not matter
	Site  uintptr
}

// ThreadRef is a thread in a report.
type ThreadRef struct {
	Num  uint64
	Name string
}

// Step is one thread of a circle: it holds one lock and wants the next one.
type Step struct {
	Thread ThreadRef
	Holds  LockRef
	Wants  LockRef
	Also   []LockRef // what else it held
	Stack  []uintptr // where it wanted that lock; for an order seen earlier, a stack with the same two sites
	Now    bool      // the step of the thread that found it
	Stated bool      // not seen: it was declared by Engine.Order
}

// Report is one finding.
type Report struct {
	Seq      int // from 1; a report that is raised keeps it
	Kind     ReportKind
	Severity Severity
	Raised   bool   // seen before with a lower severity
	Text     string // one sentence: what could happen

	Locks []LockRef // the locks that it is about; of a circle, in its order
	Cycle []Step    // for Order and Deadlock
	Note  string    // what else there is to say: why it is not more severe

	Thread ThreadRef // who did it
	Stack  []uintptr // where

	key key
}

// Frame is one line of a stack.
type Frame struct {
	Func string
	File string
	Line int
}
