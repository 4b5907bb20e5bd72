//go:build lwkt_words

package sim

// The walk that makes a hash of variables for states_points.go: by their types, with a plan for each type that says what of it
// counts and as what (hw.Sketch), and with addresses as places in what is walked.

import (
	"context"
	"reflect"
	"slices"
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/hw"
)

// shape is the plan of a whole type, made once.
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
			w.h = mix(w.h, hw.Bit(*(*unsafe.Pointer)(v) != nil))
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
			w.h = mix(w.h, hw.Bit(c != nil)|hw.Bit(hw.Closed(c))<<1)
		case asContext:
			c := *(*context.Context)(v)
			if ours, ok := c.(watched); ok {
				c = ours.Context // to look at which is no operation
			}
			w.h = mix(w.h, hw.Bit(c != nil && c.Err() != nil))
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
