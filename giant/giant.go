// Package giant is the giant lock: a recursive mutex that every sleep gives up, however often it is
// held, and takes back before anything else. What a token is to a subsystem, it once was to the
// whole kernel; code that was written for one processor runs under it unchanged, since it never
// relied on anything across a sleep.
//
// The functions are those of Giant, the one for the whole program; a subsystem may have one of
// its own.
package giant

// State machine: none of its own; the lock is internal/lock/word.go, what a sleep does with it
// internal/thread/giveup.go.

import (
	"context"
	"sync"
	"unsafe"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// Mtx is a giant lock. The zero Mtx is free, and must not be copied.
//
// It is given up, all acquisitions at once, by whatever sleeps: Sleep and SleepOn, condition
// variables, Block, waits for channels, for an lwkt.SX or another lock that is held across sleep; and
// not by the wait for a mutex, rwlock or token. It is taken back before the lock that a sleep
// dropped and before the tokens; but after a lock that was waited for, as in FreeBSD. Several come back in the order in
// which they were taken. It comes before all other locks that must not be held across sleep, and
// before or after those that may. Who waits for it gives up its tokens, and lends its priority to
// the owner. What a thread does by state:
//
//	            free    own                another's, or somebody waits
//	Lock        takes   has it once more   spins while the owner runs, then waits
//	TryLock     takes   has it once more   takes it if it is free and nobody has a right to it, else fails
//	Unlock      panics  undoes one Lock    panics
//
// All methods panic with a *lwkt.Misuse if the Thread is nil, has ended, or is in use by
// another goroutine. (locking(9), mutex(9))
type Mtx struct {
	l lock.Lock
}

// Giant is the one of the program.
var Giant Mtx

func init() { Giant.Init("Giant") }

// handle is that of td, or nil, without a call.
func handle(td *lwkt.Thread) *thread.Handle { return thread.HandleAt(unsafe.Pointer(td)) }

// Init names the lock. It panics if it has been initialized before, as Giant has, or is in use. It does not
// block. (mtx_init)
func (g *Mtx) Init(name string) { lock.Init(&g.l, thread.Giant, name, 0) }

// Lock takes the lock, once more if the thread has it; it may wait, and then says whether a
// token that the thread holds changed hands meanwhile. Every earlier Unlock, also that by a sleep,
// synchronizes before its return. (mtx_lock)
func (g *Mtx) Lock(td *lwkt.Thread) (changed bool) {
	return lock.Acquire(handle(td), &g.l, thread.Giant)
}

// LockContext is Lock, given up when ctx is done before the lock was had: then err is the error
// of ctx, and no trace is left of the wait. A free lock is taken even if ctx is done.
func (g *Mtx) LockContext(ctx context.Context, td *lwkt.Thread) (changed bool, err error) {
	return lock.AcquireContext(ctx, handle(td), &g.l, thread.Giant, lwkt.Exclusive)
}

// TryLock is Lock if that need not wait, else it changes nothing and returns false. It does
// not block. (mtx_trylock)
func (g *Mtx) TryLock(td *lwkt.Thread) bool {
	return lock.Try(handle(td), &g.l, thread.Giant, lwkt.Exclusive)
}

// Unlock undoes one Lock. It does not block. It panics if the thread does not have the lock.
// (mtx_unlock)
func (g *Mtx) Unlock(td *lwkt.Thread) { lock.Release(handle(td), &g.l, thread.Giant) }

// Held says how many times the thread has the lock. It does not block. (mtx_owned, mtx_recursed)
func (g *Mtx) Held(td *lwkt.Thread) (depth int) {
	_, depth = lock.Held(handle(td), &g.l)
	return depth
}

// Locker returns a sync.Locker that takes and releases the lock for td. It does not block.
func (g *Mtx) Locker(td *lwkt.Thread) sync.Locker { return locker{g, td} }

type locker struct {
	g  *Mtx
	td *lwkt.Thread
}

func (l locker) Lock()   { l.g.Lock(l.td) }
func (l locker) Unlock() { l.g.Unlock(l.td) }

// Interlock lets condition variables, and SleepOn, which must have a lock, take this one, however
// often it is held. It does not block. (msleep)
func (g *Mtx) Interlock() sleepq.Interlock { return g.l.Interlock(thread.Giant) }

// String names the lock as messages do. It does not block.
func (g *Mtx) String() string { return g.l.Title(thread.Giant) }

// Lock is that of Giant. (mtx_lock(&Giant))
func Lock(td *lwkt.Thread) (changed bool) { return Giant.Lock(td) }

// TryLock is that of Giant: it does not block. (mtx_trylock(&Giant))
func TryLock(td *lwkt.Thread) bool { return Giant.TryLock(td) }

// Unlock is that of Giant: it does not block, and panics if the thread does not have it.
// (mtx_unlock(&Giant))
func Unlock(td *lwkt.Thread) { Giant.Unlock(td) }

// Held is that of Giant: it does not block. (mtx_owned(&Giant))
func Held(td *lwkt.Thread) (depth int) { return Giant.Held(td) }
