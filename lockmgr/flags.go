package lockmgr

// What a request is made of, and what it may end with.

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// Flags are an operation, and in what way: Exclusive|NoWait.
type Flags uint32

// The operations. A request has exactly one; of two it panics.
const (
	// Shared takes a share. If the thread has the lock exclusively, that is ErrDeadlock.
	Shared Flags = 1 << iota
	// Exclusive takes the lock exclusively.
	Exclusive
	// Upgrade makes the one share of the thread exclusive. If another thread is
	// upgrading, the share is given up and the lock waited for, and others may
	// be in between. The share is lost if it fails.
	Upgrade
	// TryUpgrade makes the one share of the thread exclusive if that needs no wait. The
	// share is kept if it fails, with ErrBusy.
	TryUpgrade
	// ExclUpgrade is Upgrade with nobody in between: it fails with ErrBusy if another thread
	// is upgrading, and the share is lost.
	ExclUpgrade
	// Downgrade makes exclusive use a share, with no gap.
	Downgrade
	// Release undoes one acquisition, whatever its mode.
	Release
	// Drain takes the lock exclusively when nobody has it and nobody else waits for it; those who
	// come while it waits are served first. It is not given up for a timeout or a
	// context. Nobody uses the lock then but those who come later, so what it protects can
	// be taken down.
	Drain

	opMask Flags = 0xff
)

// How an operation is to be done, added to it.
const (
	// NoWait fails with ErrBusy where the operation would wait.
	NoWait Flags = 1 << (8 + iota)
	// SleepFail fails with ErrSlept if the operation had to wait, without the lock: the
	// world has changed meanwhile.
	SleepFail
	// CanRecurse lets the thread take what it has exclusively once more; given to Init, always.
	CanRecurse
	// NoShare, to Init: a share is taken exclusively, and changes of mode do nothing.
	NoShare
	// NoDeadlockTreat, to Init: a thread with shares of other lockmgr locks waits behind those
	// who wait for exclusive use, as any other.
	NoDeadlockTreat
	// DupOK and NoWitness, to Init: as those of lwkt.
	DupOK
	NoWitness
	// ExclOther is what Status says of a lock that another thread, or nobody in particular, has
	// exclusively.
	ExclOther

	doFlags   = NoWait | SleepFail | CanRecurse
	initFlags = CanRecurse | NoShare | NoDeadlockTreat | DupOK | NoWitness
)

// names are those of all of them, by bit.
var names = [...]string{"Shared", "Exclusive", "Upgrade", "TryUpgrade", "ExclUpgrade", "Downgrade", "Release", "Drain",
	"NoWait", "SleepFail", "CanRecurse", "NoShare", "NoDeadlockTreat", "DupOK", "NoWitness", "ExclOther"}

// String names the operation and the flags, or is "0".
func (f Flags) String() string {
	var parts []string
	for i, name := range names {
		if f&(1<<i) != 0 {
			parts = append(parts, name)
		}
	}
	if unknown := f >> len(names); unknown != 0 {
		parts = append(parts, fmt.Sprintf("%#x", uint32(unknown)<<len(names)))
	}
	if len(parts) == 0 {
		return "0"
	}
	return strings.Join(parts, "|")
}

// How requests fail, beside lwkt.ErrTimeout (EWOULDBLOCK) after a Timeout and the error of a
// Context that is done (EINTR).
var (
	// ErrBusy tells that the lock is not to be had now (EBUSY).
	ErrBusy = errors.New("lockmgr: the lock is busy")
	// ErrSlept tells that SleepFail was asked for, and there was a wait (ENOLCK).
	ErrSlept = errors.New("lockmgr: had to wait for the lock, which was to fail then")
	// ErrDeadlock tells that the thread would have waited for itself (EDEADLK).
	ErrDeadlock = errors.New("lockmgr: the thread has the lock exclusively itself")
)

// Option is more about a request than flags can say.
type Option struct {
	kind      kind
	interlock lwkt.Interlock
	timeout   time.Duration
	ctx       context.Context
}

type kind uint8

const (
	with kind = 1 + iota
	within
	until
)

// With has the thread give up the interlock, which it must hold, once, in whatever mode. It is
// on the queue of the lock then, or has it: who changes something under the interlock afterwards
// finds it there. The interlock is given up in any case but misuse, of which nothing is done. With(nil) is none; it
// panics if l is a nil pointer. (LK_INTERLOCK)
func With(l lwkt.Interlock) Option {
	if l != nil && thread.IsNil(l) {
		panic(&lwkt.Misuse{Op: "With", Thread: "the program", Why: "there is no interlock: it is nil", Where: thread.Caller()})
	}
	return Option{kind: with, interlock: l}
}

// Timeout lets the request fail with lwkt.ErrTimeout after a wait of d; at once if that is
// negative, never if it is 0. Drain does not heed it. (LK_TIMELOCK)
func Timeout(d time.Duration) Option { return Option{kind: within, timeout: d} }

// Context lets the request fail with the error of ctx when that is done. Drain does not heed it. (PCATCH)
func Context(ctx context.Context) Option { return Option{kind: until, ctx: ctx} }
