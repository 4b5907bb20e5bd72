// Reports as text for people to read, made without the help of fmt.
package engine

import "runtime"

// Frames gives the lines of a stack.
//
//go:norace
func Frames(pcs []uintptr) (list []Frame) {
	if len(pcs) == 0 {
		return nil
	}
	frames := runtime.CallersFrames(pcs)
	for {
		f, more := frames.Next()
		if f.Function != "" || f.File != "" {
			list = append(list, Frame{f.Function, f.File, f.Line})
		}
		if !more {
			return list
		}
	}
}

//go:norace
func appendInt(b []byte, n int) []byte {
	if n < 0 {
		return appendInt(append(b, '-'), -n)
	}
	if n >= 10 {
		b = appendInt(b, n/10)
	}
	return append(b, byte('0'+n%10))
}

// String gives the name of a lock, with its number if it is about one lock.
//
//go:norace
func (l LockRef) String() string {
	if l.ID == 0 {
		return l.Name
	}
	return string(appendInt(append([]byte(l.Name), " #"...), int(l.ID.Serial())))
}

// String gives the name of a thread, or its number if it has none.
//
//go:norace
func (t ThreadRef) String() string {
	if t.Name != "" {
		return t.Name
	}
	return string(appendInt([]byte("thread "), int(t.Num)))
}

//go:norace
func (f Frame) append(b []byte, indent string) []byte {
	b = append(append(b, indent...), f.Func...)
	b = append(append(append(append(b, "()\n"...), indent...), "    "...), f.File...)
	return append(appendInt(append(b, ':'), f.Line), '\n')
}

var titles = [...]string{"", "lock order reversal", "two locks of one class", "recursion", "upgrade", "release of a lock that is not held",
	"lock still held", "wait with a lock that must not be held", "condition wait with a second lock held", "wrong interlock",
	"channel wait with a lock held", "deadlock"}

// Title says in a few words what a report of this kind is.
//
//go:norace
func (k ReportKind) Title() string { return titles[k] }

// Names gives the locks of a report as a chain of names, closed if it is a circle.
//
//go:norace
func (r *Report) Names() string {
	s := ""
	for i, l := range r.Locks {
		if i > 0 {
			s += " -> "
			if len(r.Cycle) == 0 {
				s = s[:len(s)-4] + ", "
			}
		}
		s += l.Name
	}
	if len(r.Cycle) > 0 {
		s += " -> " + r.Locks[0].Name
	}
	return s
}

// AppendText appends the report as text. frames turns a stack into lines; nil: Frames.
//
//go:norace
func (r *Report) AppendText(b []byte, frames func([]uintptr) []Frame) []byte {
	if frames == nil {
		frames = Frames
	}
	say := func(list ...string) {
		for _, s := range list {
			b = append(b, s...)
		}
	}
	stack := func(pcs []uintptr, indent string) {
		for _, f := range frames(pcs) {
			b = f.append(b, indent)
		}
	}
	site := func(pc uintptr, indent string) {
		if pc != 0 {
			stack([]uintptr{pc}, indent)
		}
	}
	names := r.Names()
	if len(r.Cycle) == 0 && len(r.Locks) == 2 && r.Locks[0].ID == r.Locks[1].ID {
		names = r.Locks[0].Name
	}
	say("witness: ", r.Severity.String(), " ", r.Kind.Title(), ": ", names, "\n  ", r.Text, "\n")
	if r.Note != "" {
		say("  (", r.Note, ")\n")
	}
	for _, s := range r.Cycle {
		switch {
		case s.Stated:
			say("\n  declared: ", s.Holds.Name, " before ", s.Wants.Name, "\n")
			continue
		case r.Kind == Deadlock:
			say("\n  ", s.Thread.String(), " holds ", s.Holds.String(), " (", s.Holds.Mode.String(), ") and waits for ", s.Wants.String(), "\n")
		case s.Wants.Mode == 0:
			say("\n  ", s.Thread.String(), " waits for ", s.Wants.String(), " with ", s.Holds.String(), " held (", s.Holds.Mode.String(), ")\n")
		case s.Holds.Mode == 0:
			say("\n  ", s.Thread.String(), " wakes those who wait for ", s.Holds.String(), " with ", s.Wants.String(), " held (", s.Wants.Mode.String(), ")\n")
			site(s.Wants.Site, "      ")
			say("    ", s.Holds.Name, " at\n")
			stack(s.Stack, "      ")
			continue
		case s.Now:
			say("\n  ", s.Thread.String(), " holds ", s.Holds.String(), " (", s.Holds.Mode.String(), ") and takes ", s.Wants.String(), " (", s.Wants.Mode.String(), ")\n")
		default:
			say("\n  earlier, ", s.Thread.String(), " held ", s.Holds.String(), " (", s.Holds.Mode.String(), ") and took ", s.Wants.String(), " (", s.Wants.Mode.String(), ")\n")
		}
		if len(s.Also) > 0 {
			say("    also held:")
			for i, l := range s.Also {
				if i > 0 {
					say(",")
				}
				say(" ", l.String())
			}
			say("\n")
		}
		if s.Holds.Site != 0 {
			say("    ", s.Holds.Name, " was taken at\n")
			site(s.Holds.Site, "      ")
		}
		say("    ", s.Wants.Name, " at\n")
		if len(s.Stack) > 0 {
			stack(s.Stack, "      ")
		} else {
			site(s.Wants.Site, "      ")
		}
	}
	if len(r.Cycle) == 0 {
		for i, l := range r.Locks {
			if l.Site == 0 {
				continue
			}
			say("\n  ", l.String())
			if l.Mode != 0 {
				say(" (", l.Mode.String(), ")")
			}
			if i == 0 {
				say(", by ", r.Thread.String())
			}
			say(" at\n")
			site(l.Site, "    ")
		}
		if len(r.Stack) > 0 {
			say("\n  found at\n")
			stack(r.Stack, "    ")
		}
	}
	return append(b, '\n')
}
