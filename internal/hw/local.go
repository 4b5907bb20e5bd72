package hw

// Local is a word that one thread writes, often, and that others read, seldom: the form of
// a flag of Dekker's algorithm in which the one who comes seldom pays for both.
//
// The owner calls Set and then looks at a word of the other; the other writes that word with
// an atomic operation, calls Barrier, and then calls Load. At least one of them sees what the other
// wrote. And what the owner did before Set happens before what follows a Load that sees it.
//
// Layout: an address, or 0.
// Bits: none.
// Invariants: only the owner calls Set.
// Transitions: Set any->v.
// Lock order: none.
// Blocking: nothing here blocks.
// Departures: FreeBSD's rmlock interrupts the other processors for the same purpose
// (smp_rendezvous); the system call membarrier(2) is how a program does.
//
// In quick mode Set is a plain store. The store may be late, in the buffer of its
// processor, but a barrier on that processor flushes it: local_plain.go. Everywhere else it is
// an atomic store, which orders itself, and Barrier does nothing.

// Owned is the word as its owner sees it.
func (l *Local) Owned() uintptr { return l.word }
