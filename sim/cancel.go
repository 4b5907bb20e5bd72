package sim

// Contexts whose cancellation is an operation, so that the machine sees it.

import (
	"context"
	"reflect"

	"github.com/serializing-tokens/lwkt"
)

// doneKey stands for a Done channel among the objects of a run.
func doneKey(done <-chan struct{}) chanKey { return chanKey(reflect.ValueOf(done).Pointer()) }

// WithCancel is context.WithCancel whose cancel function is an operation of the thread
// that calls it, and whose context is looked at by an operation, Err. One that is called otherwise takes effect as part of the step that it
// is called in, and reduction does not see that it matters when; nor does it see what asks a context that was
// derived from it, or receives from Done other than by package lwkt.
func (m *Machine) WithCancel(parent context.Context) (ctx context.Context, cancel func(td *lwkt.Thread)) {
	inner, stop := context.WithCancel(parent)
	return watched{inner}, func(td *lwkt.Thread) {
		procOf(td).plain(Close, doneKey(inner.Done()))
		stop()
	}
}

// watched is a context of a machine.
type watched struct{ context.Context }

// Err is that of context.Context: once it is an error it stays one, so only before that it is
// an operation.
func (w watched) Err() error {
	p := here()
	if p == nil {
		return w.Context.Err()
	}
	key := doneKey(w.Done())
	if err := w.Context.Err(); err != nil {
		p.Accessed(key, false)
		return err
	}
	p.plain(Look, key)
	return w.Context.Err()
}
