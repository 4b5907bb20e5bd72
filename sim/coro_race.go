//go:build race

package sim

// Switching between threads for the race detector: they are goroutines that hand the
// turn to the machine's goroutine and back over channels that the detector is told
// to overlook. So nothing orders two simulated threads but their locks, and the
// detector judges each schedule as if the threads had really run at the same time.
// Nothing of the machine is decided on a thread's goroutine: see P3 in proc.go.

import (
	"runtime"
	"unsafe"
)

// inline says that a thread at a pause may decide itself who goes on.
const inline = false

// coro is a goroutine that lives for many threads.
type coro struct {
	resumed chan struct{} // to the thread
	paused  chan struct{} // to the machine
	goid    uint64
	request func() // what the thread wants the machine's goroutine to do
	polling bool   // the thread is resumed only to evaluate its cond
	polled  bool   // what that was
	exits   int    // how many threads have ended it and could not
}

// loop lets one thread after the other run until nobody is next.
func (m *Machine) loop() {
	for m.advance(); m.next != nil; m.advance() {
		p := m.next
		p.run()
		if p.life == ended {
			p.over()
		}
	}
}

// run lets the thread go on until it pauses or ends.
func (p *proc) run() {
	if p.resumed == nil {
		p.resumed, p.paused = make(chan struct{}), make(chan struct{})
		go p.body()
	}
	for {
		p.resumed <- struct{}{}
		<-p.paused
		f := p.request
		if f == nil {
			break
		}
		p.request = nil
		runtime.RaceEnable()
		f()
		p.m.begun.release()
		runtime.RaceDisable()
	}
}

//go:norace
func (p *proc) body() {
	p.known()
	defer p.leaves()
	runtime.RaceDisable()
	<-p.resumed
	runtime.RaceEnable()
	p.lives()
}

// leaves is called when the goroutine ends.
//
//go:norace
func (p *proc) leaves() {
	runtime.RaceDisable()
	threads.Delete(p.goid)
	p.paused <- struct{}{}
}

// rest lets the machine's goroutine decide who goes on, and returns when it is this thread's turn; op
// is that of pause.
//
//go:norace
func (p *proc) rest(op bool) {
	if op {
		p.asks()
	}
	p.yield()
	if op {
		p.Dying()
	}
}

//go:norace
func (p *proc) yield() {
	for {
		runtime.RaceDisable()
		p.paused <- struct{}{}
		<-p.resumed
		runtime.RaceEnable()
		if !p.polling {
			return
		}
		p.polled = p.cond()
	}
}

// onDriver has f called where the machine decides: a thread's own goroutine must not do it,
// since the race detector would see it (P3 of proc.go).
//
//go:norace
func (m *Machine) onDriver(f func()) {
	if m.phase == setup {
		f()
		return
	}
	p := m.cur
	p.request = f
	p.yield()
	p.Dying()
}

// close ends the goroutine.
func (p *proc) close() {
	if p.resumed != nil {
		p.resumed <- struct{}{}
		<-p.paused
		p.coro = coro{}
	}
}

// holds evaluates what the thread awaits, on its own goroutine.
func (p *proc) holds() bool {
	p.polling = true
	p.resumed <- struct{}{}
	<-p.paused
	p.polling = false
	return p.polled
}

// edge stands for what the race detector is to take for synchronization.
type edge struct{ _ byte }

//go:norace
func (e *edge) acquire() { runtime.RaceAcquire(unsafe.Pointer(e)) }

//go:norace
func (e *edge) release() { runtime.RaceReleaseMerge(unsafe.Pointer(e)) }

// raceBegin and raceEnd bracket what the machine's goroutine does during a run.
func raceBegin(m *Machine) {
	m.begun.release()
	runtime.RaceDisable()
}

func raceEnd(m *Machine) {
	runtime.RaceEnable()
	m.ended.acquire()
}

// raceOver brackets what the machine's goroutine does for a thread that has ended.
func raceOver(p *proc, f func()) {
	if p.m.phase == setup || p.m.phase == over {
		f()
		return
	}
	runtime.RaceEnable()
	p.m.ended.acquire()
	f()
	runtime.RaceDisable()
}

// raceOpen brackets what the machine's goroutine does during a run with the help of packages
// whose own synchronization has to be seen, such as the pool of fmt.
func raceOpen(f func()) {
	runtime.RaceEnable()
	f()
	runtime.RaceDisable()
}

//go:norace
func raceStart(p *proc) { p.m.begun.acquire() }

//go:norace
func raceStop(p *proc) { p.m.ended.release() }

// raceHide and raceShow bracket what a thread does that is to order nothing.
func raceHide() { runtime.RaceDisable() }
func raceShow() { runtime.RaceEnable() }
