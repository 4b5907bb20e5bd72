//go:build (!linux || !amd64 || race) && !lwkt_words

package hw

// Words whose owner writes them with atomic stores: for systems without membarrier(2), for
// the race detector, which knows nothing of it, and for arm64, whose atomic store is no
// locked instruction, and needed anyway where a section ends.

import "sync/atomic"

// Local is a word that one thread writes, and others read.
type Local struct{ word uintptr }

// Set writes the word. Only its owner may.
func (l *Local) Set(v uintptr) { atomic.StoreUintptr(&l.word, v) }

// Load reads the word of another thread.
func (l *Local) Load() uintptr { return atomic.LoadUintptr(&l.word) }

// Enlist is called before Locals are used.
func Enlist() {}

// Barrier orders what every thread has Set with what it looks at after that, for the
// caller, who has written that before: here by itself.
func Barrier() {}

// Quick says whether quick mode is on.
func Quick() bool { return false }

// SetQuick switches quick mode, if there is one.
func SetQuick(on bool) bool { return !on }
