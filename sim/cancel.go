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
// that calls it. One that is called otherwise takes effect as part of the step that it
// is called in, and reduction does not see that it matters when.
func (m *Machine) WithCancel(parent context.Context) (ctx context.Context, cancel func(td *lwkt.Thread)) {
	ctx, stop := context.WithCancel(parent)
	return ctx, func(td *lwkt.Thread) {
		procOf(td).plain(Close, doneKey(ctx.Done()))
		stop()
	}
}
