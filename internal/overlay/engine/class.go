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
	// Giant is a mutex that is given up by any sleep: the first of those that must not be
	// held across one, before or after those that may.
	Giant
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

// orders says whether locks of the kind are ordered.
//
//go:norace
func (k Kind) orders() bool { return k < Token || k == Once }

// waits says whether taking such a lock again makes its holder wait for itself.
//
//go:norace
func (k Kind) waits() bool { return k < Token || k == Once }

// Interaction says what may be wanted (columns) while what is held (rows): the table of
// locking(9), with rows and columns for what is not in FreeBSD. A try is always legal, and so is
// the wait that gives up the very lock.
//
// y: yes; n: no; w: only if the lock is held exclusively.
var Interaction = [...]struct {
	Have Kind
	Want string // in the order of Wants
}{
	//            mtx rm  sx  srm lk  spin giant token funnel once sleep
	{Mutex, "      y   y   n   n   n   y    n     y     y      n    n"},
	{ReadMostly, " y   y   n   n   n   y    n     y     y      n    n"},
	{Sleepable, "  y   y   y   y   y   y    y     y     y      y    y"},
	{SleepRM, "    y   y   w   w   w   y    w     y     y      w    w"},
	{Manager, "    y   y   y   y   y   y    y     y     y      y    y"},
	{Spin, "       n   n   n   n   n   y    n     n     n      n    n"},
	{Giant, "      y   y   y   y   y   y    y     y     y      y    y"},
	{Token, "      y   y   y   y   y   y    y     y     y      y    y"},
	{Funnel, "     y   y   y   y   y   y    y     y     n      y    y"},
	{Once, "       y   y   y   y   y   y    y     y     y      y    y"},
}

// Wants are the columns of Interaction; after them comes an unbounded sleep.
var Wants = [...]Kind{Mutex, ReadMostly, Sleepable, SleepRM, Manager, Spin, Giant, Token, Funnel, Once}

// asleep is the column of an unbounded sleep.
const asleep = kinds

// legal is Interaction as bits, by kind held, whether exclusively, and kind wanted.
var legal = legalBits()

//go:norace
func legalBits() (t [kinds][2]uint16) {
	for k := range t {
		t[k] = [2]uint16{1<<(kinds+1) - 1, 1<<(kinds+1) - 1}
	}
	for _, row := range Interaction {
		var bits [2]uint16
		column := 0
		for _, c := range row.Want {
			if c == ' ' {
				continue
			}
			want := asleep
			if column < len(Wants) {
				want = Wants[column]
			}
			column++
			if c == 'y' {
				bits[0] |= 1 << want
			}
			if c != 'n' {
				bits[1] |= 1 << want
			}
		}
		t[row.Have] = bits
	}
	return t
}

// MayTake says whether a thread that holds a lock of one kind may wait for one of another.
//
//go:norace
func MayTake(have Kind, m Mode, want Kind) bool {
	return want > Once || legal[have][m>>1&1]>>want&1 != 0
}

// MaySleep says whether a thread that holds a lock of this kind may sleep.
//
//go:norace
func MaySleep(have Kind, m Mode) bool { return legal[have][m>>1&1]>>asleep&1 != 0 }

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
// initialises locks; key 0 means that the name is the key, together with kind and
// flags. A class is for ever; there are as many as places in a program, at most a million.
//
//go:norace
func (e *Engine) Class(by uintptr, spec ClassSpec) Class {
	e.mu.lock()
	defer e.mu.unlock()
	k := key{uint64(by), 0}
	if by == 0 {
		k = textKey(spec.Name, uint64(spec.Kind)<<32|uint64(spec.Flag)|1<<63)
	}
	if c := e.byKey.get(k); c != 0 {
		return c
	}
	if c := e.byName.get(textKey(spec.Name, 0)); c != 0 && by == 0 && !e.classes[c].made {
		e.classes[c] = class{ClassSpec: spec, made: true}
		e.byKey.put(k, c)
		return c
	}
	return e.newClass(k, class{spec, by, true})
}

//go:norace
func (e *Engine) newClass(k key, c class) Class {
	if len(e.classes) == maxClasses {
		return 0
	}
	n := Class(len(e.classes))
	e.classes = append(e.classes, c)
	if c.made {
		e.byKey.put(k, n)
	}
	if k := textKey(c.Name, 0); c.Name != "" && !e.byName.has(k) {
		e.byName.put(k, n)
	}
	return n
}

// Named gives the first class of this name. If there is none, the class is the one that will be made
// with it.
//
//go:norace
func (e *Engine) Named(name string) Class {
	e.mu.lock()
	defer e.mu.unlock()
	if c := e.byName.get(textKey(name, 0)); c != 0 {
		return c
	}
	return e.newClass(key{}, class{ClassSpec: ClassSpec{Name: name}})
}

// class is what the engine knows of a class.
type class struct {
	ClassSpec
	key  uintptr
	made bool // not only named
}

const maxClasses = 1 << (64 - serialBits)

// Name gives the name of a class.
//
//go:norace
func (e *Engine) Name(c Class) string {
	e.mu.lock()
	defer e.mu.unlock()
	return e.nameOf(c)
}

//go:norace
func (e *Engine) nameOf(c Class) string {
	if int(c) >= len(e.classes) {
		c = 0
	}
	k := &e.classes[c]
	if k.Name == "" && e.env.ClassName != nil && k.key != 0 {
		k.Name = e.env.ClassName(k.key)
	}
	if k.Name == "" {
		k.Name = "lock"
	}
	return k.Name
}
