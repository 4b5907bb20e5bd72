package report

// Reports as text for people: a title, what could happen, and each goroutine with its stack.

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Style is how a text looks.
type Style struct {
	Color bool
	Root  string // paths below it are shown relative to it
}

const (
	bold  = "\x1b[1m"
	red   = "\x1b[31m"
	faint = "\x1b[2m"
	plain = "\x1b[0m"
)

func (s Style) paint(color, text string) string {
	if !s.Color {
		return text
	}
	return color + text + plain
}

// Path is a file as it is shown.
func (s Style) Path(file string) string {
	if rel, err := filepath.Rel(s.Root, file); s.Root != "" && err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return file
}

// Text prints the reports, and a line about all of them at the end.
func Text(w io.Writer, list []Report, style Style) error {
	var b bytes.Buffer
	for _, r := range list {
		style.report(&b, r)
	}
	if len(list) > 0 {
		count := map[Severity]int{}
		for _, r := range list {
			count[r.Severity]++
		}
		var parts []string
		for s := Certain; s >= Possible; s-- {
			if count[s] > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", count[s], s))
			}
		}
		fmt.Fprintf(&b, "witness: %s: %s\n", plural(len(list), "report"), strings.Join(parts, ", "))
	}
	_, err := w.Write(b.Bytes())
	return err
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// titles say in a word what kind of mistake it is.
var titles = map[string]string{
	"order":     "lock order reversal",
	"duplicate": "two locks of one class",
	"recursion": "recursive locking",
	"upgrade":   "upgrade of a shared lock",
	"not-held":  "unlock of a lock that is not held",
	"leak":      "lock never released",
	"cond":      "Cond.Wait with a second lock held",
	"chan":      "channel wait with a lock held",
	"deadlock":  "deadlock",
	"hang":      "blocked for ever",
}

// Title is a report in one line.
func (r *Report) Title() string {
	title := titles[r.Kind]
	if title == "" {
		title = r.Kind
	}
	var names []string
	if r.circular() {
		for _, name := range r.circle() {
			names = append(names, Short(name))
		}
		return title + ": " + strings.Join(names, " -> ")
	}
	for i, l := range r.Locks {
		if i == 0 || l.ID != r.Locks[i-1].ID || l.Name != r.Locks[i-1].Name { // one lock may be held and wanted
			names = append(names, Short(l.Name))
		}
	}
	if len(names) == 0 && len(r.Stacks) > 0 {
		for _, f := range r.Stacks[0].Frames {
			names = append(names, shortFunc(f.Func))
			break
		}
	}
	return title + ": " + strings.Join(names, ", ")
}

func (s Style) report(b *bytes.Buffer, r Report) {
	fmt.Fprintf(b, "%s %s\n", s.paint(bold+red, "WITNESS "+r.Severity.String()), s.paint(bold, r.Title()))
	if r.Text != "" {
		fmt.Fprintf(b, "  %s\n", r.Text)
	}
	if r.Note != "" {
		fmt.Fprintf(b, "  (%s)\n", r.Note)
	}
	if r.Count > 1 {
		fmt.Fprintf(b, "  Found in %d processes.\n", r.Count)
	}
	for _, c := range r.Cycle {
		seen := " earlier"
		if c.Now {
			seen = ""
		}
		held, did := c.Holds, "took"
		switch {
		case r.Kind == "cond" && c.Wants.Mode == "": // it is a Cond
			did = "waited for"
		case r.Kind == "cond" && c.Holds.Mode == "":
			held, did = c.Wants, "woke"
		}
		other := c.Wants
		if did == "woke" {
			other = c.Holds
		}
		fmt.Fprintf(b, "\n  %s%s held %s and %s %s\n", c.Goroutine, seen, s.lock(held), did, s.lock(other))
		if held.Site != nil {
			fmt.Fprintf(b, "    held %s since\n", Short(held.Name))
			s.frame(b, *held.Site)
		}
		fmt.Fprintf(b, "    %s %s at\n", did, Short(other.Name))
		s.frames(b, c.Stack)
		s.also(b, c.Also)
	}
	for _, st := range r.Stacks {
		if len(r.Cycle) > 0 && st.Waits == "" {
			break // the same as a step
		}
		who, waits := st.Goroutine, " waits: "
		if st.Count > 1 {
			who, waits = fmt.Sprintf("%s and %s at the same place", who, plural(st.Count-1, "other")), " wait: "
		}
		if st.Waits != "" {
			who += waits + st.Waits
		}
		fmt.Fprintf(b, "\n  %s\n", who)
		s.frames(b, st.Frames)
		for _, l := range st.Holds {
			fmt.Fprintf(b, "    holds %s since\n", s.lock(l))
			if l.Site != nil {
				s.frame(b, *l.Site)
			}
		}
		if len(st.Created) > 0 {
			fmt.Fprintf(b, "    started at\n")
			s.frame(b, st.Created[0])
		}
	}
	if len(r.Cycle) == 0 && (len(r.Stacks) == 0 || r.Stacks[0].Waits == "") {
		for _, l := range r.Locks {
			if l.Site != nil {
				fmt.Fprintf(b, "    %s taken at\n", s.lock(l))
				s.frame(b, *l.Site)
			}
		}
	}
	b.WriteByte('\n')
}

func (s Style) also(b *bytes.Buffer, list []Lock) {
	for _, l := range list {
		fmt.Fprintf(b, "    and held %s\n", s.lock(l))
		if l.Site != nil {
			s.frame(b, *l.Site)
		}
	}
}

// lock is a lock with its mode, if that says something.
func (s Style) lock(l Lock) string {
	name := Short(l.Name)
	if l.Mode == "shared" {
		name += " (shared)"
	}
	return s.paint(bold, name)
}

func (s Style) frames(b *bytes.Buffer, list []Frame) {
	for i, f := range list {
		if f.Func == "testing.tRunner" && i > 0 { // nobody's code is above that
			break
		}
		s.frame(b, f)
	}
}

func (s Style) frame(b *bytes.Buffer, f Frame) {
	where := fmt.Sprintf("%s:%d", s.Path(f.File), f.Line)
	fmt.Fprintf(b, "      %-40s %s\n", where, s.paint(faint, shortFunc(f.Func)))
}

// shortFunc is a function without the path of its package.
func shortFunc(name string) string {
	end := len(name)
	if i := strings.IndexAny(name, "[("); i >= 0 {
		end = i
	}
	return name[strings.LastIndex(name[:end], "/")+1:]
}

// Terminal says whether a file is one that shows colours.
func Terminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
