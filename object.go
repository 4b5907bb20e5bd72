package lwkt

// What the locks other than tokens have in common: a name, options, the end of their life,
// and assertions about who holds them (lock(9)).

import (
	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// Options say how a lock differs from its zero value, to Init.
type Options uint32

// The options. A lock that does not know one panics in Init.
const (
	// Recurse lets the owner of a lock take it again; it has to release it as often.
	Recurse Options = lock.Recurse
	// WakeAll has a release wake all who wait for exclusive use, else all who wait for
	// shared use, as FreeBSD does, and not the best of them.
	WakeAll Options = lock.WakeAll
	// SharersFirst lets sharers, those that come and those that wait, pass a waiting writer, which they may starve.
	SharersFirst Options = lock.PassX
	// DupOK lets one thread hold several locks of this name without a report.
	DupOK Options = lock.DupOK
	// NoWitness keeps the lock out of lock order checks.
	NoWitness Options = lock.NoWitness
)

// initLock is the Init of all locks.
func initLock(l *lock.Lock, c thread.Class, name string, o, known Options) {
	if wrong := o &^ (known | DupOK | NoWitness); wrong != 0 {
		thread.FailLock(nil, "Init", &l.Object, c, "not an option of a "+c.String()+": "+lock.FlagNames(uint32(wrong)))
	}
	lock.Init(l, c, name, uint32(o))
}

// held is the mode in which the thread holds a lock.
func held(td *Thread, l *lock.Lock) Mode {
	m, _ := lock.Held(td.handle(), l)
	return m
}

// Depth says how often the thread has the lock, in whatever mode: of a lock that recurses it has to be
// released so often, and one that is to be dropped by a sleep is had once. It panics if the lock is nil.
// (mtx_recursed, rw_recursed, sx_recursed)
func (td *Thread) Depth(l Interlock) int {
	const op = "Depth"
	r := thread.Enter(td.handle(), op)
	defer r.Leave()
	if l == nil {
		thread.Fail(td.handle(), op, "there is no lock")
	}
	_, depth := r.LockMode(l.Interlock().Obj())
	return depth
}
