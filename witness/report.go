package witness

// Reports with names instead of numbers, to be printed or kept as JSON.

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
)

// Kind says what sort of mistake a report is about.
type Kind string

// The kinds of reports.
const (
	LockOrder Kind = "order"     // locks that were taken in a circle
	Duplicate Kind = "duplicate" // two locks of one class held at once
	Recursion Kind = "recursion" // a lock taken again by its holder
	Upgrade   Kind = "upgrade"   // exclusive wanted while shared by the same thread
	NotHeld   Kind = "not-held"  // released or changed without being held so
	Leak      Kind = "leak"      // held at the end of its thread, or for too long
	Sleep     Kind = "sleep"     // a wait with a lock held that must not be held then
	CondHeld  Kind = "cond"      // a wait on a condition with a second lock held
	Interlock Kind = "interlock" // a wait with the wrong interlock
	Channel   Kind = "chan"      // a wait on a channel with a lock held
	Deadlock  Kind = "deadlock"  // threads that wait for each other, now
)

// Severity says how sure it is that a report is about a real mistake.
type Severity int

// The severities.
const (
	// Possible: seen with other locks of the same classes, or in orders that did not
	// overlap in this run, or only with luck in between.
	Possible = Severity(engine.Possible)
	// Likely: these very locks, in both orders, by threads that could have met.
	Likely = Severity(engine.Likely)
	// Certain: it did hang, or always will.
	Certain = Severity(engine.Certain)
)

// String gives the severity as a word.
func (s Severity) String() string {
	if s < Possible || s > Certain {
		return fmt.Sprintf("severity %d", int(s))
	}
	return engine.Severity(s).String()
}

// MarshalText writes the severity as a word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word. An unknown one is an error.
func (s *Severity) UnmarshalText(text []byte) error {
	for i := Possible; i <= Certain; i++ {
		if i.String() == string(text) {
			*s = i
			return nil
		}
	}
	return fmt.Errorf("witness: no severity is called %q", text)
}

// A Frame is one line of a stack.
type Frame struct {
	Func string `json:"func"` // function, with its package
	File string `json:"file"` // path, as the compiler saw it
	Line int    `json:"line"` // in the file
}

// A Lock is a lock in a report.
type Lock struct {
	Name string `json:"name"`           // of its class
	ID   uint64 `json:"id,omitempty"`   // tells locks apart; 0 if it is about the class
	Mode string `json:"mode,omitempty"` // shared, exclusive, or nothing if it does not matter
	Site *Frame `json:"site,omitempty"` // where it was taken, or wanted
}

// A Step is one thread of a circle: it holds one lock and wants the next.
type Step struct {
	Thread   string  `json:"thread"`             // its name or number; nothing if the order was declared
	Holds    Lock    `json:"holds"`              // what it held
	Wants    Lock    `json:"wants"`              // what it took or waits for
	Also     []Lock  `json:"also,omitempty"`     // what else it held
	Stack    []Frame `json:"stack"`              // where it took the second
	Now      bool    `json:"now,omitempty"`      // this completed the circle; others were seen before
	Declared bool    `json:"declared,omitempty"` // not seen, but declared by Order
}

// A Report is one finding.
type Report struct {
	Seq      int      `json:"seq"`              // counts from 1; stays when the severity rises
	Kind     Kind     `json:"kind"`             // what sort of mistake
	Severity Severity `json:"severity"`         // how sure it is
	Text     string   `json:"text"`             // what could happen, or did
	Note     string   `json:"note,omitempty"`   // why it is not more severe
	Locks    []Lock   `json:"locks"`            // what it is about
	Cycle    []Step   `json:"cycle,omitempty"`  // of an order or a deadlock
	Thread   string   `json:"thread,omitempty"` // who did it
	Stack    []Frame  `json:"stack,omitempty"`  // where
	Raised   bool     `json:"-"`                // it was reported before as less severe

	text string
}

// String gives the report as text of several lines, with stacks.
func (r Report) String() string { return r.text }

// Reports gives what was found since the start or the last Reset, oldest first. The slice is the
// caller's.
func Reports() []Report {
	list := []Report{}
	for _, r := range engine.Default.Reports() {
		list = append(list, public(r))
	}
	return list
}

// JSON gives reports as an object with one array, "reports". The error is one of
// encoding/json, and does not happen.
func JSON(reports []Report) ([]byte, error) {
	return json.MarshalIndent(map[string][]Report{"reports": reports}, "", "  ")
}

func public(r *engine.Report) Report {
	p := Report{
		Seq: r.Seq, Kind: Kind(r.Kind.String()), Severity: Severity(r.Severity), Text: r.Text, Note: r.Note, Raised: r.Raised,
		Locks: locks(r.Locks), Stack: frames(r.Stack), text: string(text(r)),
	}
	if r.Thread != (engine.ThreadRef{}) {
		p.Thread = r.Thread.String()
	}
	for _, s := range r.Cycle {
		step := Step{Holds: lock(s.Holds), Wants: lock(s.Wants), Also: locks(s.Also), Stack: frames(s.Stack), Now: s.Now, Declared: s.Stated}
		if !s.Stated {
			step.Thread = s.Thread.String()
		}
		p.Cycle = append(p.Cycle, step)
	}
	return p
}

func lock(l engine.LockRef) Lock {
	p := Lock{Name: l.Name, ID: l.ID.Serial(), Mode: l.Mode.String()}
	if f := frames([]uintptr{l.Site}); len(f) > 0 {
		p.Site = &f[0]
	}
	return p
}

func locks(list []engine.LockRef) (p []Lock) {
	for _, l := range list {
		p = append(p, lock(l))
	}
	return p
}

func frames(pcs []uintptr) (list []Frame) {
	for _, f := range usersFrames(pcs) {
		list = append(list, Frame(f))
	}
	return list
}

// text is a report as text.
func text(r *engine.Report) []byte { return r.AppendText(nil, usersFrames) }

const module = "github.com/serializing-tokens/lwkt"

// ours says whether a function is of the locks or of the witness itself.
func ours(function string) bool {
	return strings.HasPrefix(function, module+".") || strings.HasPrefix(function, module+"/internal/")
}

// usersFrames are the lines of a stack without the lock code at its top, and without what has
// started the thread or the test; of what is nothing else, all.
func usersFrames(pcs []uintptr) []engine.Frame {
	all := engine.Frames(pcs)
	list := all
	for len(list) > 0 && ours(list[0].Func) {
		list = list[1:]
	}
	for len(list) > 0 {
		switch last := list[len(list)-1].Func; {
		case ours(last), last == "runtime.goexit", last == "runtime.main", last == "testing.tRunner":
			list = list[:len(list)-1]
			continue
		}
		break
	}
	if len(list) == 0 {
		return all
	}
	return list
}
