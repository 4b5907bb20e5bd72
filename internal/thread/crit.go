package thread

// Critical sections: stretches in which a thread wants its processor for itself
// (critical(9), crit_enter(9)). A simulated machine grants that; of a goroutine they are
// counted, so that wrong nesting is found on both.

import "github.com/serializing-tokens/lwkt/internal/token"

// CritEnter begins a critical section of the thread.
func CritEnter(h *Handle) {
	r := enter(h, "CritEnter", nil)
	r.EnterCrit()
	r.leave()
}

// CritExit ends the innermost one that CritEnter began.
func CritExit(h *Handle) {
	r := enter(h, "CritExit", nil)
	switch inner := r.critOfLocks(); {
	case r.crit == 0:
		r.misuse("CritExit", nil, "there was no CritEnter")
	case r.crit == inner:
		r.misuse("CritExit", nil, "there was no CritEnter; the thread is in the section of a spin mutex, which Unlock ends; it holds "+r.describeLocks())
	}
	r.ExitCrit()
	r.leave()
}

// Crits is how many critical sections the thread is in.
func Crits(h *Handle) int { return int(enter(h, "InCrit", nil).leave().crit) }

// EnterCrit begins a critical section for a spin mutex. If that has a host, it is told.
func (r *Record) EnterCrit() {
	r.crit++
	if r.host != nil {
		r.host.CritEnter()
	}
}

// ExitCrit ends what EnterCrit began. What had to wait for that may happen before it returns.
func (r *Record) ExitCrit() {
	r.crit--
	if r.host != nil {
		r.host.CritExit()
	}
}

// PushSpin is Push for a spin mutex: with its critical section. The thread has no host.
func (r *Record) PushSpin(obj *Object) {
	r.crit++
	r.Push(obj, Spin, token.Exclusive)
}

// PopSpin is Pop for a spin mutex.
func (r *Record) PopSpin() {
	r.crit--
	r.Pop()
}

// critOfLocks is how many of the sections are those of spin mutexes.
func (r *Record) critOfLocks() (n int32) {
	for i := range r.locks[:r.nlocks] {
		if p := &r.locks[i]; p.class == Spin && p.at != again {
			n++
		}
	}
	return n
}
