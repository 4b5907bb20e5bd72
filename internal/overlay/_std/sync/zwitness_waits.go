// Cond, WaitGroup and Once, watched.
package sync

import (
	engine "internal/runtime"

	"internal/runtime/sys"
	"runtime"
)

// Wait atomically unlocks c.L and suspends execution of the calling goroutine.
func (c *Cond) Wait() {
	if !witnessOn {
		c.wait()
		return
	}
	pc := sys.GetCallerPC()
	t := witnessThread()
	witnessName(&c.tag, engine.Cond, pc)
	witnessHide()
	t.CondWait(&c.tag, witnessTag(c.L), pc)
	witnessShow()

	c.checker.check()
	ticket := runtime_notifyListAdd(&c.notify)
	switch l := c.L.(type) {
	case *Mutex:
		l.unlocksAt(pc)
		l.unlock()
	case *RWMutex:
		l.unlocksAt(engine.Exclusive, pc)
		l.unlock()
	case *rlocker:
		(*RWMutex)(l).unlocksAt(engine.Shared, pc)
		(*RWMutex)(l).rUnlock()
	default:
		l.Unlock()
	}
	witnessHide()
	t.Block(&c.tag, engine.Exclusive, pc)
	witnessShow()
	runtime_notifyListWait(&c.notify, ticket)
	witnessHide()
	t.Unblock()
	witnessShow()
	switch l := c.L.(type) {
	case *Mutex:
		l.lockAt(pc)
	case *RWMutex:
		l.lockAt(engine.Exclusive, pc)
	case *rlocker:
		(*RWMutex)(l).lockAt(engine.Shared, pc)
	default:
		l.Lock()
	}
}

// Signal wakes one goroutine waiting on c, if there is any.
func (c *Cond) Signal() {
	if witnessOn {
		c.wakesAt(sys.GetCallerPC())
	}
	c.signal()
}

// Broadcast wakes all goroutines waiting on c.
func (c *Cond) Broadcast() {
	if witnessOn {
		c.wakesAt(sys.GetCallerPC())
	}
	c.broadcast()
}

// wakesAt tells what is held when somebody is woken.
func (c *Cond) wakesAt(pc uintptr) {
	t := (*engine.Thread)(*runtime.WitnessSlot())
	if t == nil || !t.Holding() {
		return
	}
	witnessName(&c.tag, engine.Cond, pc)
	witnessHide()
	t.CondSignal(&c.tag, witnessTag(c.L), pc)
	witnessShow()
}

// witnessTag is the tag of one of our own locks, nil for somebody else's Locker.
func witnessTag(l Locker) *engine.Tag {
	switch l := l.(type) {
	case *Mutex:
		return &l.tag
	case *RWMutex:
		return &l.w.tag
	case *rlocker:
		return &l.w.tag
	}
	return nil
}

// Add adds delta, which may be negative, to the WaitGroup task counter.
func (wg *WaitGroup) Add(delta int) {
	if witnessOn && delta < 0 {
		// What a goroutine without a record did is ordered with nothing.
		if t := (*engine.Thread)(*runtime.WitnessSlot()); t != nil {
			witnessName(&wg.tag, engine.Group, sys.GetCallerPC())
			witnessHide()
			t.Done(&wg.tag)
			witnessShow()
		}
	}
	wg.add(delta)
}

// owe says that this goroutine was started by Go.
func (wg *WaitGroup) owe() {
	if witnessOn {
		witnessName(&wg.tag, engine.Group, sys.GetCallerPC())
		t := witnessThread()
		witnessHide()
		t.Owe(&wg.tag)
		witnessShow()
	}
}

// Wait blocks until the WaitGroup task counter is zero.
func (wg *WaitGroup) Wait() {
	if !witnessOn {
		wg.wait()
		return
	}
	pc := sys.GetCallerPC()
	t := witnessThread()
	witnessName(&wg.tag, engine.Group, pc)
	if int32(wg.state.Load()>>32) == 0 {
		wg.wait()
	} else {
		witnessHide()
		t.Block(&wg.tag, engine.Exclusive, pc)
		witnessShow()
		wg.wait()
		witnessHide()
		t.Unblock()
		witnessShow()
	}
	witnessHide()
	t.Joined(&wg.tag)
	witnessShow()
}

func (o *Once) doSlow(f func()) {
	if !witnessOn {
		o.do(f)
		return
	}
	pc := sys.GetCallerPC()
	t := witnessThread()
	tag := &o.m.tag
	witnessName(tag, engine.Once, pc)
	if !o.m.tryLock() {
		witnessHide()
		t.Want(tag, engine.Exclusive, pc)
		t.Block(tag, engine.Exclusive, pc)
		witnessShow()
		o.m.lock()
		witnessHide()
		t.Unblock()
		witnessShow()
		o.m.unlock() // f has run, whatever became of it
		return
	}
	defer o.m.unlock()
	if o.done.Load() {
		return
	}
	witnessHide()
	t.Locked(tag, engine.Exclusive, pc)
	witnessShow()
	defer witnessDone(t, tag, pc)
	defer o.done.Store(true)
	f()
}

func witnessDone(t *engine.Thread, tag *engine.Tag, pc uintptr) {
	witnessHide()
	t.Unlocked(tag, engine.Exclusive, pc)
	witnessShow()
}
