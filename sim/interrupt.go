package sim

// Interrupts, the levels that mask them (spl(9)), and critical sections.
//
// State machine: cpu.go

import (
	"fmt"
	"time"

	"github.com/serializing-tokens/lwkt"
	core "github.com/serializing-tokens/lwkt/internal/thread"
)

// Level is an interrupt priority level. A CPU at a level takes interrupts above it
// only; the level belongs to the running thread. What is not taken is pending, and of several that are the CPU takes that of
// the highest level first when it may, and those of one level in the order in which their sources were added.
type Level uint8

// The levels, as NetBSD has them.
const (
	SplNone Level = iota
	SplSoftClock
	SplSoftBio
	SplSoftNet
	SplSoftSerial
	SplVM // bio, net, tty
	SplSched
	SplHigh
)

var levelNames = [...]string{"none", "softclock", "softbio", "softnet", "softserial", "vm", "sched", "high"}

// String is the name of the level.
func (l Level) String() string {
	if l > SplHigh {
		return fmt.Sprintf("Level(%d)", uint8(l))
	}
	return levelNames[l]
}

// Source is a source of interrupts with its handler.
type Source struct {
	m     *Machine
	index int
	name  string
	cpu   int
	level Level
	fast  bool
	p     *proc
	up    int     // raised and not delivered
	due   []int64 // when it is going to be raised
	may   int     // how often the chooser may still raise it
}

// SourceOption says something about a Source to Machine.Interrupt.
type SourceOption func(*Source)

// Fast makes the handler a filter: it borrows the CPU of whatever runs, also of another handler of a lower level, must
// not wait for anything, and panics if it does.
func Fast() SourceOption { return func(s *Source) { s.fast = true } }

// At raises the interrupt at some virtual time.
func At(d time.Duration) SourceOption { return func(s *Source) { s.due = append(s.due, 1+int64(d)) } }

// AnyTime lets the chooser raise the interrupt up to n times, whenever it likes.
func AnyTime(n int) SourceOption { return func(s *Source) { s.may = n } }

// Interrupt adds a source of interrupts of a CPU, to be called before Run. The handler is
// called once for each time that it is raised, at its level, on an interrupt thread
// of the best priority, which preempts whatever runs and returns to it when it is done or
// must wait. As in DragonFly there is one preemption at a time: an interrupt of a higher level that comes while a
// handler has preempted a thread waits until that goes on, unless its own handler is Fast. It panics if there is no such CPU or level; SplNone is
// none, for every thread would keep it out.
func (m *Machine) Interrupt(name string, cpu int, level Level, handler func(td *lwkt.Thread), opts ...SourceOption) *Source {
	if len(m.cpus) == 0 || m.phase != setup {
		panic("sim: Interrupt needs Options.CPUs, and must be called before Run")
	}
	m.wantCPU(fmt.Sprintf("Interrupt %q on CPU %d", name, cpu), cpu)
	if level == SplNone || level > SplHigh {
		panic(fmt.Sprintf("sim: Interrupt %q at level %v: it is to be from SplSoftClock to SplHigh", name, level))
	}
	s := &Source{m: m, index: len(m.sources), name: name, cpu: cpu, level: level}
	for _, o := range opts {
		o(s)
	}
	m.sources = append(m.sources, s)
	m.Go(name, func(td *lwkt.Thread) {
		p := procOf(td)
		if s.fast {
			p.rec.SetContext(core.InterruptFilter)
		} else {
			p.rec.SetContext(core.InterruptThread)
		}
		for {
			p.await(s)
			handler(td)
			p.settled(s)
		}
	}, Priority(core.MaxPriority), OnCPU(cpu), func(p *proc) {
		s.p, p.source, p.daemon, p.spl = p, s, true, level
	})
	return s
}

// Raise raises the interrupt now. Threads call it, as a device would.
//
//go:norace
func (s *Source) Raise() { s.up++ }

// await waits for the next interrupt.
//
//go:norace
func (p *proc) await(s *Source) {
	p.kind, p.wait, p.key = Other, onRaise, nil
	p.pause()
}

// settled is called when the handler has returned.
//
//go:norace
func (p *proc) settled(s *Source) {
	switch {
	case p.crit > 0:
		panic("sim: the handler of " + s.name + " returned in a critical section")
	case p.spl != s.level:
		panic("sim: the handler of " + s.name + " returned at level " + p.spl.String())
	}
}

// interrupts delivers what may be delivered to c (S3).
func (c *CPU) interrupts() {
	for s := c.deliverable(); s != nil; s = c.deliverable() {
		p := s.p
		if c.running != nil {
			p.victim = c.halt(aside)
		}
		s.up--
		p.wait = nothing
		p.slice = 0
		c.dispatch(p)
	}
}

// deliverable is the source whose interrupt c takes next, or nil: of those pending that nothing keeps out, the first of the
// highest level.
func (c *CPU) deliverable() (best *Source) {
	for _, s := range c.m.sources {
		if s.cpu != c.index || s.up == 0 || s.p.state != blocked || s.p.wait != onRaise || best != nil && s.level <= best.level {
			continue
		}
		if r := c.running; r == nil || !r.fixedAgainst(s.p) {
			best = s
		}
	}
	return best
}

// fixedAgainst says whether the running thread keeps out an interrupt thread.
func (p *proc) fixedAgainst(i *proc) bool {
	if p.crit > 0 || p.spl >= i.source.level {
		return true
	}
	if p.source != nil && p.source.fast {
		return !i.source.fast
	}
	return p.victim != nil && !i.source.fast // one preemption at a time
}

// filter panics if the thread is the handler of a fast interrupt, which is about to wait.
//
//go:norace
func (p *proc) filter() {
	if p.source != nil && p.source.fast && p.m.phase != dying {
		panic("sim: the filter of interrupt " + p.source.name + " would have to wait")
	}
}

// raiseDue raises the interrupts whose time has come, and says whether there were any.
func (m *Machine) raiseDue() (any bool) {
	for _, s := range m.sources {
		keep := s.due[:0]
		for _, t := range s.due {
			if t <= m.now {
				s.up++
				any = true
			} else {
				keep = append(keep, t)
			}
		}
		s.due = keep
	}
	return any
}

// arriving lists the interrupts that the chooser may raise.
func (m *Machine) arriving(at *Point) {
	for _, s := range m.sources {
		if s.may > 0 && s.up == 0 {
			at.Enabled = append(at.Enabled, Event{Thread: s.index, Kind: Interrupt, Op: Op{Kind: Other, Obj: None}})
		}
	}
}

// SourceName is the name of a source by its index, which Events of kind Interrupt carry.
func (m *Machine) SourceName(index int) string { return m.sources[index].name }

// Splraise raises the level of the thread to l, if it is lower, and returns the old
// one. It panics if there is no such level. (splraise(9))
//
//go:norace
func (m *Machine) Splraise(td *lwkt.Thread, l Level) (old Level) {
	p := procOf(td)
	p.plain(Other, nil)
	old = p.spl
	p.setLevel(max(old, l))
	return old
}

// Splx sets the level to one that Splraise returned, and lets the interrupts that
// waited for that happen. A handler must not go below its own level. (splx(9))
//
//go:norace
func (m *Machine) Splx(td *lwkt.Thread, l Level) {
	p := procOf(td)
	p.plain(Other, nil)
	if p.source != nil && l < p.source.level {
		panic("sim: the handler of " + p.source.name + " lowers the level below its own")
	}
	p.setLevel(l)
	p.plain(Other, nil) // here they happen
}

// Spl0 lets all interrupts happen. (spl0(9))
func (m *Machine) Spl0(td *lwkt.Thread) { m.Splx(td, SplNone) }

// Spl returns the level of the thread.
func (m *Machine) Spl(td *lwkt.Thread) Level { return procOf(td).level0() }

//go:norace
func (p *proc) setLevel(l Level) {
	if l > SplHigh {
		panic("sim: there is no level " + l.String() + ": they are from SplNone to SplHigh")
	}
	p.spl = l
}

//go:norace
func (p *proc) level0() Level { return p.spl }

// CritEnter begins a critical section: until the matching CritExit the thread is not
// preempted, sliced or moved, and its CPU takes no interrupt. Sections nest. A thread
// that blocks in one loses it until it runs again. (crit_enter(9))
func (m *Machine) CritEnter(td *lwkt.Thread) {
	procOf(td).plain(Other, nil)
	td.CritEnter()
}

// CritExit ends a critical section. What had to wait for its end happens now.
// (crit_exit(9))
func (m *Machine) CritExit(td *lwkt.Thread) {
	procOf(td).plain(Other, nil)
	td.CritExit()
}
