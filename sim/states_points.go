//go:build lwkt_words

package sim

// The state of a run, as a hash: of the variables that threads share, of what the machine knows of them,
// and for the local variables of each, of what it has read and where it stands. What that
// rests on says docs/design/011-states.md. Not for the race detector, since it reads all that there is.

import (
	"context"
	"math/bits"
	"reflect"
	"slices"
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
	y.ranges = y.ranges[:0]
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

// Recall is that of hw.Simulated.
//
//go:norace
func (p *proc) Recall() uint64 { return p.read }

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
		h = mix(h, uint64(p.kind)|uint64(p.wait)<<8|uint64(p.choices)<<16|truth(p.permit)<<32|truth(p.expired)<<33|truth(hw.Closed(p.done))<<34|truth(p.fresh)<<35|truth(p.done != nil)<<36)
		h = mix2(h, p.read, p.stand)
		h = mix2(h, y.name(uintptr(p.word)), uint64(p.deadline))
		for _, l := range p.looked[:p.nlook] {
			h = mix(h, y.name(uintptr(l)))
		}
	}
	return mix2(h, uint64(m.now), uint64(m.choosing))
}

//go:norace
func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

type shape struct{ plan *plan }

var shapes = map[reflect.Type]shape{}

//go:norace
func shapeOf[T any]() shape {
	t := reflect.TypeFor[T]()
	s, ok := shapes[t]
	if !ok {
		s = shape{planOf(t, whole)}
		shapes[t] = s
	}
	return s
}

// looks adds a variable to what the thread that runs has read.
//
//go:norace
func looks(v unsafe.Pointer, s func() shape) {
	p := performing()
	if p == nil || !p.m.learning() {
		return
	}
	w := &p.m.o.States.memory.w
	w.begin()
	w.walk(s().plan, v)
	p.learns(w.end())
}

// A plan says how a type is walked.
type plan struct {
	t      reflect.Type
	part   part
	steps  []planStep
	theirs func(unsafe.Pointer) bool
	none   func(unsafe.Pointer) bool
	idle   func(unsafe.Pointer) bool
	unused func(unsafe.Pointer) bool
	keep   *plan // if idle
}

type planStep struct {
	how  how
	off  uintptr
	n    uintptr // bytes, elements
	elem *plan
	t    reflect.Type
}

type how uint8

const (
	asBytes how = iota
	asAddress
	asOrder
	asText
	asPointer
	asSome // whether it is nil
	asSlice
	asArray
	asAny
	asStruct // a struct
	asChan
	asContext
	asCode
)

type planKey struct {
	t    reflect.Type
	part part
}

// part is what of a variable is walked.
type part uint8

const (
	whole   part = iota
	guarded      // without words and the variables of programs, for these are read one by one, and what only its thread reads
	own          // what only its thread reads now
)

var plans = map[planKey]*plan{}

var contextType = reflect.TypeFor[context.Context]()

// planOf is how the type is walked.
//
//go:norace
func planOf(t reflect.Type, part part) *plan {
	key := planKey{t, part}
	if p := plans[key]; p != nil {
		return p
	}
	p := &plan{t: t, part: part}
	plans[key] = p
	p.add(t, 0, "")
	return p
}

//go:norace
func sketch(t reflect.Type) *hw.Sketch {
	for i := range hw.Sketches {
		if s := &hw.Sketches[i]; reflect.TypeOf(s.Of).Elem() == t {
			return s
		}
	}
	return nil
}

//go:norace
func (p *plan) add(t reflect.Type, off uintptr, as string) {
	s := planStep{off: off, t: t}
	switch t.Kind() {
	case reflect.Uintptr:
		s.how = asAddress
	case reflect.String:
		s.how = asText
	case reflect.UnsafePointer:
		s.how = asSome
	case reflect.Chan:
		s.how = asSome
		if t.Elem().Size() == 0 {
			s.how = asChan
		}
	case reflect.Func:
		s.how = asCode
	case reflect.Map:
		panic("sim: a state with a map in it: " + t.String())
	case reflect.Interface:
		s.how = asAny
		if t == contextType {
			s.how = asContext
		}
	case reflect.Pointer:
		s.how = asPointer
		switch t.Elem() {
		case reflect.TypeFor[proc]():
			s.how = asAddress
		case reflect.TypeFor[Machine]():
			s.how = asSome
		}
		if s.how == asPointer {
			s.elem = planOf(t.Elem(), p.part)
		}
	case reflect.Slice:
		s.how, s.elem = asSlice, planOf(t.Elem(), p.part)
	case reflect.Array:
		if t.Len() == 0 {
			return
		}
		s.how, s.elem, s.n = asArray, planOf(t.Elem(), p.part), uintptr(t.Len())
	case reflect.Struct:
		if p.part != whole && single(t) {
			return
		}
		sk := sketch(t)
		if sk != nil && p.t != t { // idle is asked for the whole
			s.how, s.elem = asStruct, planOf(t, p.part)
			break
		}
		for i := range t.NumField() {
			f := t.Field(i)
			if sk != nil && (slices.Contains(sk.Skip, f.Name) || p.part == guarded && slices.Contains(sk.Own, f.Name) ||
				p.part == own && sk.Own != nil && !slices.Contains(sk.Own, f.Name) && !slices.Contains(sk.Both, f.Name)) {
				continue
			}
			if sk != nil && slices.Contains(sk.Order, f.Name) {
				p.steps = append(p.steps, planStep{how: asOrder, off: off + f.Offset})
				continue
			}
			p.add(f.Type, off+f.Offset, f.Name)
		}
		if sk != nil {
			p.none, p.unused = sk.Nil, sk.Unused
		}
		if sk != nil && p.part == own {
			p.theirs = sk.Theirs
		}
		if sk != nil && sk.Idle != nil {
			p.idle, p.keep = sk.Idle, &plan{t: t, part: p.part}
			for i := range t.NumField() {
				if f := t.Field(i); slices.Contains(sk.Keep, f.Name) {
					p.keep.add(f.Type, off+f.Offset, f.Name)
				}
			}
		}
		return
	default:
		s.n = t.Size()
		if n := len(p.steps); n > 0 {
			if l := &p.steps[n-1]; l.how == asBytes && l.off+l.n == off {
				l.n += s.n
				return
			}
		}
	}
	p.steps = append(p.steps, s)
}

// single says whether values of the type are read by operations.
//
//go:norace
func single(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[hw.Uint32](), reflect.TypeFor[hw.Uint64](), reflect.TypeFor[hw.Local]():
		return true
	}
	return t.PkgPath() == reflect.TypeFor[Machine]().PkgPath()
}

// walker hashes variables.
type walker struct {
	part   part
	y      *memory
	h      uint64
	seen   []visit
	orders []uint64
	sorted []uint64
}

type visit struct {
	at   uintptr
	plan *plan
}

//go:norace
func (w *walker) begin() { w.part = whole; w.h, w.seen, w.orders = 7, w.seen[:0], w.orders[:0] }

//go:norace
func (w *walker) end() uint64 {
	if len(w.orders) > 0 {
		w.sorted = append(w.sorted[:0], w.orders...)
		slices.Sort(w.sorted)
		w.sorted = slices.Compact(w.sorted)
		for _, x := range w.orders {
			i, _ := slices.BinarySearch(w.sorted, x)
			w.h = mix(w.h, uint64(i))
		}
	}
	return w.h
}

//go:norace
func (w *walker) walk(p *plan, at unsafe.Pointer) {
	if p.theirs != nil && p.theirs(at) {
		return
	}
	if p.unused != nil && p.unused(at) {
		return
	}
	if p.idle != nil && p.idle(at) {
		w.h = mix(w.h, 1)
		p = p.keep
	}
	for i := range p.steps {
		s := &p.steps[i]
		v := unsafe.Add(at, s.off)
		switch s.how {
		case asBytes:
			w.bytes(v, s.n)
		case asAddress:
			w.h = mix(w.h, w.y.name(*(*uintptr)(v)))
		case asOrder:
			w.orders = append(w.orders, *(*uint64)(v))
		case asText:
			t := *(*string)(v)
			w.h = mix(w.h, uint64(len(t)))
			w.bytes(unsafe.Pointer(unsafe.StringData(t)), uintptr(len(t)))
		case asSome:
			w.h = mix(w.h, truth(*(*unsafe.Pointer)(v) != nil))
		case asPointer:
			w.pointer(*(*unsafe.Pointer)(v), s.elem)
		case asSlice:
			t := *(*[]byte)(v)
			w.h = mix(w.h, uint64(len(t)))
			w.elements(unsafe.Pointer(unsafe.SliceData(t)), s.elem, uintptr(len(t)))
		case asArray:
			w.elements(v, s.elem, s.n)
		case asStruct:
			w.walk(s.elem, v)
		case asChan:
			c := *(*chan struct{})(v)
			w.h = mix(w.h, truth(c != nil)|truth(hw.Closed(c))<<1)
		case asContext:
			c := *(*context.Context)(v)
			w.h = mix(w.h, truth(c != nil && c.Err() != nil))
		case asCode:
			if f := *(*unsafe.Pointer)(v); f != nil {
				w.h = mix(w.h, uint64(*(*uintptr)(f)))
			} else {
				w.h = mix(w.h, 0)
			}
		case asAny:
			w.dynamic(v, s.t)
		}
	}
}

//go:norace
func (w *walker) elements(at unsafe.Pointer, p *plan, n uintptr) {
	for i := range n {
		w.walk(p, unsafe.Add(at, i*p.t.Size()))
	}
}

//go:norace
func (w *walker) bytes(at unsafe.Pointer, n uintptr) {
	for ; n >= 8; n -= 8 {
		w.h = mix(w.h, *(*uint64)(at))
		at = unsafe.Add(at, 8)
	}
	if n > 0 {
		x := uint64(0)
		for i := range n {
			x = x<<8 | uint64(*(*byte)(unsafe.Add(at, i)))
		}
		w.h = mix(w.h, x)
	}
}

//go:norace
func (w *walker) pointer(at unsafe.Pointer, p *plan) {
	if at == nil || p.none != nil && p.none(at) {
		w.h = mix(w.h, 0)
		return
	}
	if name := w.y.name(uintptr(at)); name != uint64(uintptr(at)) {
		w.h = mix(w.h, name)
		return
	}
	for i, v := range w.seen {
		if v.at == uintptr(at) && v.plan == p {
			w.h = mix(w.h, uint64(i+1))
			return
		}
	}
	w.seen = append(w.seen, visit{uintptr(at), p})
	w.h = mix(w.h, uint64(len(w.seen)))
	w.walk(p, at)
}

//go:norace
func (w *walker) dynamic(at unsafe.Pointer, t reflect.Type) {
	e := reflect.NewAt(t, at).Elem()
	if e.IsNil() {
		w.h = mix(w.h, 0)
		return
	}
	x := e.Elem()
	words := (*[2]unsafe.Pointer)(at)
	if x.Kind() == reflect.Pointer && x.Type() != reflect.TypeFor[*proc]() {
		if p := planOf(x.Type().Elem(), w.part); p.none != nil && p.none(words[1]) {
			w.h = mix(w.h, 0)
			return
		}
	}
	w.h = mix(w.h, uint64(uintptr(words[0])))
	switch x.Kind() {
	case reflect.Pointer:
		if x.Type() == reflect.TypeFor[*proc]() {
			w.h = mix(w.h, w.y.name(uintptr(words[1])))
			return
		}
		w.pointer(words[1], planOf(x.Type().Elem(), w.part))
	case reflect.Chan, reflect.Func, reflect.Map, reflect.UnsafePointer:
		w.h = mix(w.h, 1)
	default:
		w.walk(planOf(x.Type(), w.part), words[1])
	}
}
