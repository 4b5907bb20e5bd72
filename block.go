package lwkt

// Blocking. Before any function of this file blocks, the thread gives up all its
// tokens and its funnel; it returns when the thread has all of them again, and says
// whether another thread may have held one of them exclusively meanwhile.

import (
	"context"
	"sync"
	"time"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/sleepq"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// Block calls f with all tokens of the thread given up, for whatever blocks
// outside this package: a raw channel, a system call, a lock of another kind. f may
// acquire tokens through td if it releases them again; those that are given up
// cannot be released in it. If f panics or ends the goroutine, what it still holds is
// released and the tokens are taken back first; if it returns and still holds
// something, that is released and Block panics.
func (td *Thread) Block(f func()) (changed bool) { return td.block("Block", f) }

func (td *Thread) block(op string, f func()) (changed bool) {
	if td != nil {
		kept := td.funnel
		td.funnel = nil
		defer func() { td.funnel = kept }()
	}
	return thread.Block(td.handle(), op, f)
}

// NoBlock calls f, in which an operation that would give up tokens panics with a
// *Misuse: f counts on what it has read. One that finds what it wants
// without blocking is fine, as is blocking while nothing is held; SetForcedDrops
// makes the difference visible.
func (td *Thread) NoBlock(f func()) { thread.NoBlock(td.handle(), f) }

// Mark is a moment in a Thread's life, for ChangedSince.
type Mark struct{ m thread.Mark }

// Mark returns the present moment.
func (td *Thread) Mark() Mark { return Mark{thread.MakeMark(td.handle())} }

// ChangedSince says whether any token that the thread held at the mark, and holds
// now, may have been held exclusively by another thread since. It sees what happened in
// callees, whatever they did with the changed that they were told. false is a promise;
// true may also come from a token that was released and taken again since, and, once in
// a while, from one that was first taken since. The mark must be of this Thread: that
// is not checked, and of another one's, or of the zero Mark, the answer means nothing.
func (td *Thread) ChangedSince(m Mark) bool { return thread.ChangedSince(td.handle(), m.m, nil) }

// ErrTimeout is returned by waits whose time is over (EWOULDBLOCK). It is also a
// context.DeadlineExceeded to errors.Is.
var ErrTimeout error = timeoutError{}

type timeoutError struct{}

func (timeoutError) Error() string        { return "lwkt: timed out" }
func (timeoutError) Timeout() bool        { return true }
func (timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// Sleep waits on a wait channel: any comparable value on which sleeper and waker
// agree, as a rule the address of what the sleeper waits for. It returns when
// Wakeup or WakeupOne is called on it, or with ErrTimeout after the timeout, if
// that is not 0; at once if it is negative. Wait channels are compared by value and
// are those of the whole process, so use the address of something of your own that has
// a size. It panics if the channel is nil or cannot be compared.
//
// The thread is on the queue before it gives up its tokens: if the waker changes
// the condition with a token that the sleeper held when it looked, no wakeup is
// lost. A wakeup may be for another sleeper's condition, so look again.
// (tsleep(9))
func (td *Thread) Sleep(channel any, timeout time.Duration) (changed bool, err error) {
	return td.sleep("Sleep", context.Background(), channel, timeout)
}

// SleepContext is Sleep that ends with the error of ctx when that is done.
func (td *Thread) SleepContext(ctx context.Context, channel any) (changed bool, err error) {
	return td.sleep("SleepContext", ctx, channel, 0)
}

func (td *Thread) sleep(op string, ctx context.Context, channel any, timeout time.Duration) (changed bool, err error) {
	td.agree(op, channel)
	if ctx == nil {
		thread.NoContext(td.handle(), op, "")
	}
	done := ctx.Done() // the caller's code: it may use td
	changed, why := td.sleepUntil(op, done, channel, timeout)
	switch why {
	case hw.Done:
		err = ctx.Err()
	case hw.Deadline:
		err = ErrTimeout
	}
	return changed, err
}

func (td *Thread) sleepUntil(op string, done <-chan struct{}, channel any, timeout time.Duration) (changed bool, why hw.Why) {
	r := thread.Enter(td.handle(), op)
	defer r.Leave()
	r.Point(thread.OpSleep, channel)
	return sleepq.Sleep(r, op, channel, sleepq.How{Kind: sleepq.WaitChannel}, sleepq.Until{Done: done, Deadline: r.Deadline(int64(timeout))})
}

// Wakeup wakes every thread that sleeps on the channel and says how many. It does
// not block. What happened before synchronizes before the return of their Sleep.
// (wakeup(9))
func (td *Thread) Wakeup(channel any) int { return td.wakeup("Wakeup", channel, sleepq.All) }

// WakeupOne wakes the sleeper with the best priority, of several the one that
// sleeps longest, and says whether there was one. (wakeup_one(9))
func (td *Thread) WakeupOne(channel any) bool {
	return td.wakeup("WakeupOne", channel, sleepq.One) == 1
}

// WakeupAny is WakeupOne for the sleeper that came last, whose memory is warm: for threads
// of a pool that are all alike. (wakeup_any(9))
func (td *Thread) WakeupAny(channel any) bool {
	return td.wakeup("WakeupAny", channel, sleepq.Last) == 1
}

func (td *Thread) wakeup(op string, channel any, which sleepq.Which) int {
	td.agree(op, channel)
	r := thread.Enter(td.handle(), op)
	defer r.Leave()
	r.Point(thread.OpWakeup, channel)
	return sleepq.Wakeup(r, op, channel, sleepq.WaitChannel, which, 0)
}

// agree panics unless others can name the same wait channel.
func (td *Thread) agree(op string, channel any) {
	if channel == nil {
		thread.Fail(td.handle(), op, "nil cannot be a wait channel; use the address of what is waited for")
	}
	if bad := thread.WhyNoKey(channel); bad != "" {
		thread.Fail(td.handle(), op, bad+" cannot be a wait channel; use an address, or another value that can be compared")
	}
}

// Pause blocks for the given time, if that is positive. (pause(9))
func (td *Thread) Pause(d time.Duration) (changed bool) {
	if d <= 0 {
		thread.Enter(td.handle(), "Pause").Leave()
		return false
	}
	changed, _ = td.sleep("Pause", context.Background(), new(pauseChannel), d) // nobody else knows the channel
	return changed
}

type pauseChannel struct{ _ byte }

// WaitGroup is wg.Wait for a thread that may hold tokens.
func (td *Thread) WaitGroup(wg *sync.WaitGroup) (changed bool) {
	if wg == nil {
		thread.Fail(td.handle(), "WaitGroup", "the sync.WaitGroup is nil")
	}
	return td.block("WaitGroup", wg.Wait)
}

// Cond is c.Wait for a thread that may hold tokens; c.L is held. The tokens are
// taken back with c.L held again, so whoever holds a token must not wait for c.L
// other than inside Block. c.L must not be the Locker of a token.
func (td *Thread) Cond(c *sync.Cond) (changed bool) {
	if c == nil {
		thread.Fail(td.handle(), "Cond", "the sync.Cond is nil")
	}
	return td.block("Cond", c.Wait)
}

// SetForcedDrops switches a test mode for the whole process: each operation that
// could give up tokens does so, lets others run, and reports changed, even if
// it need not have blocked. A caller that does not look again after a change, and a
// reference that is used across one, then fails at once and not one night.
func SetForcedDrops(on bool) { thread.SetForcedDrops(on) }
