package lock

// Waits that end with a context. Its methods are the caller's code, which may use the thread, and so
// are called before and after the operation.
//
// State machine: word.go

import (
	"context"

	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// AcquireContext takes the lock, given up when ctx is done: then err is its error.
func AcquireContext(ctx context.Context, h *thread.Handle, l *Lock, c thread.Class, m token.Mode) (changed bool, err error) {
	if ctx == nil {
		thread.NoContext(h, ops[c][m].context, l.Title(c))
	}
	changed, ok := AcquireUntil(h, l, c, m, ctx.Done())
	return changed, errorOf(ctx, ok)
}

// ReadContext is AcquireContext of a read-mostly lock for reading.
func ReadContext(ctx context.Context, h *thread.Handle, m *RM) (changed bool, err error) {
	if ctx == nil {
		thread.NoContext(h, ops[m.class()][token.Shared].context, m.Title())
	}
	changed, ok := ReadUntil(h, m, ctx.Done())
	return changed, errorOf(ctx, ok)
}

// WriteContext is ReadContext for writing.
func WriteContext(ctx context.Context, h *thread.Handle, m *RM) (changed bool, err error) {
	if ctx == nil {
		thread.NoContext(h, ops[m.class()][token.Exclusive].context, m.Title())
	}
	changed, ok := WriteUntil(h, m, ctx.Done())
	return changed, errorOf(ctx, ok)
}

// errorOf is that of a wait that has succeeded or not.
func errorOf(ctx context.Context, ok bool) error {
	if ok {
		return nil
	}
	return ctx.Err()
}
