// Package serializer is DragonFly's serializer: a lock that one thread has at a time, across sleep if
// it likes, made for device drivers: the handler of an interrupt runs under it, unless it has
// been disabled.
package serializer

// State machine: none of its own but one bit; the lock is internal/lock/word.go.

import (
	"context"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// Serializer is a lock that one thread has at a time, and may keep while it sleeps. So the wait for it
// is not bounded: it lends no priority, and must not begin while the thread holds a mutex,
// rwlock or rmlock. Who waits gives up its tokens meanwhile. It does not recurse. The zero
// Serializer is free, with its handlers enabled; it must not be copied.
//
//	              free              own      another's   handlers disabled
//	Enter         has it            panics   waits       as if they were not
//	TryEnter      has it            fails    fails       as if they were not
//	Exit          panics            exits    panics      as if they were not
//	HandlerCall   calls             panics   waits       does not call
//	HandlerTry    calls             fails    fails       does not call
//	Destroy       ends              panics   panics      as if they were not
//
// All methods panic with a *lwkt.Misuse if the Thread is nil, has ended, or is in use by
// another goroutine. (serializer(9))
type Serializer struct {
	l        lock.Lock
	disabled atomic.Bool // no handler is called; one may be under way
}

// handle is that of td, or nil, without a call.
func handle(td *lwkt.Thread) *thread.Handle { return thread.HandleAt(unsafe.Pointer(td)) }

// Init names the serializer. It panics if it has been initialized before and was not
// destroyed since, or is in use. It does not block. (lwkt_serialize_init)
func (s *Serializer) Init(name string) {
	lock.Init(&s.l, thread.Serializer, name, 0)
	s.disabled.Store(false)
}

// Destroy ends the life of the serializer: to use it then panics, until Init. It must be
// free. It does not block.
func (s *Serializer) Destroy(td *lwkt.Thread) {
	lock.Destroy(handle(td), &s.l, thread.Serializer, false)
}

// Enter takes the serializer; it may wait, and then says whether a token that the thread holds
// changed hands meanwhile. It panics if the thread has it already. Every earlier Exit synchronizes
// before its return. (lwkt_serialize_enter)
func (s *Serializer) Enter(td *lwkt.Thread) (changed bool) {
	return lock.Acquire(handle(td), &s.l, thread.Serializer)
}

// EnterContext is Enter, given up when ctx is done before the serializer was had: then err
// is the error of ctx, and no trace is left of the wait. A free one is taken even if ctx is done.
func (s *Serializer) EnterContext(ctx context.Context, td *lwkt.Thread) (changed bool, err error) {
	return lock.AcquireContext(ctx, handle(td), &s.l, thread.Serializer, lwkt.Exclusive)
}

// TryEnter is Enter if that need not wait, else it changes nothing and returns false. It does
// not block. (lwkt_serialize_try)
func (s *Serializer) TryEnter(td *lwkt.Thread) bool {
	return lock.Try(handle(td), &s.l, thread.Serializer, lwkt.Exclusive)
}

// Exit releases the serializer. It does not block. It panics if the thread does not have it.
// (lwkt_serialize_exit)
func (s *Serializer) Exit(td *lwkt.Thread) {
	lock.Release(handle(td), &s.l, thread.Serializer)
}

// Held says whether the thread has the serializer. It does not block. (ASSERT_SERIALIZED)
func (s *Serializer) Held(td *lwkt.Thread) bool {
	m, _ := lock.Held(handle(td), &s.l)
	return m == lwkt.Exclusive
}

// HandlerDisable has HandlerCall and HandlerTry call nothing from now on, until HandlerEnable; it does
// not stack. A handler that is under way goes on: it is over for whoever has the
// serializer after this. It does not block. (lwkt_serialize_handler_disable)
func (s *Serializer) HandlerDisable() { s.setDisabled(true) }

// HandlerEnable undoes HandlerDisable, however often that was called. It does not block.
// (lwkt_serialize_handler_enable)
func (s *Serializer) HandlerEnable() { s.setDisabled(false) }

func (s *Serializer) setDisabled(yes bool) {
	thread.Announce(thread.Op{Kind: thread.OpChange, Lock: &s.l})
	s.disabled.Store(yes)
}

// HandlerCall calls f with the serializer entered, which it may wait for, unless handlers are
// disabled; it says whether it was called. (lwkt_serialize_handler_call)
func (s *Serializer) HandlerCall(td *lwkt.Thread, f func()) bool {
	thread.NeedsFunction(handle(td), "HandlerCall", f == nil)
	s.l.Look(handle(td))
	if s.disabled.Load() {
		return false
	}
	s.Enter(td)
	return s.handle(td, f)
}

// HandlerTry is HandlerCall if that need not wait, else it calls nothing and returns false. It does
// not block, but f may. (lwkt_serialize_handler_try)
func (s *Serializer) HandlerTry(td *lwkt.Thread, f func()) bool {
	thread.NeedsFunction(handle(td), "HandlerTry", f == nil)
	s.l.Look(handle(td))
	if s.disabled.Load() || !s.TryEnter(td) {
		return false
	}
	return s.handle(td, f)
}

// handle calls f, unless handlers were disabled meanwhile, and exits.
func (s *Serializer) handle(td *lwkt.Thread, f func()) bool {
	defer s.Exit(td) // also if f panics
	if s.disabled.Load() {
		return false
	}
	f()
	return true
}

// Interlock lets SleepOn and condition variables drop the serializer. It does not block.
// (zsleep)
func (s *Serializer) Interlock() sleepq.Interlock { return s.l.Interlock(thread.Serializer) }

// Locker returns a sync.Locker that enters and exits the serializer for td. It does not block.
func (s *Serializer) Locker(td *lwkt.Thread) sync.Locker { return locker{s, td} }

type locker struct {
	s  *Serializer
	td *lwkt.Thread
}

func (l locker) Lock()   { l.s.Enter(l.td) }
func (l locker) Unlock() { l.s.Exit(l.td) }

// String names the serializer as messages do. It does not block.
func (s *Serializer) String() string { return s.l.Title(thread.Serializer) }
