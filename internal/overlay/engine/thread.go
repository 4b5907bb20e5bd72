// What a thread holds, and the fast halves of taking and releasing.
package engine

import (
	"sync/atomic"
	"unsafe"
)

// hold is one lock that a thread has, once for each time that it took it.
type hold struct {
	tag   *Tag // nil beyond n, so that a lock that is gone is not pinned
	id    ID
	chain uint64 // hash of this and all holds below, with modes
	site  uintptr
	tick  uint32
	mode  Mode   // with recursed, told, or neither
	later *later // if tag is nil though it is held (Unpin): what its tag had
}

const (
	modeMask Mode = 3
	recursed Mode = 1 << 6 // there is another hold of the same lock below; may be missing if all are shared
	told     Mode = 1 << 7 // a leak was reported, or denied
)

// Bits of special: why the fast halves are to take the slow way.
const (
	quiet   uint32 = 1 << iota // a report is being delivered; nothing is watched
	using                      // uses of locks are noted in label.uses
	watched                    // another thread waits to hear of uses (watches)
	losing                     // another thread released what is held here (lost)
	suspect                    // a report says that this thread hangs; getting on refutes it
)

// Thread is what the engine keeps for a thread. Only that thread uses it, except
// where it says otherwise. Make it with Engine.Thread.
//
// Layout: special is a word of bits.
// Bits: quiet, using and suspect are set and cleared
// by the thread (suspect also by others, under the engine's lock, while it is blocked);
// watched and losing are set by others under that lock and cleared by the thread
// under it. All may be seen late, none is missing after the lock was taken.
//
// Invariants:
//
//	H1 holds[:n] is what the thread took and did not release, oldest first; what others
//	   released is still there while it is in lost
//	H2 holds[i].chain is the hash of holds[:i+1]
//	H3 a key in known is of a context that the graph has, as an occurrence of this thread with
//	   its clock, or as others that count for more (graph.go); its seed tells clock and generation
//	H4 only the thread touches a field that is not marked
//
// Transitions: none beside those of taking and releasing, which the names say.
// Lock order: only the engine's lock.
// Blocking: none.
// Departures: FreeBSD keeps spin locks per processor; here all are the thread's.
type Thread struct {
	special atomic.Uint32
	num     uint32
	n       int
	holds   []hold   // H1, H2
	known   []uint64 // H3: a hash table without chains; a power of two in size
	seed    uint64   // H3
	epoch   uint64   // of the engine, when seed was made and ages were looked at
	e       *Engine

	name   string
	clock  uint32 // counts starts and joins of other threads
	asking bool   // within Want: it has not got the lock yet
	evict  int    // keys that others drove out of known since it grew
	origin Origin
	label  *label // nil until needed; (e) after that
	grip   *Tag   // see hold
	depot  []ref  // scratch
	first  [16]uint64
	space  [4]hold

	lost     []ID          // (e)
	watches  []watch       // (e)
	bits     atomic.Uint64 // a filter of the locks in watches; set by others under (e)
	debts    []debt        // (e) groups whose Done this thread owes
	wait     ref           // (e) what it is blocked on
	parked   []uintptr     // (e) where, if it holds anything
	pcs      []uintptr     // (e) for stack
	waits    bool          // (e)
	links    []*link       // (e) of e.holders
	mark     uint32        // (e) of a search
	suspects []*Report     // (e)
}

// mix hashes one more hold into a chain.
//
//go:norace
func mix(chain uint64, id ID, m Mode) uint64 {
	x := (chain ^ uint64(id)) * 0x9e3779b97f4a7c15
	x ^= x >> 31
	return x + uint64(m)*0xbf58476d1ce4e5b9
}

// Locked says that t got the lock without waiting, by an operation that would have
// waited. It checks and learns the order. site is a return address in the caller, as
// runtime.Callers gives.
//
//go:norace
func (t *Thread) Locked(g *Tag, m Mode, site uintptr) {
	id := ID(g.id.Load())
	n := t.n
	var chain uint64
	if n != 0 {
		chain = t.holds[n-1].chain
	}
	x := mix(chain, id, m)
	epoch := t.e.epoch.Load()
	if n != 0 && (t.known[(x+t.seed)&uint64(len(t.known)-1)] != x+t.seed || t.epoch != epoch) || t.special.Load() != 0 || n == len(t.holds) {
		t.lockedSlow(g, m, site, true)
		return
	}
	h := &t.holds[n]
	h.tag, h.id, h.chain, h.site, h.tick, h.mode = g, id, x, site, uint32(epoch), m
	t.n = n + 1
	if m == Exclusive {
		g.owner = t.num
	}
}

// Want says that t is about to wait for the lock. It checks and learns the order,
// recursion included, before anything hangs.
//
//go:norace
func (t *Thread) Want(g *Tag, m Mode, site uintptr) {
	if n := t.n; n != 0 || t.special.Load() != 0 {
		if n != 0 && t.special.Load() == 0 {
			k := mix(t.holds[n-1].chain, ID(g.id.Load()), m) + t.seed
			if t.known[k&uint64(len(t.known)-1)] == k && t.epoch == t.e.epoch.Load() {
				return
			}
		}
		if t.special.Load()&quiet == 0 {
			t.asking = true
			t.check(g, m, site)
			t.asking = false
		}
	}
}

// Got says that t got the lock for which it called Want.
//
//go:norace
func (t *Thread) Got(g *Tag, m Mode, site uintptr) {
	if t.special.Load() != 0 || t.n == len(t.holds) || g.owner == t.num { // the last: again
		t.lockedSlow(g, m, site, false)
		return
	}
	t.push(g, m, site)
}

// Tried says that t got the lock by an operation that would not have waited. Nothing
// is said about order: a try cannot be part of a circle of waits. A try that failed is
// not told at all.
//
//go:norace
func (t *Thread) Tried(g *Tag, m Mode, site uintptr) { t.Got(g, m, site) }

// push adds a hold. There is room for it.
//
//go:norace
func (t *Thread) push(g *Tag, m Mode, site uintptr) {
	n := t.n
	var chain uint64
	if n != 0 {
		chain = t.holds[n-1].chain
	}
	id := ID(g.id.Load())
	h := &t.holds[n]
	h.tag, h.id, h.chain, h.site, h.tick, h.mode = g, id, mix(chain, id, m), site, uint32(t.e.epoch.Load()), m
	t.n = n + 1
	if m == Exclusive {
		g.owner = t.num
	}
}

// Unlocked says that the thread is about to release the lock. If t does not hold it,
// another thread does, which is legal unless the class is OwnerOnly or nobody does.
//
//go:norace
func (t *Thread) Unlocked(g *Tag, m Mode, site uintptr) {
	if n := t.n - 1; n >= 0 && t.special.Load() == 0 {
		if h := &t.holds[n]; h.id == ID(g.id.Load()) && h.mode == m {
			h.tag = nil
			t.n = n
			if m == Exclusive {
				g.owner = 0
			}
			return
		}
	}
	t.unlockedSlow(g, m, site)
}

// lockedSlow is Locked (ask) or Got when there is something to look at.
//
//go:norace
func (t *Thread) lockedSlow(g *Tag, m Mode, site uintptr, ask bool) {
	s := t.special.Load()
	if s&quiet != 0 {
		return
	}
	id := ID(g.id.Load())
	if ask {
		t.check(g, m, site)
	} else if heard := t.use(id); heard || s&(suspect|losing) != 0 {
		t.enter()
		if heard {
			t.wake(id)
		}
		t.refute()
		t.leave()
	}
	if t.n == len(t.holds) {
		t.holds = append(t.holds, hold{})
		t.holds = t.holds[:cap(t.holds)]
	}
	again := t.find(id, 0) >= 0
	t.push(g, m, site)
	if again {
		t.holds[t.n-1].mode |= recursed
	}
}

// find gives the newest hold of the lock in that mode (0: any), or -1.
//
//go:norace
func (t *Thread) find(id ID, m Mode) int {
	for i := t.n - 1; i >= 0; i-- {
		if h := &t.holds[i]; h.id == id && (m == 0 || h.mode&modeMask == m) {
			return i
		}
	}
	return -1
}

// drop removes a hold and hashes anew what is above it (H2).
//
//go:norace
func (t *Thread) drop(i int) {
	t.n--
	for j := i; j < t.n; j++ {
		t.holds[j] = t.holds[j+1]
	}
	t.holds[t.n].tag = nil
	t.rehash(i)
}

//go:norace
func (t *Thread) rehash(i int) {
	var chain uint64
	if i > 0 {
		chain = t.holds[i-1].chain
	}
	for ; i < t.n; i++ {
		h := &t.holds[i]
		chain = mix(chain, h.id, h.mode&modeMask)
		h.chain = chain
		h.mode &^= recursed
		for j := i - 1; j >= 0; j-- {
			if t.holds[j].id == h.id {
				h.mode |= recursed
				break
			}
		}
	}
}

// reseed makes everything that the thread knows to be looked up again (H3).
//
//go:norace
func (t *Thread) reseed() {
	x := (uint64(t.num)<<32 | uint64(t.clock)) * 0x94d049bb133111eb
	t.seed = (x ^ x>>29) + (t.epoch>>32)*0xd6e8feb86659fd93
	t.evict = 0
}

// learned puts a context into known.
//
//go:norace
func (t *Thread) learned(x uint64) {
	k := x + t.seed
	p := &t.known[k&uint64(len(t.known)-1)]
	if *p != 0 && *p != k {
		if t.evict++; t.evict > len(t.known) && len(t.known) < 1024 {
			t.known = make([]uint64, 4*len(t.known))
			t.evict = 0
			p = &t.known[k&uint64(len(t.known)-1)]
		}
	}
	*p = k
}

// Clear forgets what t holds: it may have been released while the engine was off.
//
//go:norace
func (t *Thread) Clear() {
	for i := 0; i < t.n; i++ {
		t.holds[i].tag = nil
	}
	t.n = 0
}

// Num is the number of the thread in reports.
//
//go:norace
func (t *Thread) Num() uint64 { return uint64(t.num) }

// SetName names the thread in reports.
//
//go:norace
func (t *Thread) SetName(name string) {
	t.enter()
	t.name = name
	if t.label != nil {
		t.label.name = name
	}
	t.leave()
}

// Holding says whether the thread holds any lock.
//
//go:norace
func (t *Thread) Holding() bool { return t.n != 0 }

// Held gives what t holds, oldest first. Call it on t's own goroutine, or while t is
// known not to run.
//
//go:norace
func (t *Thread) Held(buf []LockRef) []LockRef {
	t.e.mu.lock()
	defer t.e.mu.unlock()
	for i := 0; i < t.n; i++ {
		r := t.holds[i].ref()
		lost := 0
		for _, id := range t.lost {
			if id == r.id {
				lost++
			}
		}
		for j := 0; j < i; j++ {
			if t.holds[j].id == r.id {
				lost-- // enter drops the oldest first
			}
		}
		if lost <= 0 {
			buf = append(buf, t.e.lockRef(r))
		}
	}
	return buf
}

//go:norace
func (h *hold) ref() ref { return ref{h.id, h.site, h.mode & modeMask} }

// enter takes the engine's lock and looks at what others left for the thread.
//
//go:norace
func (t *Thread) enter() {
	t.e.mu.lock()
	if t.special.Load()&losing != 0 {
		for _, id := range t.lost {
			for i := 0; i < t.n; i++ {
				if t.holds[i].id == id {
					t.drop(i)
					break
				}
			}
		}
		t.lost = t.lost[:0]
		t.special.And(^losing)
	}
	for i := 0; t.e.loose.n > 0 && i < t.n; {
		if h := &t.holds[i]; h.mode&modeMask == Shared && t.e.loose.get(idKey(h.id)) > 0 {
			t.e.unloose(h.id)
			t.drop(i)
			continue
		}
		i++
	}
}

// leave releases the engine's lock and delivers what was found.
//
//go:norace
func (t *Thread) leave() { t.e.leave(t) }

//go:norace
func (e *Engine) leave(t *Thread) {
	out, refuted := e.out, e.refuted
	e.out, e.refuted = nil, nil
	deliver, withdraw := e.env.Report, e.env.Withdraw
	e.mu.unlock()
	if len(out) == 0 && len(refuted) == 0 {
		return
	}
	if t != nil {
		t.special.Or(quiet)
		defer t.special.And(^quiet)
	}
	for _, r := range out {
		if deliver != nil {
			deliver(r)
		}
	}
	for _, r := range refuted {
		if withdraw != nil {
			withdraw(r)
		}
	}
}

// Size is what a Thread takes, for those who count.
const Size = unsafe.Sizeof(Thread{})
