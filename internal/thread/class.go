package thread

// What all locks other than tokens have in common: a class, a name, and figures (struct
// lock_object and struct lock_class of lock(9)).

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// Class is what kind of lock a lock is.
type Class uint8

// The classes, in the order in which a thread may take them while it holds one of the
// class before (hierarchy.go has the exact table).
const (
	NoClass Class = iota
	Lockmgr
	SX
	Serializer
	SleepableRM
	Giant // given up by any sleep, as tokens are
	Mutex
	Semaphore // what is in one; units are not held
	RW
	RM
	Spin
	classes
)

var classNames = [...]string{"lock", "lockmgr lock", "sx lock", "serializer", "sleepable rmlock", "giant lock", "mutex", "semaphore", "rwlock", "rmlock", "spin mutex"}

// String names the class.
func (c Class) String() string { return classNames[c] }

// Sleepable says whether a lock of the class may be held by a thread that sleeps.
func (c Class) Sleepable() bool { return c < Giant }

// GivenUp says whether any sleep gives up a lock of the class (giveup.go).
func (c Class) GivenUp() bool { return c == Giant }

// Object is the part of a lock that messages, statistics and lists of held locks know.
// It is the first field of every lock, so its address is that of the lock. The zero
// Object has no name.
type Object struct {
	info atomic.Pointer[ObjectInfo] // set once
}

// ObjectInfo is what people are told about a lock. Most locks have none.
type ObjectInfo struct {
	name  atomic.Pointer[string]
	flags atomic.Uint32 // for the witness
	class atomic.Uint32 // once a hold was recorded
	tag   engine.Tag    // for the witness
	Stats token.Stats
}

// objects lists the locks that have an ObjectInfo.
var objects token.Registry[Object]

// Objects returns the living locks that have an ObjectInfo: that have a name, or were used
// while recording was on.
func Objects() []*Object { return objects.Living() }

// Describe returns the lock's ObjectInfo, made now if there is none.
func (o *Object) Describe() *ObjectInfo {
	if i := o.info.Load(); i != nil {
		return i
	}
	if o.info.CompareAndSwap(nil, new(ObjectInfo)) {
		objects.Add(o)
	} // else another thread has made it
	return o.info.Load()
}

// SetName names the lock.
func (o *Object) SetName(name string) { o.Describe().name.Store(&name) }

// Class is the class of a lock a hold of which was recorded, or NoClass.
func (o *Object) Class() Class { return Class(o.Describe().class.Load()) }

// SetFlags says what the witness should know of the lock.
func (o *Object) SetFlags(f uint32) {
	if f != 0 || o.info.Load() != nil {
		o.Describe().flags.Store(f)
	}
}

// Name is what SetName said last, or "".
func (o *Object) Name() string {
	if i := o.info.Load(); i != nil {
		if n := i.name.Load(); n != nil {
			return *n
		}
	}
	return ""
}

// Title names the lock for a message: by its class and name, else by its address.
func (o *Object) Title(c Class) string {
	if n := o.Name(); n != "" {
		return fmt.Sprintf("%v %q", c, n)
	}
	return fmt.Sprintf("%v %#x", c, uintptr(unsafe.Pointer(o)))
}
