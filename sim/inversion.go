package sim

// Priority inversion, measured: for how long threads of lower priority keep one from running.

import (
	"fmt"
	"strings"
	"time"

	core "github.com/serializing-tokens/lwkt/internal/thread"
)

// InversionError is a thread that was kept from running for longer than Options.MaxInversion.
type InversionError struct {
	Thread   string        // its name
	Priority int           // its own
	For      string        // what it waits for, or "" if it could run
	Owner    string        // the thread that has that, or ""
	Kept     time.Duration // for how long, up to the end of the run
	By       []Keeper      // by whom, in order of time
	Limit    time.Duration // Options.MaxInversion
}

// Keeper is a thread of lower priority that ran meanwhile.
type Keeper struct {
	Thread   string        // its name
	Priority int           // its own, whatever it was lent
	Time     time.Duration // for how long
}

// Error tells the threads and the times.
func (e *InversionError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "sim: priority inversion: thread %q at %d is kept from running for %v, and %v is the limit: ", e.Thread, e.Priority, e.Kept, e.Limit)
	for i, k := range e.By {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q at %d runs for %v", k.Thread, k.Priority, k.Time)
	}
	switch {
	case e.For == "":
		b.WriteString("; it could run")
	case e.Owner == "":
		fmt.Fprintf(&b, "; it waits for %s", e.For)
	default:
		fmt.Fprintf(&b, "; it waits for %s of %q", e.For, e.Owner)
	}
	return b.String()
}

// keeper is a Keeper of a stretch that is not over.
type keeper struct {
	p    *proc
	time int64
}

// inversions charges all threads for the time d, which is about to pass.
func (m *Machine) inversions(d int64) {
	for _, p := range m.procs {
		k := p.keptBy()
		if k == nil {
			continue
		}
		i := 0
		for i < len(p.keepers) && p.keepers[i].p != k {
			i++
		}
		if i == len(p.keepers) {
			p.keepers = append(p.keepers, keeper{k, 0})
		}
		p.keepers[i].time += d
		if p.kept += d; p.kept > int64(m.o.MaxInversion) {
			m.fail(Inversion, m.inverted(p))
			return
		}
	}
}

// keptBy is the thread of lower priority that runs where p, or whom p waits for, could run, or nil.
func (p *proc) keptBy() *proc {
	if p.life == ended || p.cpu == nil || p.state == onCPU {
		return nil
	}
	last := p
	for range p.m.procs { // to the end of the chain, unless it is a cycle
		if last.state != blocked || last.canRun() {
			break
		}
		if !last.bounded() {
			return nil // it sleeps, by its own will or that of who has what p waits for
		}
		owner := p.m.blocker(last)
		if owner == nil || owner == last {
			last = p // readers, perhaps; of their CPUs this one is known
			break
		}
		last = owner
	}
	r := last.cpu.running
	if r == nil || r.rec.OwnGrade() >= p.rec.OwnGrade() {
		return nil
	}
	return r
}

// bounded says whether p, which is blocked, waits for a lock or tokens.
func (p *proc) bounded() bool {
	switch p.wait {
	case onMutex, onLock, onToken, onWants, onRetake:
		return true
	case onPermit:
		return !p.sleeps()
	}
	return false
}

func (m *Machine) inverted(p *proc) error {
	e := &InversionError{Thread: p.name, Priority: p.priority(), Kept: time.Duration(p.kept), Limit: m.o.MaxInversion}
	if p.state == blocked && !p.canRun() {
		w, _ := m.waitOf(p)
		e.For, e.Owner = w.For, w.Owner
	}
	for _, k := range p.keepers {
		e.By = append(e.By, Keeper{k.p.name, k.p.priority(), time.Duration(k.time)})
	}
	return e
}

// priority is the thread's own.
func (p *proc) priority() int { return core.PriorityOf(p.rec.OwnGrade()) }
