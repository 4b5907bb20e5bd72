//go:build lwkt_words

package sim

// The state of a run, as a hash: of the variables that threads share, of what the machine knows of them,
// and for the local variables of each, of what it has read and where it stands. What that
// rests on says docs/design/011-states.md. Not for the race detector, since it reads all that there is.

import (
	"math/bits"
	"reflect"
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/hw"
	core "github.com/serializing-tokens/lwkt/internal/thread"
)

// knowledge is what stands for the local variables of a thread.
type knowledge struct {
	read  uint64 // a hash of what it has read
	stand uint64 // of its return addresses
}

// memory is what States keeps.
type memory struct {
	log     []knowledge // of the thread that stepped, after each step
	recalls []uint64    // what Recall has returned in this run, and in the steps that are known
	nrecall int         // so often in this run
	known   int         // so many steps of this run were taken by the last one
	shut    bool        // the rest of the run is of no interest
	ranges  []place
	w       walker
	names   numbers
	end     uint64
	strange bool // a thread has touched what has no name
}

// place is a variable that has a name for all runs.
type place struct {
	at       unsafe.Pointer
	from, to uintptr
	plan     *plan // nil: it is not looked at
	plain    *plan
}

//go:norace
func (y *memory) repeats(n int) { y.known, y.shut = n, n < 0 }

//go:norace
func (y *memory) begin(m *Machine) {
	y.ranges, y.nrecall = y.ranges[:0], 0
	add := func(p unsafe.Pointer, size uintptr, t reflect.Type) {
		r := place{at: p, from: uintptr(p), to: uintptr(p) + max(size, 1)}
		if t != nil {
			r.plan, r.plain = planOf(t, whole), planOf(t, guarded)
		}
		y.ranges = append(y.ranges, r)
	}
	for _, p := range m.procs {
		add(unsafe.Pointer(p.rec), unsafe.Sizeof(*p.rec), recordType)
		add(unsafe.Pointer(p), unsafe.Sizeof(*p), nil)
	}
	for _, list := range [][]any{m.shared, hw.Shared} {
		for _, v := range list {
			t := reflect.TypeOf(v).Elem()
			add(reflect.ValueOf(v).UnsafePointer(), t.Size(), t)
		}
	}
	y.w.y = y
	if y.names.of == nil {
		y.names.of, y.names.name = map[uint64]int32{}, y.nameOf
	}
	m.names.keep(&y.names)
}

// nameOf is the same in all runs. All that is not within a variable that was named is one object.
//
//go:norace
func (y *memory) nameOf(x any) uint64 {
	var a uintptr
	if w, ok := x.(wordKey); ok {
		a = uintptr(w.at)
	} else if v := reflect.ValueOf(x); v.Kind() == reflect.Pointer {
		a = v.Pointer()
	} else {
		return 1
	}
	if name := y.name(a); name != uint64(a) {
		return name
	}
	y.strange = true
	return 0
}

// keep begins with the objects of earlier runs.
//
//go:norace
func (o *objects) keep(n *numbers) {
	o.fixed = n
	o.all = append(o.all[:0], n.all...)
}

var recordType = reflect.TypeFor[core.Record]()

var recordPlan = planOf(recordType, own)

// learning says whether the step under way is one whose results are not known yet.
//
//go:norace
func (m *Machine) learning() bool {
	s := m.o.States
	return s != nil && !s.memory.shut && m.steps > s.memory.known
}

// learned is called after a step.
//
//go:norace
func (m *Machine) learned() {
	s := m.o.States
	if s == nil || m.steps == 0 || s.memory.shut {
		return
	}
	y := &s.memory
	if m.steps <= y.known {
		m.cur.knowledge = y.log[m.steps-1]
		return
	}
	y.log = append(y.log[:m.steps-1], m.cur.knowledge)
}

//go:norace
func mix(h, x uint64) uint64 {
	hi, lo := bits.Mul64(h^x^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return hi ^ lo ^ h<<1
}

//go:norace
func mix2(h, x, y uint64) uint64 { return mix(mix(h, x), y) }

// frame is what a frame pointer points to.
type frame struct {
	up unsafe.Pointer
	pc uintptr
}

// stands notes where the thread is.
//
//go:norace
//go:nocheckptr
func (p *proc) stands() {
	m := p.m
	if m.o.States == nil || m.steps > 0 && !m.learning() {
		return
	}
	h := uint64(1)
	for f := (*frame)(hw.Frame()); f.pc != p.floor; f = (*frame)(f.up) {
		h = mix(h, uint64(f.pc))
	}
	p.stand = h
}

// begins notes what is below the thread on its stack: perhaps others, whose goroutine it was.
//
//go:norace
//go:noinline
//go:nocheckptr
func (p *proc) begins() {
	if p.m.o.States != nil {
		p.floor = (*frame)((*frame)(hw.Frame()).up).pc // the caller's
	}
}

// learns adds to what the thread has read.
//
//go:norace
func (p *proc) learns(x uint64) {
	if p.m.learning() {
		p.read = mix(p.read, x)
	}
}

// learnsWord adds an operation on a word, with its result.
//
//go:norace
func (p *proc) learnsWord(word unsafe.Pointer, saw uint64) {
	if p.kind == Spin || !p.m.learning() {
		return
	}
	y := &p.m.o.States.memory
	p.read = mix2(p.read, y.name(uintptr(word)), y.name(uintptr(saw)))
}

// Recall is that of hw.Simulated. In the midst of a step whose results are known it returns what it did when they
// were learned.
//
//go:norace
func (p *proc) Recall() uint64 {
	if p.m.o.States == nil || p.m.steps == 0 || p.m.o.States.memory.shut {
		return p.read
	}
	y := &p.m.o.States.memory
	if p.m.learning() {
		y.recalls = append(y.recalls[:y.nrecall], p.read)
	}
	y.nrecall++
	return y.recalls[y.nrecall-1]
}

// Forget is that of hw.Simulated.
//
//go:norace
func (p *proc) Forget(since uint64, live []uint64) {
	if since == 0 {
		p.nlook, p.fresh = 0, false // it does not go on with a spin loop
	}
	if !p.m.learning() {
		return
	}
	p.read = since
	for _, x := range live {
		p.read = mix(p.read, x)
	}
	p.learnsOwn()
	if p.spins > 0 {
		p.read = mix(p.read, p.m.o.States.memory.contents(true))
	}
}

// learnsOwn adds what the thread may have found in its own record.
//
//go:norace
func (p *proc) learnsOwn() {
	if !p.m.learning() {
		return
	}
	w := &p.m.o.States.memory.w
	w.begin()
	w.part = own
	w.walk(recordPlan, unsafe.Pointer(p.rec))
	p.read = mix(p.read, w.end())
}

// name is an address, or what else it is, as a number that is the same in all runs.
//
//go:norace
func (y *memory) name(a uintptr) uint64 {
	for i := range y.ranges {
		if r := &y.ranges[i]; a >= r.from && a < r.to {
			return uint64(i+1)<<48 | uint64(a-r.from)
		}
	}
	return uint64(a)
}

// contents is a hash of all variables.
//
//go:norace
func (y *memory) contents(plain bool) uint64 {
	w := &y.w
	w.begin()
	if plain {
		w.part = guarded
	}
	for i := range y.ranges {
		r := &y.ranges[i]
		p := r.plan
		if plain {
			p = r.plain
		}
		if p != nil {
			w.h = mix(w.h, uint64(i))
			w.walk(p, r.at)
		}
	}
	return w.end()
}

//go:norace
func (y *memory) finish() { y.end = y.contents(false) }

// learnsAll adds all that is shared: what is guarded by a lock that the thread takes.
//
//go:norace
func (p *proc) learnsAll() {
	p.spins++
	if !p.m.learning() {
		return
	}
	p.read = mix(p.read, p.m.o.States.memory.contents(true))
}

//go:norace
func (y *memory) state(m *Machine) uint64 {
	h := y.contents(false)
	for _, p := range m.procs {
		h = mix(h, uint64(p.life))
		if p.life == ended {
			continue
		}
		h = mix(h, uint64(p.kind)|uint64(p.wait)<<8|uint64(p.choices)<<16|hw.Bit(p.permit)<<32|hw.Bit(p.expired)<<33|hw.Bit(hw.Closed(p.done))<<34|hw.Bit(p.fresh)<<35|hw.Bit(p.done != nil)<<36)
		h = mix2(h, p.read, p.stand)
		h = mix2(h, y.name(uintptr(p.word)), uint64(p.deadline))
		for _, l := range p.looked[:p.nlook] {
			h = mix(h, y.name(uintptr(l)))
		}
	}
	return mix2(h, uint64(m.now), uint64(m.choosing))
}
