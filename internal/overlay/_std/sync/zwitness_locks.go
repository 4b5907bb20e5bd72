// Mutex and RWMutex, watched. A lock that is free is taken first and told of then; one that is not is told of first, so that a
// circle is known before anything hangs.
package sync

import (
	engine "internal/runtime"

	"internal/runtime/sys"
	"unsafe"
)

// Lock locks m.
func (m *Mutex) Lock() {
	if !witnessOn {
		m.lock()
		return
	}
	m.lockAt(sys.GetCallerPC())
}

// TryLock tries to lock m and reports whether it succeeded.
func (m *Mutex) TryLock() bool {
	if !m.tryLock() {
		return false
	}
	if witnessOn {
		pc := sys.GetCallerPC()
		witnessName(&m.tag, engine.Sleepable, pc)
		t := witnessThread()
		witnessHide()
		t.Tried(&m.tag, engine.Exclusive, pc)
		witnessShow()
	}
	return true
}

// Unlock unlocks m.
func (m *Mutex) Unlock() {
	if witnessOn {
		m.unlocksAt(sys.GetCallerPC())
	}
	m.unlock()
}

func (m *Mutex) lockAt(pc uintptr) {
	t := witnessThread()
	witnessName(&m.tag, engine.Sleepable, pc)
	if m.tryLock() {
		witnessHide()
		t.Locked(&m.tag, engine.Exclusive, pc)
		witnessShow()
		return
	}
	witnessHide()
	t.Want(&m.tag, engine.Exclusive, pc)
	m.waitAt(t, pc)
}

// waitAt waits for the mutex, hidden when it begins.
func (m *Mutex) waitAt(t *engine.Thread, pc uintptr) {
	t.Block(&m.tag, engine.Exclusive, pc)
	witnessShow()
	m.lock()
	witnessHide()
	t.Unblock()
	t.Got(&m.tag, engine.Exclusive, pc)
	witnessShow()
}

// unlocksAt tells that m is about to be unlocked.
func (m *Mutex) unlocksAt(pc uintptr) {
	const locked = 1 // in the first word of internal/sync's Mutex
	t := witnessThread()
	witnessHide()
	if *(*int32)(unsafe.Pointer(&m.mu))&locked == 0 {
		witnessName(&m.tag, engine.Sleepable, pc)
		t.Misuse(&m.tag, engine.Exclusive, pc)
	} else if m.tag.Known() {
		t.Unlocked(&m.tag, engine.Exclusive, pc)
	}
	witnessShow()
}

// Lock locks rw for writing.
func (rw *RWMutex) Lock() {
	if !witnessOn {
		rw.lock()
		return
	}
	rw.lockAt(engine.Exclusive, sys.GetCallerPC())
}

// RLock locks rw for reading.
func (rw *RWMutex) RLock() {
	if !witnessOn {
		rw.rLock()
		return
	}
	rw.lockAt(engine.Shared, sys.GetCallerPC())
}

// TryLock tries to lock rw for writing and reports whether it succeeded.
func (rw *RWMutex) TryLock() bool {
	if !rw.tryLock() {
		return false
	}
	if witnessOn {
		rw.triedAt(engine.Exclusive, sys.GetCallerPC())
	}
	return true
}

// TryRLock tries to lock rw for reading and reports whether it succeeded.
func (rw *RWMutex) TryRLock() bool {
	if !rw.tryRLock() {
		return false
	}
	if witnessOn {
		rw.triedAt(engine.Shared, sys.GetCallerPC())
	}
	return true
}

// Unlock unlocks rw for writing.
func (rw *RWMutex) Unlock() {
	if witnessOn {
		rw.unlocksAt(engine.Exclusive, sys.GetCallerPC())
	}
	rw.unlock()
}

// RUnlock undoes a single RLock call.
func (rw *RWMutex) RUnlock() {
	if witnessOn {
		rw.unlocksAt(engine.Shared, sys.GetCallerPC())
	}
	rw.rUnlock()
}

// Lock is RLock, of a Locker made by RLocker.
func (r *rlocker) Lock() {
	if !witnessOn {
		(*RWMutex)(r).rLock()
		return
	}
	(*RWMutex)(r).lockAt(engine.Shared, sys.GetCallerPC())
}

// Unlock is RUnlock, of a Locker made by RLocker.
func (r *rlocker) Unlock() {
	if witnessOn {
		(*RWMutex)(r).unlocksAt(engine.Shared, sys.GetCallerPC())
	}
	(*RWMutex)(r).rUnlock()
}

// lockAs and tryAs are the operations of package sync by mode.
func (rw *RWMutex) lockAs(mode engine.Mode) {
	if mode == engine.Shared {
		rw.rLock()
	} else {
		rw.lock()
	}
}

func (rw *RWMutex) tryAs(mode engine.Mode) bool {
	if mode == engine.Shared {
		return rw.tryRLock()
	}
	return rw.tryLock()
}

func (rw *RWMutex) lockAt(mode engine.Mode, pc uintptr) {
	t := witnessThread()
	tag := &rw.w.tag
	witnessName(tag, engine.Sleepable, pc)
	if rw.tryAs(mode) {
		witnessHide()
		t.Locked(tag, mode, pc)
		witnessShow()
		return
	}
	witnessHide()
	t.Want(tag, mode, pc)
	rw.waitAt(t, mode, pc)
}

// waitAt waits for the lock, hidden when it begins.
func (rw *RWMutex) waitAt(t *engine.Thread, mode engine.Mode, pc uintptr) {
	t.Block(&rw.w.tag, mode, pc)
	witnessShow()
	rw.lockAs(mode)
	witnessHide()
	t.Unblock()
	t.Got(&rw.w.tag, mode, pc)
	witnessShow()
}

func (rw *RWMutex) triedAt(mode engine.Mode, pc uintptr) {
	witnessName(&rw.w.tag, engine.Sleepable, pc)
	t := witnessThread()
	witnessHide()
	t.Tried(&rw.w.tag, mode, pc)
	witnessShow()
}

// unlocksAt tells that rw is about to be unlocked.
func (rw *RWMutex) unlocksAt(mode engine.Mode, pc uintptr) {
	t := witnessThread()
	witnessHide()
	readers := rw.readerCount.Load() // negative while a writer has it or waits for it
	free := mode == engine.Exclusive && readers >= 0 || mode == engine.Shared && (readers == 0 || readers == -rwmutexMaxReaders)
	if free {
		witnessName(&rw.w.tag, engine.Sleepable, pc)
		t.Misuse(&rw.w.tag, mode, pc)
	} else if rw.w.tag.Known() {
		t.Unlocked(&rw.w.tag, mode, pc)
	}
	witnessShow()
}
