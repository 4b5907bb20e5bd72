package report

// Which reports concern the user: locks inside the standard library are watched like all others, but what goes on there between its
// own locks only is not for the user to mend.

import (
	"slices"
	"strings"
)

// Package is the import path in the name of a function, main for a program's own.
func Package(function string) string {
	end := len(function)
	if i := strings.IndexAny(function, "[("); i >= 0 {
		end = i
	}
	slash := strings.LastIndex(function[:end], "/") + 1
	if dot := strings.IndexByte(function[slash:end], '.'); dot >= 0 {
		end = slash + dot
	}
	return strings.ReplaceAll(function[:end], "%2e", ".")
}

// Owner is the package that a lock lives in, by its name, which begins with it.
func Owner(name string) string {
	slash := strings.LastIndex(name, "/") + 1
	if strings.Contains(name[slash:], ".go:") {
		return strings.TrimSuffix(name[:slash], "/")
	}
	before, _, _ := strings.Cut(name[slash:], ".")
	return name[:slash] + before
}

// Own keeps the reports in which code of the user is involved.
func Own(list []Report, own func(pkg string) bool) (kept []Report) {
	mine := func(f Frame) bool {
		return f.Func != "" && own(Package(f.Func)) && !strings.HasSuffix(f.File, "_testmain.go")
	}
	for _, r := range list {
		keep := false
		for _, s := range r.Cycle {
			keep = keep || ownStep(s, mine) || s.Holds.Site == nil && own(Owner(s.Holds.Name)) || s.Wants.Site == nil && own(Owner(s.Wants.Name))
		}
		switch {
		case len(r.Cycle) > 0:
		case r.Kind == "hang":
			r.Stacks = slices.DeleteFunc(r.Stacks, func(s Stack) bool { return !ownHang(s, mine) })
			keep = len(r.Stacks) > 0
		case len(r.Locks) == 0:
			keep = len(r.Stacks) == 0 || slices.ContainsFunc(r.Stacks[0].Frames, mine)
		}
		for _, l := range r.Locks {
			keep = keep || len(r.Cycle) == 0 && r.Kind != "hang" && (l.Site != nil && mine(*l.Site) || l.Site == nil && own(Owner(l.Name)))
		}
		if r.Kind == "cond" && len(r.Stacks) > 0 && len(r.Stacks[0].Frames) > 0 {
			// Somebody else's wait below a lock of the user is like reading from a connection with it held.
			keep = mine(r.Stacks[0].Frames[0])
		} else if len(r.Cycle) == 0 && r.Kind != "hang" && len(r.Stacks) > 0 && len(r.Stacks[0].Frames) > 0 {
			keep = keep || mine(r.Stacks[0].Frames[0])
		}
		if keep {
			kept = append(kept, r)
		}
	}
	return kept
}

// ownStep says whether the user took one of the two locks, or was called between them.
func ownStep(s Step, mine func(Frame) bool) bool {
	if s.Holds.Site != nil && mine(*s.Holds.Site) || s.Wants.Site != nil && mine(*s.Wants.Site) {
		return true
	}
	for _, f := range s.Stack {
		if s.Holds.Site != nil && f.Func == s.Holds.Site.Func {
			return false
		}
		if mine(f) {
			// Above the place of the second lock, and not yet at the first one.
			return s.Holds.Site != nil && slices.ContainsFunc(s.Stack, func(f Frame) bool { return f.Func == s.Holds.Site.Func })
		}
	}
	return false
}

// ownHang leaves out goroutines that wait for a test that hangs, and those that the user has nothing to do with.
func ownHang(s Stack, mine func(Frame) bool) bool {
	if len(s.Frames) > 0 && Package(s.Frames[0].Func) == "testing" {
		return false
	}
	return slices.ContainsFunc(s.Frames, mine)
}
