// Classes of locks: what all locks of one kind and purpose have in common, and
// which kinds may be taken, or slept with, while which are held.
package engine

// Kind is how a lock waits and how a thread waits for it.
type Kind uint8

// The kinds of locks, and of what is not a lock and yet waited for.
const (
	// Mutex is a lock that blocks for a bounded time: no sleeping while it is held.
	// (mtx, rw; man 9 mutex, rwlock)
	Mutex Kind = iota
	// ReadMostly is an rmlock: as Mutex.
	ReadMostly
	// Sleepable is a lock that may be held across any wait: sx, and what sync has.
	Sleepable
	// SleepRM is a sleepable rmlock: its writer may sleep, its readers may not.
	SleepRM
	// Manager is a lockmgr lock: sleepable, and with every mode.
	Manager
	// Spin is a spin mutex: with one held nothing else may be waited for.
	Spin
	// Token is a serializing token: it is given up while its holder waits, so it
	// orders nothing, and waiting for it is legal with everything but Spin held.
	Token
	// Funnel is an exclusive member of the set of tokens, one at a time.
	Funnel
	// Once is a sync.Once whose function runs: held by the one who runs it.
	Once
	// Group is a WaitGroup and Cond a condition variable: nobody holds them.
	Group
	Cond

	kinds
)

// Flag is what else there is to know of a class.
type Flag uint16

// The flags of a class.
const (
	// NoWitness: not watched at all.
	NoWitness Flag = 1 << iota
	// DupOK: two of this class may be held at once.
	DupOK
	// Recursive: taking it again is legal, in any mode that is not stronger.
	Recursive
	// RecursiveRead: a reader may read again even while a writer waits. Without it
	// readers queue behind writers, as those of sync.RWMutex do, so that two readers
	// and two writers can deadlock.
	RecursiveRead
	// OwnerOnly: only the thread that took it may release it. Without it a lock may
	// be handed to another thread, which is legal for sync.
	OwnerOnly
	// Upgradable: a sharer may ask to become exclusive.
	Upgradable
)

// Class is the number of a class in its engine. Zero is the class of locks of
// which nothing is known.
type Class uint32

// ClassSpec says what a class is.
type ClassSpec struct {
	Name string // shown in reports; if empty, Env.ClassName is asked with the key
	Kind Kind
	Flag Flag
}

// Class gives the class with this key and makes it if there is none. The key is
// what the embedder knows classes by, such as the address of an instruction that
// initialises locks; key 0 means that the name is the key. A class is for ever; there are
// as many as places in a program, at most a million.
func (e *Engine) Class(key uintptr, spec ClassSpec) Class { return e.class(key, spec) }
