//go:build linux && amd64 && !race && !lwkt_words

package hw

// Words whose owner writes them with plain stores, where membarrier(2) can order these for
// those who read them.
//
// The compiler keeps the store where it is: the owner's next step is an atomic load, and
// these are ordered in memory with all stores before. amd64 keeps stores in order among each other, and
// after earlier loads, so Set also ends a section. What is left is that a load may
// overtake an earlier store to another word; the kernel's barrier on every processor that runs
// a thread of this process, and the one of each switch of threads, end that.
//
// Quick mode begins at the first Enlist, because a process pays for it. There are two flags, since there is no moment
// at which all see a change: a writer that still finds armed clear has announced itself before it was set, hence
// before quick was, so a reader that finds quick set sees the announcement whatever its own stores do.
//
// State machine: local.go

import (
	"sync/atomic"
	"syscall"
)

// Local is a word that one thread writes, and others read.
type Local struct{ word uintptr }

var (
	armed    atomic.Bool // Barrier is needed
	quick    atomic.Bool // Set is a plain store
	enlisted atomic.Bool
)

// Set writes the word. Only its owner may.
func (l *Local) Set(v uintptr) {
	if quick.Load() {
		l.word = v
		return
	}
	atomic.StoreUintptr(&l.word, v)
}

// Load reads the word of another thread.
func (l *Local) Load() uintptr { return atomic.LoadUintptr(&l.word) }

// The commands of membarrier(2), whose number package syscall does not have.
const (
	sysMembarrier            = 324
	privateExpedited         = 1 << 3
	registerPrivateExpedited = 1 << 4
)

// Enlist is called before Locals are used. It begins quick mode, if the system lets it.
func Enlist() {
	if enlisted.Load() || !enlisted.CompareAndSwap(false, true) {
		return // another caller does it; until then Set is slower
	}
	if _, _, err := syscall.Syscall(sysMembarrier, registerPrivateExpedited, 0, 0); err != 0 {
		return // an old kernel, or not allowed here
	}
	if _, _, err := syscall.RawSyscall(sysMembarrier, privateExpedited, 0, 0); err != 0 {
		return
	}
	armed.Store(true)
	quick.Store(true)
}

// Barrier orders what every thread has Set with what it looks at after that, for the
// caller, who has written that before.
func Barrier() {
	if armed.Load() {
		if _, _, err := syscall.RawSyscall(sysMembarrier, privateExpedited, 0, 0); err != 0 {
			panic("lwkt: membarrier(2) fails after it has worked: " + err.Error())
		}
	}
}

// Quick says whether quick mode is on.
func Quick() bool { return quick.Load() }

// SetQuick switches quick mode for a measurement or a test, while nobody uses a Local. It says whether it
// could.
func SetQuick(on bool) bool {
	Enlist()
	if on && !armed.Load() {
		return false
	}
	quick.Store(on)
	return true
}
