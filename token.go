package lwkt

// Tokens as users see them. The fast paths are in internal/thread; the methods here
// inline to one call of it.

import (
	"context"
	"fmt"
	"sync"

	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// Token is a serializing token: a lock that its holder has only while it runs. It
// is exclusive or shared, recursive, and any number of them may be held, acquired
// and released in any order. The zero Token is ready for use and belongs to nobody.
// A Token must not be copied after its first use: go vet finds copies, and so do builds
// with the tag lwkt_invariants; in others a copy may wait for ever.
//
// Each acquisition may wait. While it does, the thread holds no token at all; when
// it goes on, it holds all that it held before and the new one, by one grant. So an
// acquisition is a bounded wait that cannot be part of a deadlock, and it reports
// whether one of the tokens that were held before changed hands meanwhile.
// An acquisition that need not wait gives nothing up and reports false.
//
// All methods panic with a *Misuse if the Thread is nil, has ended, or is in use by
// another goroutine. (token(9))
type Token struct {
	_ noCopy
	t token.Token
}

// Mode is how a token is held. Its String is "none", "shared" or "exclusive".
type Mode = token.Mode

// The modes, the weakest first.
const (
	None      = token.None
	Shared    = token.Shared
	Exclusive = token.Exclusive
)

// NewToken returns a token with a name for messages and statistics.
func NewToken(name string) *Token {
	t := new(Token)
	t.SetName(name)
	return t
}

// SetName names the token in messages and statistics.
func (t *Token) SetName(name string) { t.t.SetName(name) }

// Name is what SetName said last.
func (t *Token) Name() string { return t.t.Name() }

// String names the token as messages do.
func (t *Token) String() string { return t.t.String() }

// Acquire takes the token exclusively; it may wait. A thread that shares it already
// becomes its owner in place if it is the only sharer and nobody has a reservation;
// else it gives the share up, like everything, while it waits, and changed says
// whether another thread had the token in between.
//
// Every earlier release of the token synchronizes before the return of Acquire.
func (t *Token) Acquire(td *Thread) (changed bool) { return thread.Acquire(td.handle(), &t.t) }

// AcquireShared takes the token shared; it may wait. A thread that holds it
// exclusively goes on holding it exclusively.
//
// Every earlier exclusive release of the token synchronizes before the return.
func (t *Token) AcquireShared(td *Thread) (changed bool) {
	return thread.AcquireShared(td.handle(), &t.t)
}

// Release undoes the thread's newest reference to the token. When the last
// exclusive one goes and a share remains, the token is downgraded with no gap. It
// does not block. It panics if the thread does not hold the token.
func (t *Token) Release(td *Thread) { thread.Release(td.handle(), &t.t) }

// TryAcquire is Acquire if that need not wait, else it changes nothing and returns
// false. It fails on a free token that is reserved for a waiter, and on an upgrade
// that is not possible in place; then the share is kept.
func (t *Token) TryAcquire(td *Thread) bool {
	return thread.TryAcquire(td.handle(), &t.t, Exclusive)
}

// TryAcquireShared is AcquireShared if that need not wait, else it changes nothing
// and returns false.
func (t *Token) TryAcquireShared(td *Thread) bool {
	return thread.TryAcquire(td.handle(), &t.t, Shared)
}

// AcquireContext is Acquire, given up when ctx is done before the token was
// granted. Then err is the error of ctx, and the thread holds what it held before;
// taking that back may itself wait. A token that is free is acquired even if ctx is
// done already.
func (t *Token) AcquireContext(ctx context.Context, td *Thread) (changed bool, err error) {
	return acquireContext(ctx, td, t, Exclusive)
}

// AcquireSharedContext is AcquireShared, given up when ctx is done, as in
// AcquireContext.
func (t *Token) AcquireSharedContext(ctx context.Context, td *Thread) (changed bool, err error) {
	return acquireContext(ctx, td, t, Shared)
}

func acquireContext(ctx context.Context, td *Thread, t *Token, m Mode) (changed bool, err error) {
	if ctx == nil {
		thread.NoContext(td.handle(), thread.ContextOp(m), t.String())
	}
	changed, ok := thread.AcquireUntil(td.handle(), &t.t, m, ctx.Done())
	if !ok {
		err = ctx.Err()
	}
	return changed, err
}

// Held says how the thread holds the token now: not, shared or exclusively.
func (t *Token) Held(td *Thread) Mode { return thread.Held(td.handle(), &t.t) }

// AcquireAll takes several tokens exclusively at once: there is no moment at which
// it has one of them and not the others. It may wait, like Acquire.
func AcquireAll(td *Thread, tokens ...*Token) (changed bool) {
	changed, _ = acquireSet(td, tokens, true, nil)
	return changed
}

// TryAcquireAll is AcquireAll if that need not wait; else it changes nothing and
// returns false.
func TryAcquireAll(td *Thread, tokens ...*Token) bool {
	_, ok := acquireSet(td, tokens, false, nil)
	return ok
}

// AcquireAllContext is AcquireAll, given up when ctx is done, as in AcquireContext.
func AcquireAllContext(ctx context.Context, td *Thread, tokens ...*Token) (changed bool, err error) {
	if ctx == nil {
		thread.NoContext(td.handle(), "AcquireAllContext", "")
	}
	changed, ok := acquireSet(td, tokens, true, ctx.Done())
	if !ok {
		err = ctx.Err()
	}
	return changed, err
}

// ReleaseAll releases several tokens, once each, the last one first. If one of them is
// not held it panics, and those before it stay held.
func ReleaseAll(td *Thread, tokens ...*Token) {
	// The newest first is the fast way. With slices.Backward reports would call that the place, where Go does not inline it.
	for i := len(tokens) - 1; i >= 0; i-- {
		if tokens[i] == nil {
			noToken(td, "ReleaseAll", i, len(tokens))
		}
		tokens[i].Release(td)
	}
}

func noToken(td *Thread, op string, i, n int) {
	thread.Fail(td.handle(), op, fmt.Sprintf("token %d of the %d given is nil", i+1, n))
}

func acquireSet(td *Thread, tokens []*Token, wait bool, done <-chan struct{}) (changed, ok bool) {
	if len(tokens) == 0 {
		thread.Enter(td.handle(), "AcquireAll").Leave()
		return false, true
	}
	var few [4]token.Want
	wants := few[:0]
	for i, t := range tokens {
		if t == nil {
			noToken(td, "AcquireAll", i, len(tokens))
		}
		wants = append(wants, token.Want{Tok: &t.t, Mode: Exclusive})
	}
	return thread.AcquireSet(td.handle(), wants, wait, done)
}

// MaxBypass is the largest budget that SetBypass takes, DefaultBypass the one that
// is in force without it.
const (
	MaxBypass     = 16383
	DefaultBypass = 8000
)

// The numbers above are told to people, so they are written out; this fails to
// compile if they are not those of the implementation.
var (
	_ [MaxBypass - token.MaxBypass]struct{}         = [token.MaxBypass - MaxBypass]struct{}{}
	_ [DefaultBypass - token.DefaultBypass]struct{} = [token.DefaultBypass - DefaultBypass]struct{}{}
)

// SetBypass sets K, the number of times that a waiter is overtaken per token that
// it waits for, and once more, before its tokens are reserved for it; it returns
// the old value. 0 is strict order of arrival among those who conflict. The default
// lets a running thread take a contended token again some thousand times without
// handing it over, as sync.Mutex does: a wait for one token is overtaken 16000 times at
// most. It panics if k is not between 0 and MaxBypass.
// It is for the whole process. Waits that are under way are bounded by the larger of
// the two.
func SetBypass(k int) (old int) {
	if k < 0 || k > MaxBypass {
		panic(&Misuse{Op: "SetBypass", Thread: "the program", Why: fmt.Sprintf("the budget %d is out of range 0..%d", k, MaxBypass), Where: thread.Caller()})
	}
	return token.SetBypass(k)
}

// Misuse is the value of the panic that answers a wrong use of this package. It is
// an error; its fields are
//
//	Op     string // what was called
//	Lock   string // the token or lock concerned, or ""
//	Thread string // the thread concerned
//	Why    string // what is wrong with it
//	Where  string // the caller's file, line and function
type Misuse = thread.Misuse

// Locker returns a sync.Locker for code that wants one: it acquires and releases
// the token exclusively for td. Whether another token changed hands meanwhile is
// not told; Mark and ChangedSince find out.
func (t *Token) Locker(td *Thread) sync.Locker { return tokenLocker{t, td} }

// SharedLocker is Locker for shared use.
func (t *Token) SharedLocker(td *Thread) sync.Locker { return sharedLocker{t, td} }

type tokenLocker struct {
	t  *Token
	td *Thread
}

func (l tokenLocker) Lock()   { l.t.Acquire(l.td) }
func (l tokenLocker) Unlock() { l.t.Release(l.td) }

type sharedLocker tokenLocker

func (l sharedLocker) Lock()   { l.t.AcquireShared(l.td) }
func (l sharedLocker) Unlock() { l.t.Release(l.td) }
