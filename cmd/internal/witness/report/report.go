// Package report is what the witness has found, as data: the reports that the programs under test have written, put together.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Severity says how sure a report is.
type Severity int

// The severities.
const (
	Possible Severity = iota + 1
	Likely
	Certain
)

var severities = []string{"", "possible", "likely", "certain"}

// String is the word for it.
func (s Severity) String() string { return severities[s] }

// MarshalText writes the word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *Severity) UnmarshalText(text []byte) error { return s.Set(string(text)) }

// Set reads the word, as a flag.
func (s *Severity) Set(text string) error {
	if i := slices.Index(severities, text); i > 0 {
		*s = Severity(i)
		return nil
	}
	return errors.New("not one of possible, likely, certain")
}

// A Frame is one line of a stack.
type Frame struct {
	Func string `json:"func"`
	File string `json:"file"`
	Line int    `json:"line"`
}

// A Lock is a lock in a report.
type Lock struct {
	Name string `json:"name"`           // of its class: the field or variable that it lives in, or the place of its first use
	ID   uint64 `json:"id,omitempty"`   // tells locks of one class apart within a process
	Mode string `json:"mode,omitempty"` // shared or exclusive
	Site *Frame `json:"site,omitempty"` // where it was taken or wanted
}

// A Step is one goroutine of a circle.
type Step struct {
	Goroutine string  `json:"goroutine"`
	Holds     Lock    `json:"holds"`
	Wants     Lock    `json:"wants"`
	Also      []Lock  `json:"also,omitempty"` // what else it held
	Now       bool    `json:"now,omitempty"`  // this step completed the circle; the others were seen before
	Stack     []Frame `json:"stack"`          // where it took the second lock
}

// A Stack is where a goroutine was.
type Stack struct {
	Goroutine string  `json:"goroutine"`
	Count     int     `json:"count,omitempty"` // how many goroutines were there, if more than one
	Waits     string  `json:"waits,omitempty"` // for what it waits
	Holds     []Lock  `json:"holds,omitempty"` // what it holds
	Frames    []Frame `json:"frames"`
	Created   []Frame `json:"created,omitempty"` // the go statement
}

// A Report is one finding.
type Report struct {
	Kind     string   `json:"kind"`
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`           // what could happen, or did
	Note     string   `json:"note,omitempty"` // why it is not more severe, or what else there is to say
	Locks    []Lock   `json:"locks"`
	Cycle    []Step   `json:"cycle"`
	Stacks   []Stack  `json:"stacks"`
	Program  string   `json:"program,omitempty"` // whose process it was
	Count    int      `json:"count,omitempty"`   // in how many processes, if more than one
	Key      string   `json:"key"`               // what a suppression names

	seq int
}

// raw is a report as a program writes it.
type raw struct {
	Program string `json:"program"` // only in the first file of a process

	Seq      int      `json:"seq"`
	Kind     string   `json:"kind"`
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
	Note     string   `json:"note"`
	Locks    []Lock   `json:"locks"`
	Cycle    []struct {
		Step
		Thread string `json:"thread"`
	} `json:"cycle"`
	Thread  string  `json:"thread"`
	Stack   []Frame `json:"stack"`
	Waits   string  `json:"waits"` // of a goroutine that hangs
	Why     string  `json:"why"`
	Wants   *Lock   `json:"wants"`
	Created []Frame `json:"created"`
}

// Read puts together what the processes of one run have left in a folder, and says how many there were. A file that is not
// complete, because its process was killed while it wrote, is passed over.
func Read(dir string) (reports []Report, processes int, err error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, 0, err
	}
	files := map[string][]string{} // by process
	var order []string
	for _, f := range list {
		process, number, ok := cutLast(strings.TrimSuffix(f.Name(), ".json"), "-")
		if !ok || filepath.Ext(f.Name()) != ".json" {
			continue
		}
		if files[process] == nil {
			order = append(order, process)
		}
		files[process] = append(files[process], number)
	}
	for _, process := range order {
		slices.SortFunc(files[process], func(a, b string) int {
			if len(a) != len(b) {
				return len(a) - len(b)
			}
			return strings.Compare(a, b)
		})
		var all []raw
		for _, number := range files[process] {
			text, err := os.ReadFile(filepath.Join(dir, process+"-"+number+".json"))
			if err != nil {
				return nil, 0, err
			}
			var r raw
			if json.Unmarshal(text, &r) == nil {
				all = append(all, r)
			}
		}
		reports = append(reports, fromProcess(all)...)
	}
	return fold(reports), len(order), nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// fromProcess turns what one process wrote into reports. A report that was raised to a higher severity replaces the first form of it.
func fromProcess(all []raw) (reports []Report) {
	program := ""
	var hangs []raw
	for _, r := range all {
		switch {
		case r.Kind == "":
			program = r.Program
		case r.Kind == "hang":
			hangs = append(hangs, r)
		default:
			n := Report{Kind: r.Kind, Severity: r.Severity, Text: r.Text, Note: r.Note, Locks: r.Locks, Program: program, seq: r.Seq}
			for _, s := range r.Cycle {
				s.Goroutine = s.Thread
				n.Cycle = append(n.Cycle, s.Step)
			}
			if len(r.Stack) > 0 {
				n.Stacks = []Stack{{Goroutine: r.Thread, Frames: r.Stack}}
			}
			n.Key = n.key()
			i := slices.IndexFunc(reports, func(o Report) bool { return r.Seq > 0 && o.seq == r.Seq })
			if i < 0 {
				reports = append(reports, n)
			} else {
				reports[i] = n
			}
		}
	}
	reports = overtaken(reports)
	for _, h := range hung(unexplained(hangs, reports)) {
		if i := slices.IndexFunc(reports, func(r Report) bool { return r.Kind == "cond" && r.came(h) }); i >= 0 {
			r := &reports[i]
			r.Severity, r.Text, r.Note, r.Stacks = Certain, h.Text, "", h.Stacks
			continue
		}
		h.Program = program
		reports = append(reports, h)
	}
	return reports
}

// overtaken leaves out what a more telling report says as well: a circle that did close was an order before, and a recursion
// is a circle of one.
func overtaken(list []Report) (kept []Report) {
	for _, d := range list {
		for i := range list {
			if r := &list[i]; r.explains(d) && r.Severity < Certain { // readers that read again, and a writer did come
				r.Severity, r.Text = Certain, d.Text
			}
		}
	}
	for _, r := range list {
		more := slices.ContainsFunc(list, func(o Report) bool {
			switch {
			case r.Kind == "order" && o.Kind == "deadlock":
				return strings.TrimPrefix(r.Key, r.Kind) == strings.TrimPrefix(o.Key, o.Kind)
			}
			return o.explains(r)
		})
		if !more {
			kept = append(kept, r)
		}
	}
	return kept
}

// explains says whether this is the recursion by which a goroutine waits for itself.
func (r *Report) explains(d Report) bool {
	return d.Kind == "deadlock" && len(d.Cycle) == 1 && (r.Kind == "recursion" || r.Kind == "upgrade") &&
		len(r.Stacks) > 0 && r.Stacks[0].Goroutine == d.Cycle[0].Goroutine
}

// unexplained leaves out goroutines that hang for a reason which another report gives.
func unexplained(hangs []raw, reports []Report) (kept []raw) {
	why := map[string]bool{}
	for _, r := range reports {
		switch {
		case r.Kind == "deadlock":
			for _, s := range r.Cycle {
				why[s.Goroutine] = true
			}
		case r.Severity == Certain && len(r.Stacks) > 0 && (r.Kind == "recursion" || r.Kind == "upgrade"):
			why[r.Stacks[0].Goroutine] = true
		}
	}
	for _, h := range hangs {
		if !why[h.Thread] {
			kept = append(kept, h)
		}
	}
	return kept
}

// hung puts goroutines that hang into reports: those together that wait for what another one holds, and those that are at the same place.
func hung(list []raw) (reports []Report) {
	of := make([]int, len(list)) // the first goroutine of the same report
	for i := range list {
		of[i] = i
		for j := range i {
			if waitsFor(list[i], list[j]) || waitsFor(list[j], list[i]) || same(list[i], list[j]) {
				from, to := of[i], of[j]
				for k := range i + 1 {
					if of[k] == from {
						of[k] = to
					}
				}
			}
		}
	}
	for i := range list {
		if of[i] != i {
			continue
		}
		r := Report{Kind: "hang", Severity: Certain, Text: list[i].Why}
		goroutines := 0
		for j := i; j < len(list); j++ {
			if of[j] != i {
				continue
			}
			g := list[j]
			r.Severity = min(r.Severity, g.Severity)
			goroutines++
			k := slices.IndexFunc(r.Stacks, func(s Stack) bool { return slices.Equal(s.Frames, g.Stack) && s.Waits == g.waits() })
			if k >= 0 {
				r.Stacks[k].Count = max(r.Stacks[k].Count, 1) + 1
				continue
			}
			r.Stacks = append(r.Stacks, Stack{Goroutine: g.Thread, Waits: g.waits(), Holds: g.Locks, Frames: g.Stack, Created: g.Created})
			for _, l := range g.Locks {
				if !slices.ContainsFunc(r.Locks, func(o Lock) bool { return o.Name == l.Name }) {
					r.Locks = append(r.Locks, l)
				}
			}
		}
		r.Text = hangText(goroutines, r.Locks, list[i].Why)
		r.Key = r.key()
		reports = append(reports, r)
	}
	return reports
}

// came says whether a wait on a Cond with a second lock held is one of those that hang, and others wait for that lock.
func (r *Report) came(h Report) bool {
	return slices.ContainsFunc(h.Stacks, func(waiter Stack) bool {
		return strings.HasPrefix(waiter.Waits, "sync.Cond.Wait") && slices.ContainsFunc(waiter.Holds, func(l Lock) bool {
			return slices.ContainsFunc(r.Locks, func(o Lock) bool { return o.ID == l.ID && o.ID != 0 }) &&
				slices.ContainsFunc(h.Stacks, func(s Stack) bool { return strings.HasSuffix(s.Waits, " of "+Short(l.Name)) })
		})
	})
}

// waits is for what a goroutine waits, in words.
func (r raw) waits() string {
	if r.Wants != nil && r.Wants.Name != "" {
		return r.Waits + " of " + Short(r.Wants.Name)
	}
	return r.Waits
}

func waitsFor(a, b raw) bool {
	return a.Wants != nil && slices.ContainsFunc(b.Locks, func(l Lock) bool { return l.ID == a.Wants.ID && l.ID != 0 })
}

func same(a, b raw) bool { return a.Waits == b.Waits && slices.Equal(a.Stack, b.Stack) }

func hangText(n int, held []Lock, why string) string {
	who, hold := "A goroutine waits for ever", "it holds"
	if n > 1 {
		who, hold = fmt.Sprintf("%d goroutines wait for ever", n), "they hold"
	}
	text := who
	if len(held) > 0 {
		var names []string
		for _, l := range held {
			names = append(names, Short(l.Name))
		}
		text += ", and " + hold + " " + strings.Join(names, ", ") + ": whoever wants that hangs too"
	}
	if why != "" {
		text += ". " + strings.ToUpper(why[:1]) + why[1:]
	}
	return text + "."
}

// Short is a lock's name without the path of its package.
func Short(name string) string {
	slash := strings.LastIndex(name, "/")
	if file, _, ok := strings.Cut(name[slash+1:], ":"); ok && strings.HasSuffix(file, ".go") {
		return name[slash+1:] // a place
	}
	if _, after, ok := strings.Cut(name[slash+1:], "."); ok {
		return after
	}
	return name
}

// key is the same for the same mistake in every run: the kind, and the locks or the function.
func (r *Report) key() string {
	var names []string
	if r.circular() {
		return r.Kind + " " + strings.Join(r.circle(), " -> ")
	}
	for _, l := range r.Locks {
		if !slices.Contains(names, l.Name) {
			names = append(names, l.Name)
		}
	}
	slices.Sort(names)
	if r.Kind == "hang" || len(names) == 0 {
		for _, s := range r.Stacks {
			if len(s.Frames) > 0 {
				names = append(names, "in "+s.Frames[0].Func)
				break
			}
		}
	}
	return r.Kind + " " + strings.Join(names, ", ")
}

// circular says whether the report is called after its circle. A wait on a Cond is not: its circle may not be known at first.
func (r *Report) circular() bool { return len(r.Cycle) > 0 && r.Kind != "cond" }

// circle gives the names of a circle. It begins nowhere: the smallest name comes first, and again at the end.
func (r *Report) circle() (names []string) {
	for _, s := range r.Cycle {
		names = append(names, s.Holds.Name)
	}
	least := names
	for i := range names {
		if turned := rotate(names, i); slices.Compare(turned, least) < 0 {
			least = turned
		}
	}
	return append(slices.Clone(least), least[0])
}

func rotate(list []string, n int) []string { return slices.Concat(list[n:], list[:n]) }

// fold makes one report of those that several processes have found alike.
func fold(list []Report) (out []Report) {
	for _, r := range list {
		i := slices.IndexFunc(out, func(o Report) bool { return o.Key == r.Key && o.Program != r.Program })
		if i < 0 {
			out = append(out, r)
			continue
		}
		out[i].Count = max(out[i].Count, 1) + 1
		if r.Severity > out[i].Severity {
			r.Count = out[i].Count
			out[i] = r
		}
	}
	slices.SortStableFunc(out, func(a, b Report) int { return int(b.Severity - a.Severity) })
	return out
}
