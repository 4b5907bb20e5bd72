package lwkt

// Communication on Go channels by a thread that may hold tokens: they are kept if
// the operation need not block, and given up if it must.

import (
	"reflect"

	"github.com/serializing-tokens/lwkt/internal/thread"
)

// Recv receives from ch. If nothing is ready it gives up the thread's tokens while
// it waits, else it keeps them. ok is false if ch is closed.
func Recv[T any](td *Thread, ch <-chan T) (v T, ok, changed bool) {
	return recv(td, "Recv", ch)
}

func recv[T any](td *Thread, op string, ch <-chan T) (v T, ok, changed bool) {
	if h := thread.Hosted(td.handle()); h != nil {
		var r reflect.Value
		_, r, ok, changed = td.channel(h, op, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ch)})
		v, _ = r.Interface().(T)
		return v, ok, changed
	}
	if !thread.MustBlock(td.handle(), op) {
		select {
		case v, ok = <-ch:
			return v, ok, false
		default:
		}
	}
	changed = td.block(op, func() { v, ok = <-ch })
	return v, ok, changed
}

// Send sends v on ch. If nobody is ready to take it, it gives up the thread's
// tokens while it waits, else it keeps them.
func Send[T any](td *Thread, ch chan<- T, v T) (changed bool) {
	if h := thread.Hosted(td.handle()); h != nil {
		w := v // it, not v, is moved to the heap
		_, _, _, changed = td.channel(h, "Send", reflect.SelectCase{Dir: reflect.SelectSend, Chan: reflect.ValueOf(ch), Send: reflect.ValueOf(&w).Elem()})
		return changed
	}
	if !thread.MustBlock(td.handle(), "Send") {
		select {
		case ch <- v:
			return false
		default:
		}
	}
	return td.block("Send", func() { ch <- v })
}

// channel performs one of the cases where the thread's host does that.
func (td *Thread) channel(h thread.Host, op string, cases ...reflect.SelectCase) (chosen int, v reflect.Value, ok, changed bool) {
	chosen = -1
	if !thread.MustBlock(td.handle(), op) {
		chosen, v, ok = h.Channel(cases, false)
	}
	if chosen < 0 {
		changed = td.block(op, func() { chosen, v, ok = h.Channel(cases, true) })
	}
	return chosen, v, ok, changed
}

// Case is one communication of a Select.
type Case struct {
	c    reflect.SelectCase
	then func(v reflect.Value, ok bool)
}

// OnRecv is the case of receiving from ch; then, if not nil, is called with what
// was received, after the tokens are held again.
func OnRecv[T any](ch <-chan T, then func(v T, ok bool)) Case {
	return Case{
		c: reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ch)},
		then: func(v reflect.Value, ok bool) {
			if then != nil {
				t, _ := v.Interface().(T)
				then(t, ok)
			}
		},
	}
}

// OnSend is the case of sending v on ch; then, if not nil, is called after that,
// when the tokens are held again.
func OnSend[T any](ch chan<- T, v T, then func()) Case {
	return Case{
		c: reflect.SelectCase{Dir: reflect.SelectSend, Chan: reflect.ValueOf(ch), Send: reflect.ValueOf(&v).Elem()},
		then: func(reflect.Value, bool) {
			if then != nil {
				then()
			}
		},
	}
}

// Select performs one of the cases, like the statement, and returns its index. If
// none is ready it gives up the thread's tokens while it waits, else it keeps
// them. Without any case it blocks for ever.
func Select(td *Thread, cases ...Case) (chosen int, changed bool) {
	list := make([]reflect.SelectCase, len(cases), len(cases)+1)
	for i := range cases {
		list[i] = cases[i].c
	}
	var v reflect.Value
	var ok bool
	if h := thread.Hosted(td.handle()); h != nil {
		chosen, v, ok, changed = td.channel(h, "Select", list...)
		cases[chosen].then(v, ok)
		return chosen, changed
	}
	chosen = len(cases)
	if !thread.MustBlock(td.handle(), "Select") {
		chosen, v, ok = reflect.Select(append(list, reflect.SelectCase{Dir: reflect.SelectDefault}))
	}
	if chosen == len(cases) {
		changed = td.block("Select", func() { chosen, v, ok = reflect.Select(list) })
	}
	cases[chosen].then(v, ok)
	return chosen, changed
}
