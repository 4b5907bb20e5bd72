// Package mtxpool is the mutex pool: a few mutexes for many objects, chosen by the hash of the
// object (mtx_pool(9)).
package mtxpool

import (
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/lock"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// Pool is a fixed number of mutexes, from which each key gets one: for objects that
// are too many, or too short-lived, to have one each. The key may be the address of an object that
// does not exist any more.
//
// Two keys may get the same mutex, hence a mutex of a pool is a leaf: a thread that has one must not
// wait for another one of any pool, however it came by it. Lock answers that by a panic; and so does Mtx.Lock of what Find
// and Alloc return, while the checks of the hierarchy are on, which the witness reports as two locks of one
// class if they are of one pool. The try form is allowed. The zero Pool has 128 mutexes, and must
// not be copied. (mtx_pool(9))
//
//	        none of a pool held    one held
//	Lock    as Mtx.Lock            panics
//	Unlock  panics                 as Mtx.Unlock; panics if it is not that of the key
type Pool struct {
	made  sync.Once
	pool  []lwkt.Mtx // (made)
	rover atomic.Uint32
}

// MaxSize is that of the largest pool.
const MaxSize = 1 << 20

// defaultSize is that of pools of which no size is known, or a bad one.
const defaultSize = 128

var seed = maphash.MakeSeed()

// Init gives the pool a name for its mutexes, and a size, which must be a power of two, and not above MaxSize. A bad one is
// told on the standard error, and 128 taken. It panics if the pool was initialized before, or has been
// used.
// (mtx_pool_create)
func (p *Pool) Init(name string, size int) {
	bad := ""
	switch {
	case size <= 0 || size&(size-1) != 0:
		bad = "no power of two"
	case size > MaxSize:
		bad = fmt.Sprintf("above %d", MaxSize)
	}
	if bad != "" {
		thread.Warn(fmt.Sprintf("mtxpool.Pool.Init of %q at %s: the size %d is %s; it is %d now", name, thread.Caller(), size, bad, defaultSize))
		size = defaultSize
	}
	if !p.make(name, size) {
		panic(&lwkt.Misuse{Op: "Init", Lock: p.title(), Thread: "the program", Where: thread.Caller(),
			Why: "it was initialized before, or used, which makes one of 128 of it; Init comes first, and once, and there is no way back"})
	}
}

// make makes the mutexes, unless there are some.
func (p *Pool) make(name string, size int) (first bool) {
	p.made.Do(func() {
		first = true
		p.pool = make([]lwkt.Mtx, size)
		for i := range p.pool {
			lock.Initialize(of(&p.pool[i]), thread.Mutex, name, lock.Leaf)
		}
	})
	return first
}

// title names the pool for a message: as its mutexes are, or by its address.
func (p *Pool) title() string {
	if name := of(&p.all()[0]).Name(); name != "" {
		return fmt.Sprintf("mutex pool %q", name)
	}
	return fmt.Sprintf("mutex pool %p", p)
}

func of(m *lwkt.Mtx) *lock.Lock {
	l, _ := m.Interlock().Lock().(*lock.Lock)
	return l
}

// all is the mutexes, made now if there are none.
func (p *Pool) all() []lwkt.Mtx {
	p.make("", defaultSize)
	return p.pool
}

// Size is the number of mutexes.
func (p *Pool) Size() int { return len(p.all()) }

// Find returns the mutex of a key, always the same one. The key must be comparable; a pointer costs no
// allocation. It is a leaf too. It does not block. (mtx_pool_find)
func (p *Pool) Find(key any) *lwkt.Mtx {
	if bad := thread.WhyNoKey(key); bad != "" && key != nil {
		panic(&lwkt.Misuse{Op: "Find", Lock: p.title(), Thread: "the program", Where: thread.Caller(),
			Why: bad + " cannot be a key; use an address, or another value that can be compared"})
	}
	all := p.all()
	return &all[maphash.Comparable(seed, key)&uint64(len(all)-1)]
}

// Alloc returns one mutex after the other, for whoever wants to keep one. Others have it too, so it
// is a leaf. It does not block. (mtx_pool_alloc)
func (p *Pool) Alloc() *lwkt.Mtx {
	all := p.all()
	thread.Announce(thread.Op{Kind: thread.OpChange, Key: p})
	return &all[p.rover.Add(1)&uint32(len(all)-1)]
}

// Lock takes the mutex of the key, as Mtx.Lock does, and panics with a *lwkt.Misuse if the thread has a mutex of a
// pool. (mtx_pool_lock)
func (p *Pool) Lock(td *lwkt.Thread, key any) (changed bool) {
	return lock.AcquireLeaf(thread.HandleAt(unsafe.Pointer(td)), of(p.Find(key)))
}

// Unlock releases the mutex of the key, as Mtx.Unlock does. (mtx_pool_unlock)
func (p *Pool) Unlock(td *lwkt.Thread, key any) {
	h, l := thread.HandleAt(unsafe.Pointer(td)), of(p.Find(key))
	if h != nil && h.FastRelease(&l.Object, lwkt.Exclusive) == nil {
		p.mustHave(h, l, key)
	}
	lock.Release(h, l, thread.Mutex)
}

// mustHave panics if the thread has another mutex of the pool than that of the key.
func (p *Pool) mustHave(h *thread.Handle, l *lock.Lock, key any) {
	r := thread.EnterLock(h, "Unlock", &l.Object, thread.Mutex)
	defer r.Leave()
	if !r.HoldsLock(&l.Object, lwkt.None) {
		p.notThat(r, l, key)
	}
}

// notThat is apart so that nothing is allocated where all is well.
func (p *Pool) notThat(r *thread.Record, l *lock.Lock, key any) {
	r.EachLock(func(obj *thread.Object, _ thread.Class, _ lwkt.Mode) {
		if i := p.index(obj); i >= 0 {
			r.MisuseLock("Unlock", &l.Object, thread.Mutex, fmt.Sprintf("the key %s has mutex %d of the pool, and the thread has mutex %d, so that was locked by another key%s",
				thread.DescribeKey(key), p.index(&l.Object), i, r.LockSite(obj)))
		}
	})
}

// index is which mutex of the pool a lock is, or -1.
func (p *Pool) index(obj *thread.Object) int {
	for i := range p.pool {
		if &of(&p.pool[i]).Object == obj {
			return i
		}
	}
	return -1
}
