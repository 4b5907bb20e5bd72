package thread

// The profile of locks: how often each was acquired at each place, how long that took
// and how long it was held (LOCK_PROFILING(9)). It is kept while recording is on.

import (
	"sync"

	"github.com/serializing-tokens/lwkt/internal/token"
)

// profileKey is a line of the profile: a lock by class and name, and a place.
type profileKey struct {
	class Class
	name  string
	site  uintptr
}

// ProfileLine is a line of the profile.
type ProfileLine struct {
	Class Class
	Name  string
	Site  uintptr
	Wait  token.Histogram // of all acquisitions; 0 for those that need not wait
	Hold  token.Histogram
	Busy  uint64 // acquisitions that had to wait
}

type profiled struct {
	mu   sync.Mutex
	line ProfileLine // (mu)
}

var profiles struct {
	sync.Mutex
	lines map[profileKey]*profiled // (Mutex)
}

// profile returns the line for obj acquired at the site.
func profile(obj *Object, c Class, site uintptr) *profiled {
	k := profileKey{c, obj.Name(), site}
	profiles.Lock()
	defer profiles.Unlock()
	p := profiles.lines[k]
	if p == nil {
		if profiles.lines == nil {
			profiles.lines = make(map[profileKey]*profiled)
		}
		p = &profiled{line: ProfileLine{Class: c, Name: k.name, Site: site}}
		profiles.lines[k] = p
	}
	return p
}

func (p *profiled) acquired(wait int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line.Wait.Add(wait)
	if wait > 0 {
		p.line.Busy++
	}
}

func (p *profiled) held(ns int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line.Hold.Add(ns)
}

// Profile returns a copy of each line, in no order.
func Profile() (lines []ProfileLine) {
	profiles.Lock()
	defer profiles.Unlock()
	for _, p := range profiles.lines {
		p.mu.Lock()
		lines = append(lines, p.line)
		p.mu.Unlock()
	}
	return lines
}

// ResetProfile forgets all lines.
func ResetProfile() {
	profiles.Lock()
	defer profiles.Unlock()
	profiles.lines = nil
}
