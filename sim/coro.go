//go:build !race

package sim

// Switching between threads as coroutines (iter.Pull): some 40 ns from one to any other. The
// file coro_race.go does it for the race detector, which would take each switch of this
// kind for synchronization.
//
// What iter.Pull makes is a seat: one goroutine waits there, and whoever calls next, or
// yield if next was called last, waits there in its stead and has it go on. Who that is is
// all the same to the seat. So a thread takes the seat of the one that is next, wherever
// that waits: a single switch, whoever had whom go on before.

import "iter"

// inline says that a thread at a pause decides itself who goes on.
const inline = true

// coro is a goroutine that lives for many threads.
type coro struct {
	seat  *seat // where it waits; nil: it was not started
	goid  uint64
	exits int // how many threads have ended it and could not
}

// seat is where one goroutine waits.
type seat struct {
	next  func() (struct{}, bool)
	yield func(struct{}) bool
	again bool // next was called last
}

// loop lets one thread after the other run until nobody is next.
func (m *Machine) loop() { m.s.driver.rest(false) }

// run lets the thread of a run that is given up go on until it pauses or ends.
func (p *proc) run() {
	p.m.last = p
	p.m.s.driver.rest(false)
}

// rest lets who is next go on, which is the machine's goroutine if nobody is, and returns when
// it is this one's turn; op is that of pause.
//
// It is all in one function because the processor mispredicts each return that follows
// on a switch.
func (p *proc) rest(op bool) {
	if op {
		p.asks()
	}
	m := p.m
	m.advance()
	if m.next == nil && p.life == ended && m.returned() {
		m.again(p)
	}
	next := m.next
	if next == nil {
		next = m.s.driver
	}
	if next != p {
		if next.seat == nil {
			next.start()
		}
		p.seat = next.seat
		if s := p.seat; s.again {
			s.again = false
			s.yield(struct{}{})
		} else {
			s.again = true
			s.next()
		}
	}
	if op {
		p.Dying()
	}
}

func (p *proc) start() {
	s := new(seat)
	s.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		s.yield = yield
		p.known()
		defer p.leaves()
		p.lives()
	})
	p.seat = s
}

// left is what a goroutine panics with at last: if a thread had ended it (reborn), that would be
// done else to whoever goes on then.
type left struct{}

// leaves is called when the goroutine ends. Who goes on is whoever waits in the seat
// that it was started in: another one that is to end, or the machine's.
func (p *proc) leaves() {
	threads.Delete(p.goid)
	p.coro = coro{}
	panic(left{})
}

// close ends the goroutine, and perhaps others on the way.
func (p *proc) close() {
	defer func() {
		if v := recover(); v != nil && v != any(left{}) {
			panic(v)
		}
	}()
	if p.seat != nil {
		p.run()
	}
}

// onDriver has f called where the machine decides.
func (m *Machine) onDriver(f func()) {
	if m.words() {
		defer m.aside()()
	}
	f()
}

// holds evaluates what the thread awaits.
func (p *proc) holds() bool { return p.cond() }

// edge stands for what the race detector is to take for synchronization.
type edge struct{}

func (*edge) acquire()           {}
func (*edge) release()           {}
func raceBegin(*Machine)         {}
func raceEnd(*Machine)           {}
func raceOver(p *proc, f func()) { f() }
func raceOpen(f func())          { f() }
func raceStart(*proc)            {}
func raceStop(*proc)             {}
func raceHide()                  {}
func raceShow()                  {}
