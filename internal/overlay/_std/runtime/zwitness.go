// What package sync needs of the runtime to know which goroutine holds what: a word in every goroutine, a call when one starts
// or ends, a helper goroutine that runs when time has passed or everything is asleep, and the list of goroutines that are
// blocked. lwkt's witness adds this file to package runtime; the names that package sync uses are exported because only exported
// functions are inlined into other packages.
package runtime

import (
	"internal/runtime/atomic"
	"internal/stringslite"
	"unsafe"
)

// WitnessHooks are the functions of package sync that the runtime calls. All of them may be called by any goroutine.
type WitnessHooks struct {
	// Start is called by a goroutine that is about to start another, with its own record, if it has one, and its own origin. It
	// gives the origin of the new one.
	Start func(record unsafe.Pointer, mine WitnessOrigin) WitnessOrigin
	// End is called by a goroutine with a record, as the last thing that it does.
	End func(record unsafe.Pointer)
	// Chan, if there is one, is called by a goroutine with a record that is about to wait for a channel.
	Chan func(record unsafe.Pointer, what string)
	// Unpin is called for the record of a goroutine that waits, with the world stopped, when the garbage collector is to look for
	// goroutines that nobody can wake. Still is called before and after all of that.
	Unpin func(record unsafe.Pointer)
	Still func(on bool)
	// Watch is called by the helper goroutine when Period has passed, or when all goroutines are asleep.
	Watch func(asleep bool)
	// Period is the time between two calls of Watch in nanoseconds, 0 if it is not to be called.
	Period int64
}

// WitnessOrigin is what a goroutine is given by the one that starts it.
type WitnessOrigin struct {
	Up unsafe.Pointer
	At uint64
}

var witness struct {
	hooks WitnessHooks
	on    bool

	// The helper, like the one that forces a garbage collection.
	lock mutex
	g    *g
	idle atomic.Bool
	last int64       // when it was last woken; only the monitor uses it
	dead atomic.Bool // it was woken because everything is asleep
	told bool        // and that has happened once; under sched.lock
}

// WitnessInit is called once, before there is a second goroutine of the program.
func WitnessInit(h WitnessHooks) {
	witness.hooks = h
	witness.last = nanotime()
	witness.on = true
	if h.Period > 0 {
		go witnessHelper()
	}
}

// WitnessSlot is the word of the calling goroutine.
func WitnessSlot() *unsafe.Pointer { return &getg().witness }

// WitnessID is the number of the calling goroutine, as tracebacks print it.
func WitnessID() uint64 { return getg().goid }

// WitnessCreated is the go statement that started the calling goroutine.
func WitnessCreated() uintptr { return getg().gopc }

// WitnessFrom is the origin of the calling goroutine.
func WitnessFrom() WitnessOrigin { return getg().witnessFrom }

// WitnessBubble says whether the calling goroutine is in a bubble of testing/synctest.
func WitnessBubble() bool { return getg().bubble != nil }

// witnessStart runs on the goroutine that starts another with this function. A goroutine of the runtime may be started anywhere, also
// while memory is given to the engine.
func witnessStart(gp *g, fn *funcval) WitnessOrigin {
	if !witness.on || fn == nil || gp.m.curg != gp || gp.witness == nil && gp.witnessFrom.Up == nil ||
		stringslite.HasPrefix(funcname(findfunc(fn.fn)), "runtime.") {
		return WitnessOrigin{}
	}
	return witness.hooks.Start(gp.witness, gp.witnessFrom)
}

// witnessEnd runs on a goroutine that ends.
func witnessEnd() {
	if gp := getg(); gp.witness != nil {
		witness.hooks.End(gp.witness)
		gp.witness = nil
		gp.witnessFrom = WitnessOrigin{}
	}
}

// witnessChannel runs on a goroutine that will probably wait for a channel.
func witnessChannel(c *hchan, send bool) {
	if gp := getg(); witness.hooks.Chan != nil && gp.witness != nil && gp.m.curg == gp && witnessWould(c, send) {
		if send {
			witness.hooks.Chan(gp.witness, "chan send")
		} else {
			witness.hooks.Chan(gp.witness, "chan receive")
		}
	}
}

func witnessWould(c *hchan, send bool) bool {
	if atomic.Load(&c.closed) != 0 {
		return false
	}
	if send {
		return full(c)
	}
	return empty(c)
}

// witnessSelect is the same for a select.
func witnessSelect(cases []scase, sends int) {
	gp := getg()
	if witness.hooks.Chan == nil || gp.witness == nil || gp.m.curg != gp {
		return
	}
	for i := range cases {
		if c := cases[i].c; c != nil && !witnessWould(c, i < sends) {
			return
		}
	}
	witness.hooks.Chan(gp.witness, "select")
}

// witnessHelper is a goroutine of the runtime: it counts in no deadlock, traceback or profile.
func witnessHelper() {
	witness.g = getg()
	lockInit(&witness.lock, lockRankForcegc)
	for {
		lock(&witness.lock)
		witness.idle.Store(true)
		goparkunlock(&witness.lock, waitReasonForceGCIdle, traceBlockSystemGoroutine, 1)
		witness.hooks.Watch(witness.dead.Load())
	}
}

// witnessNap is how long the monitor may sleep when all processors are idle.
func witnessNap(now, most int64) int64 {
	if p := witness.hooks.Period; witness.on && p > 0 {
		return max(min(most, witness.last+p-now), 1e6)
	}
	return most
}

// witnessTick is called by the monitor, which has no processor: no write barriers.
//
//go:nowritebarrierrec
func witnessTick(now int64) {
	if !witness.on || witness.hooks.Period == 0 || now-witness.last < witness.hooks.Period || !witness.idle.Load() {
		return
	}
	witness.last = now
	lock(&witness.lock)
	witness.idle.Store(false)
	var list gList
	list.push(witness.g)
	injectglist(&list)
	unlock(&witness.lock)
}

// witnessAsleep is called with sched.lock held when nothing can run any more. It wakes the helper, once, and says whether it has.
//
//go:nowritebarrierrec
func witnessAsleep() bool {
	if !witness.on || witness.told || !witness.idle.Load() {
		return false
	}
	pp, _ := pidleget(nanotime())
	if pp == nil {
		return false
	}
	mp := mget()
	if mp == nil {
		return false
	}
	witness.told = true
	witness.dead.Store(true)
	witness.idle.Store(false)
	casgstatus(witness.g, _Gwaiting, _Grunnable)
	globrunqput(witness.g)
	sched.nmspinning.Add(1)
	mp.spinning = true
	mp.nextp.set(pp)
	notewakeup(&mp.park)
	return true
}

// A WitnessBlocked is a goroutine that waits.
type WitnessBlocked struct {
	ID      uint64
	Parent  uint64
	Record  unsafe.Pointer
	Reason  string // as tracebacks print it
	Stack   []uintptr
	Created uintptr // the go statement
	Chan    bool    // it waits for a channel or in a select
	Sync    bool    // it waits in package sync
	Bubble  bool
}

// WitnessLeaked collects garbage in the way that finds goroutines which can never be woken because nobody can reach what they
// wait for, and lists them. The collection takes a while.
func WitnessLeaked() []WitnessBlocked {
	witness.hooks.Still(true)
	stw := stopTheWorldGC(stwGoroutineProfile)
	forEachGRace(func(gp *g) {
		if gp.witness != nil && witnessWaits(readgstatus(gp)&^_Gscan, gp) {
			witness.hooks.Unpin(gp.witness)
		}
	})
	startTheWorldGC(stw)
	witness.hooks.Still(false)
	goroutineLeakGC()
	return witnessBlocked(func(status uint32, gp *g) bool { return status == _Gleaked })
}

// WitnessWaiting lists all goroutines of the program that wait for a channel or in package sync.
func WitnessWaiting() []WitnessBlocked {
	return witnessBlocked(witnessWaits)
}

func witnessWaits(status uint32, gp *g) bool {
	return (status == _Gwaiting || status == _Gleaked) && (witnessChan(gp) || gp.waitreason.isSyncWait()) && !isSystemGoroutine(gp, false)
}

func witnessChan(gp *g) bool {
	switch gp.waitreason {
	case waitReasonChanReceiveNilChan, waitReasonChanSendNilChan, waitReasonSelectNoCases:
		return true
	}
	return gp.waitreason.isChanWait()
}

func witnessBlocked(which func(uint32, *g) bool) (list []WitnessBlocked) {
	stw := stopTheWorldGC(stwGoroutineProfile)
	n := 0
	forEachGRace(func(gp *g) {
		if which(readgstatus(gp)&^_Gscan, gp) {
			n++
		}
	})
	startTheWorldGC(stw)
	list = make([]WitnessBlocked, 0, n+8)
	pcbuf := makeProfStack()
	stacks := make([]uintptr, cap(list)*32)
	stw = stopTheWorldGC(stwGoroutineProfile)
	forEachGRace(func(gp *g) {
		if len(list) == cap(list) || !which(readgstatus(gp)&^_Gscan, gp) {
			return
		}
		var u unwinder
		systemstack(func() {
			u.initAt(^uintptr(0), ^uintptr(0), 0, gp, unwindSilentErrors)
			n = tracebackPCs(&u, 0, pcbuf)
		})
		s := stacks[len(list)*32:][:32:32]
		list = append(list, WitnessBlocked{
			ID: gp.goid, Parent: gp.parentGoid, Record: gp.witness, Reason: gp.waitreason.String(),
			Stack: s[:copy(s, pcbuf[:n])], Created: gp.gopc,
			Chan: witnessChan(gp), Sync: gp.waitreason.isSyncWait(), Bubble: gp.bubble != nil,
		})
	})
	startTheWorldGC(stw)
	return list
}

// WitnessGetenv reads the environment that the program was started with.
func WitnessGetenv(key string) string { return gogetenv(key) }

// WitnessProgram is the path that the program was started with.
func WitnessProgram() string {
	if len(argslice) == 0 {
		return ""
	}
	return argslice[0]
}

// WitnessTime is the monotonic clock.
func WitnessTime() int64 { return nanotime() }

// WitnessWeak gives a word that is zero once the object that p points into is gone; nil if p points to a variable that stays.
func WitnessWeak(p unsafe.Pointer) unsafe.Pointer {
	if spanOfHeap(uintptr(p)) == nil {
		return nil
	}
	return unsafe.Pointer(getOrAddWeakHandle(p))
}

// WitnessAlive looks at such a word. The collector makes it zero when it sweeps, which may be a while after it has found that
// nobody reaches the object, and that is asked here.
func WitnessAlive(handle unsafe.Pointer) bool {
	p := (*atomic.Uintptr)(handle).Load()
	if p == 0 {
		return false
	}
	mp := acquirem() // no cycle begins or ends meanwhile
	alive := true
	if s := spanOfHeap(p); gcphase == _GCoff && s != nil && atomic.Load(&s.sweepgen) == mheap_.sweepgen-2 {
		alive = s.markBitsForIndex(s.objIndex(p)).isMarked()
	}
	releasem(mp)
	return alive && (*atomic.Uintptr)(handle).Load() != 0
}

// WitnessScans says whether the collector looks for pointers where p points to, in an object of the heap.
func WitnessScans(p unsafe.Pointer) bool {
	s := spanOfHeap(uintptr(p))
	return s != nil && !s.spanclass.noscan()
}

// WitnessRandom tells two processes apart.
func WitnessRandom() uint64 { return rand() }

// WitnessPrint writes to the standard error output.
func WitnessPrint(text []byte) {
	for len(text) > 0 {
		n := write(2, unsafe.Pointer(&text[0]), int32(min(len(text), 1<<20)))
		if n <= 0 {
			return
		}
		text = text[n:]
	}
}
