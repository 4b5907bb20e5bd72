package sim

// The processors: which thread each one runs, and when it runs another one.
//
// Layout: below.
// Bits: none.
// Invariants: whenever an event is chosen,
//
//	S1 a thread is running on one CPU, or queued on one, or set aside on one by the
//	   interrupt that preempted it, or blocked, and never two of these.
//	S2 a CPU runs a thread of the best level that is queued on it, unless the one that
//	   it runs is in a critical section, a preemptor, or a holder of tokens that
//	   Slicing keeps.
//	S3 an interrupt is delivered at once, unless its level is not above that of the
//	   running thread or this is in a critical section; then when that ends.
//	S4 a thread changes its CPU by Migrate only.
//
// Transitions:
//
//	blocked --what it waits for is there--> queued, by a message if the waker is on another CPU
//	queued --best of its CPU--> running;  running --better one, end of slice--> queued
//	running --must wait--> blocked;  running --interrupt--> set aside --handler waits or is done--> running
//
// Lock order: none.
// Blocking: none; this is what blocks the others.
// Departures: DragonFly preempts for interrupt threads only, and never slices kernel
// threads; here a thread without tokens is preempted by any better one. Its messages
// are interrupts; here they are handled between two operations.

import (
	"fmt"
	"time"

	"github.com/serializing-tokens/lwkt"
	core "github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// Slicing is what a clock tick or a better thread does to a thread that holds tokens.
type Slicing uint8

const (
	// KeepHolders lets a holder run on until it holds no token any more.
	KeepHolders Slicing = iota
	// LendHolders treats it like everybody, and lends it the priority of those who
	// wait for its tokens.
	LendHolders
)

// levels are the run queues, one for each grade: user threads, whatever their priority, are below all others.
const levels = 2 * (core.MaxPriority + 1)

// CPU is a virtual processor.
type CPU struct {
	m        *Machine
	index    int
	running  *proc
	queue    [levels][]*proc // by level, first in first out
	queued   int
	messages []*proc // threads that another CPU makes runnable here
	since    int64   // when running began to use up what is left of its operation
	tick     int64   // when the clock ticks next
	switches int
}

// sched is what the processors know about a thread.
type sched struct {
	cpu     *CPU
	state   state
	user    bool // a thread in user mode
	daemon  bool // the run is over without it
	source  *Source
	victim  *proc // whom it preempted
	spl     Level
	crit    int
	slice   int      // ticks since it was dispatched
	left    int64    // virtual time until its operation takes place
	work    int64    // of Work: the time to use up
	move    *CPU     // where Migrate wants it to go
	stepped bool     // it did something since it was dispatched
	kept    int64    // with MaxInversion: for how long, since it ran, threads of lower priority kept it from that
	keepers []keeper // who they are
}

type state uint8

const (
	blocked state = iota
	queued
	onCPU
	aside // preempted by an interrupt, which returns to it
)

// OnCPU places a thread on a CPU; without it, threads are dealt out in turn. Without Options.CPUs it says
// nothing. Machine.Go panics if there is no such CPU.
func OnCPU(n int) ThreadOption {
	return func(p *proc) {
		switch m := p.m; {
		case len(m.cpus) == 0:
		case n < 0 || n >= len(m.cpus):
			m.birth.wrong = fmt.Sprintf("OnCPU(%d) of thread %q: %s", n, p.name, m.allCPUs())
		default:
			p.cpu = m.cpus[n]
		}
	}
}

// wantCPU panics if there is no such CPU; what is who wants it.
func (m *Machine) wantCPU(what string, cpu int) {
	if cpu < 0 || cpu >= len(m.cpus) {
		panic("sim: " + what + ": " + m.allCPUs())
	}
}

// allCPUs tells which there are.
func (m *Machine) allCPUs() string {
	if len(m.cpus) == 0 {
		return "the machine has no CPUs (Options.CPUs)"
	}
	return fmt.Sprintf("the machine has CPUs 0..%d (Options.CPUs)", len(m.cpus)-1)
}

// UserThread makes a thread one of user mode: whatever its priority, below all kernel threads, and sliced. A kernel
// thread that waits for what it has lends it a place among kernel threads.
func UserThread() ThreadOption { return func(p *proc) { p.user = true } }

// placed is called when a thread was made.
func (m *Machine) placed(p *proc) {
	if len(m.cpus) == 0 {
		return
	}
	if p.cpu == nil {
		p.cpu = m.cpus[p.index%len(m.cpus)]
	}
	p.left = m.cost(p)
}

// left is called when a thread has ended.
func (m *Machine) left(p *proc) {
	if c := p.cpu; c != nil && c.running == p {
		c.running = nil
		c.back(p)
	}
}

// cost is the virtual time that p's operation takes.
func (m *Machine) cost(p *proc) int64 {
	if p.work > 0 {
		return p.work
	}
	return int64(m.o.Cost)
}

// level is the run queue of p, with what it is lent.
func (p *proc) level() int {
	l := p.own()
	if p.held > 0 || p.m.o.Slicing == LendHolders && p.rec.Holding() {
		for _, o := range p.m.procs {
			if o.life == live && o.state == blocked && o != p && o.own() > l && p.m.lends(o, p) {
				l = o.own()
			}
		}
	}
	return l
}

// own is the level of p by itself, and by what it is lent for locks of package lwkt.
func (p *proc) own() int { return int(p.rec.Grade()) }

// lends says whether o waits for what p has and lends it its priority.
func (m *Machine) lends(o, p *proc) bool {
	if o.wait == onMutex {
		return o.mu.Lend && o.mu.owner == p
	}
	if o.wait != onPermit || o.key != nil || m.o.Slicing != LendHolders {
		return false
	}
	yes := false
	o.rec.EachWant(func(t *token.Token, _ token.Mode) {
		yes = yes || t.Word().Owner() == p.rec.ID()
	})
	return yes
}

// enqueue makes p wait for its CPU, at the head of its level if it was preempted.
func (c *CPU) enqueue(p *proc, first bool) {
	p.state = queued
	l := p.level()
	if first {
		c.queue[l] = append([]*proc{p}, c.queue[l]...)
	} else {
		c.queue[l] = append(c.queue[l], p)
	}
	c.queued++
}

// best is the thread to run next, or nil.
func (c *CPU) best() (p *proc, level int) {
	if c.queued == 0 {
		return nil, -1
	}
	level = -1
	for l := len(c.queue) - 1; l >= 0; l-- { // what they are lent may have changed
		for _, q := range c.queue[l] {
			if n := q.level(); n > level {
				p, level = q, n
			}
		}
	}
	return p, level
}

func (c *CPU) dequeue(p *proc) {
	for l := range c.queue {
		for i, q := range c.queue[l] {
			if q == p {
				c.queue[l] = append(c.queue[l][:i:i], c.queue[l][i+1:]...)
				c.queued--
				return
			}
		}
	}
}

// dispatch lets p run.
func (c *CPU) dispatch(p *proc) {
	p.state = onCPU
	c.running = p
	c.since = c.m.now
	c.switches++
	p.stepped = false
	p.kept, p.keepers = 0, p.keepers[:0]
}

// halt takes the running thread off the CPU.
func (c *CPU) halt(to state) *proc {
	p := c.running
	c.use()
	c.running = nil
	p.state = to
	return p
}

// use charges the running thread for the time up to now.
func (c *CPU) use() {
	if p := c.running; p != nil {
		p.left -= c.m.now - c.since
		c.since = c.m.now
	}
}

// back returns the CPU to whom a preemptor took it from.
func (c *CPU) back(p *proc) {
	if v := p.victim; v != nil {
		p.victim = nil
		c.dispatch(v)
	}
}

// fixed says whether p may not be taken off its CPU by another thread now.
func (p *proc) fixed() bool {
	return p.crit > 0 || p.victim != nil || p.m.o.Slicing == KeepHolders && p.rec.Holding()
}

// canRun says whether p could perform its operation if it had a CPU.
func (p *proc) canRun() bool { return p.wait == nothing || p.expired || p.ready() }

// schedule brings all CPUs up to date (S1-S4).
func (m *Machine) schedule() {
	for _, p := range m.procs {
		if p.life == ended || p.cpu == nil {
			continue
		}
		if p.asked {
			m.announce(p)
			p.left = m.cost(p)
			p.work = 0
			if p.cpu.running == p {
				p.cpu.since = m.now
			}
		}
		if p.state == onCPU && !p.canRun() {
			c := p.cpu
			c.halt(blocked)
			c.back(p)
		}
	}
	for _, p := range m.procs {
		if p.life != ended && p.cpu != nil && p.state == blocked && p.canRun() {
			if p.move != nil {
				p.cpu, p.move, p.wait = p.move, nil, nothing
			}
			p.state = queued
			p.cpu.messages = append(p.cpu.messages, p)
		}
	}
	for _, c := range m.cpus {
		c.schedule()
	}
	for _, c := range m.cpus {
		if p := c.running; p != nil && !p.canRun() { // back from an interrupt to find that another CPU was faster
			m.schedule()
			return
		}
	}
}

// schedule chooses what c runs.
func (c *CPU) schedule() {
	if r := c.running; r == nil || r.crit == 0 {
		for _, p := range c.messages {
			if r := c.running; p.source != nil && r != nil && !r.fixedAgainst(p) {
				p.victim = c.halt(aside) // S3
				c.dispatch(p)
			} else {
				c.enqueue(p, false)
			}
		}
		c.messages = c.messages[:0]
	}
	c.interrupts()
	next, level := c.best()
	if next == nil {
		return
	}
	switch r := c.running; {
	case r == nil:
	case r.fixed():
		return
	case level > r.level():
		c.enqueue(c.halt(queued), true)
	case level == r.level() && r.slice >= c.m.o.Quantum:
		c.enqueue(c.halt(queued), false)
		next, _ = c.best()
	default:
		return
	}
	c.dequeue(next)
	next.slice = 0
	c.dispatch(next)
}

// dispatchable lists the events of the machine with processors.
func (m *Machine) dispatchable(at *Point) {
	for {
		if !m.o.Timed {
			m.raiseDue()
		}
		m.schedule()
		if !m.o.Timed || m.pass() {
			break
		}
	}
	for _, c := range m.cpus {
		p := c.running
		switch {
		case p == nil, m.o.Timed && c.since+p.left > m.now:
		case p.spinsInVain():
			at.Waiting = append(at.Waiting, p.ev)
		default:
			at.Enabled = append(at.Enabled, p.ev)
		}
		if !m.o.Timed && p != nil && p.slice < m.o.Quantum && c.rotates(p) {
			at.Enabled = append(at.Enabled, Event{Thread: c.index, Kind: Tick, Op: Op{Kind: Other, Obj: None}})
		}
	}
	m.arriving(at)
	for _, p := range m.procs {
		if p.life != ended && p.cpu != nil && p.state == blocked {
			at.Waiting = append(at.Waiting, p.ev)
		}
	}
	if m.finished() {
		at.Enabled = at.Enabled[:0]
	}
}

// rotates says whether a tick would matter: another thread would run instead of p.
func (c *CPU) rotates(p *proc) bool {
	_, level := c.best()
	return level == p.level() && !p.fixed() && p.spl < SplSched && p.ran()
}

// ran says whether p has done something since it was dispatched, so that ticks alone
// do not make a schedule.
func (p *proc) ran() bool { return p.slice == 0 && p.stepped }

// finished says whether only daemons are left, with nothing to do.
func (m *Machine) finished() bool {
	for _, p := range m.procs {
		if p.life != ended && (!p.daemon || p.state != blocked) {
			return false
		}
	}
	return true
}

// Work lets the thread compute for some virtual time, in which it can be preempted
// and sliced.
func (m *Machine) Work(td *lwkt.Thread, d time.Duration) { procOf(td).compute(int64(d)) }

//go:norace
func (p *proc) compute(d int64) {
	p.work = d
	p.plain(Other, nil)
}

// CPUOf returns the index of the CPU that a thread, by its index, is on.
//
//go:norace
func (m *Machine) CPUOf(thread int) int {
	if c := m.procs[thread].cpu; c != nil {
		return c.index
	}
	return None
}

// CPU returns the index of the CPU that the thread is on, or None without CPUs.
//
//go:norace
func (m *Machine) CPU(td *lwkt.Thread) int { return m.CPUOf(procOf(td).index) }

// Migrate moves the thread to another CPU, by a message to it. The thread gives up
// its tokens meanwhile. It panics in a critical section, and if there is no such CPU.
//
//go:norace
func (m *Machine) Migrate(td *lwkt.Thread, cpu int) (changed bool) {
	p := procOf(td)
	if p.crit > 0 {
		panic("sim: Migrate in a critical section")
	}
	if cpu < 0 || cpu >= len(m.cpus) {
		m.wantCPU(fmt.Sprintf("Migrate of thread %q to CPU %d", p.name, cpu), cpu)
	}
	if cpu == m.CPU(td) {
		return false
	}
	return td.Block(func() { p.migrate(m.cpus[cpu]) })
}

//go:norace
func (p *proc) migrate(to *CPU) {
	p.move = to
	p.kind, p.wait, p.key = Other, onMove, nil
	p.pause()
}
