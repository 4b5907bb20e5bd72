package sim

// A plain mutex and a shared variable for simulated threads: what tokens are compared
// with, and what programs under test are made of.

import (
	"unsafe"

	"github.com/serializing-tokens/lwkt"
)

type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// Mutex is a mutual exclusion lock for simulated threads and nothing else: it is kept
// when its holder blocks, lends no priority unless told to, and can deadlock. The zero Mutex is free.
// With priorities it is granted to the best waiter that asks first when it is free.
type Mutex struct {
	_    noCopy
	Name string // for messages
	Lend bool   // with CPUs: its holder has at least the priority of whoever waits

	tried bool   // TryLock is used: an Unlock is to be seen
	run   uint32 // of m, in which obj is valid
	obj   int32
	edge  edge
	m     *Machine
	owner *proc
}

func (mu *Mutex) number(m *Machine) int32 {
	if mu.m != m || mu.run != m.run {
		mu.m, mu.run, mu.obj = m, m.run, m.names.add(mu)
	}
	return mu.obj
}

// Lock waits until the mutex is free and takes it.
//
//go:norace
func (mu *Mutex) Lock(td *lwkt.Thread) {
	p := procOf(td)
	if mu.owner != nil {
		p.filter()
	}
	p.kind, p.wait, p.mu = Lock, onMutex, mu
	p.pause()
	mu.owner = p
	p.held++
	mu.edge.acquire()
}

// TryLock takes the mutex if it is free.
//
//go:norace
func (mu *Mutex) TryLock(td *lwkt.Thread) bool {
	p := procOf(td)
	mu.tried = true
	p.kind, p.wait, p.mu = TryLock, nothing, mu
	p.pause()
	if mu.owner != nil {
		return false
	}
	mu.owner = p
	p.held++
	mu.edge.acquire()
	return true
}

// Unlock frees the mutex. It panics if the thread does not hold it. It is an event of
// its own only if TryLock was used on the mutex, else part of what came before.
//
//go:norace
func (mu *Mutex) Unlock(td *lwkt.Thread) {
	p := mu.owner
	if p == nil || p.td != td {
		p = procOf(td)
		p.Dying()
		panic("sim: Unlock of a Mutex that the thread does not hold")
	}
	if mu.tried || len(p.m.cpus) > 0 {
		p.kind, p.wait, p.mu = Unlock, nothing, mu
		p.pause()
	}
	mu.edge.release()
	mu.owner = nil
	p.held--
	p.m.foot.wrote(mu.obj)
}

// Held says whether the thread holds the mutex.
//
//go:norace
func (mu *Mutex) Held(td *lwkt.Thread) bool { return mu.owner == procOf(td) }

// Var is a variable that threads share without a lock: each Load and Store is an
// operation, between which others may run. It is atomic, and to the race detector
// synchronizes nothing. Its zero value holds the zero value.
type Var[T any] struct {
	v T
}

// Load returns the value.
//
//go:norace
func (v *Var[T]) Load(td *lwkt.Thread) T {
	procOf(td).plain(Load, v)
	looks(unsafe.Pointer(&v.v), shapeOf[T])
	return v.v
}

// Store sets the value.
//
//go:norace
func (v *Var[T]) Store(td *lwkt.Thread, x T) {
	procOf(td).plain(Store, v)
	v.v = x
}

// Value returns the value outside of threads, in setup and Finally.
//
//go:norace
func (v *Var[T]) Value() T {
	looks(unsafe.Pointer(&v.v), shapeOf[T])
	return v.v
}

// Set sets the value outside of threads, in setup.
//
//go:norace
func (v *Var[T]) Set(x T) { v.v = x }

// Until keeps the thread from going on until cond holds, which must depend on nothing
// but what the threads of the machine do, and is called between their operations. The thread
// keeps what it holds. what is for messages. td may be nil: it is the thread that runs.
func (m *Machine) Until(td *lwkt.Thread, what string, cond func() bool) { m.self(td).until(what, cond) }

// self is the simulated thread that td is, or if td is nil the one that runs.
//
//go:norace
func (m *Machine) self(td *lwkt.Thread) *proc {
	if td == nil {
		return m.cur
	}
	return procOf(td)
}

//go:norace
func (p *proc) until(what string, cond func() bool) {
	p.kind, p.wait, p.cond, p.what = Await, onCond, cond, what
	p.pause()
}

// Yield lets other threads run. td may be nil, as for Until.
func (m *Machine) Yield(td *lwkt.Thread) { m.self(td).Yield() }

// Choose returns a number below n, which the chooser picks: data that is explored like
// the schedule.
func (m *Machine) Choose(td *lwkt.Thread, n int) int {
	if n <= 0 {
		panic("sim: Machine.Choose of nothing")
	}
	return procOf(td).choose(n)
}

//go:norace
func (p *proc) choose(n int) int {
	p.choices = n
	p.m.choosing++
	p.plain(Other, nil)
	p.learns(uint64(p.choice))
	return p.choice
}
