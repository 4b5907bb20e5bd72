// Faults that were found by reading and by playing, each with the smallest program
// that showed it.
package lwkt

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt/internal/hw"
)

// caught calls f and swallows its panic.
func caught(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

// A funnel that the function given to Block left behind was still the thread's, by
// name, so that setting it again did nothing and excluded nobody.
func TestFunnelLeftInBlock(t *testing.T) {
	for name, leave := range map[string]func(){"return": func() {}, "panic": func() { panic("oops") }} {
		t.Run(name, func(t *testing.T) {
			f := NewFunnel("f")
			td := NewThread("x")
			defer td.End()
			if caught(func() { td.Block(func() { td.SetFunnel(f); leave() }) }) == nil {
				t.Error("Block did not panic")
			}
			if td.Funnel() != nil {
				t.Errorf("the thread still has %v", td.Funnel())
			}
			td.SetFunnel(f)
			if f.own.Held(td) != Exclusive {
				t.Error("SetFunnel returned without the funnel")
			}
			td.SetFunnel(nil)
		})
	}
}

// A mark knew the tokens held by address, and after a merge the funnel has another.
func TestMarkBeforeMerge(t *testing.T) {
	for range 50 {
		a, b := NewFunnel("a"), NewFunnel("b")
		td, other := NewThread("x"), NewThread("y")
		td.SetFunnel(b)
		m := td.Mark()
		td.SetFunnel(nil)
		MergeFunnels(other, a, b)
		other.SetFunnel(b)
		other.SetFunnel(nil)
		td.SetFunnel(b)
		if !td.ChangedSince(m) {
			t.Fatal("the funnel was in other hands, and ChangedSince does not say so")
		}
		td.SetFunnel(nil)
		td.End()
		other.End()
	}
}

// A reference that was made without the token was not stale once it was held.
func TestRefMadeWithoutToken(t *testing.T) {
	var g Guarded[int]
	td, other := NewThread("x"), NewThread("y")
	defer td.End()
	defer other.End()
	var r Ref[int]
	if caught(func() { r = g.Ref(td) }) != nil {
		return // builds with invariants say so at once
	}
	g.Acquire(other)
	g.Release(other)
	g.Acquire(td)
	if !r.Stale() {
		t.Error("not stale, though another thread had the token since the reference was made")
	}
	g.Release(td)
}

func infoOf(name string) (found TokenInfo) {
	for _, i := range Tokens() {
		if i.Name == name {
			found = i
		}
	}
	return found
}

// A wait that began before recording did was recorded as if it had lasted since the
// program started.
func TestRecordingBeginsDuringWait(t *testing.T) {
	for hw.Now() < int64(50*time.Millisecond) { // so that the fault would show
	}
	a := NewToken("recording begins during the wait")
	td := NewThread("holder")
	defer td.End()
	a.Acquire(td)
	k := Go("waiter", func(td *Thread) { a.Acquire(td); a.Release(td) })
	for WaitersOf(a) == 0 {
		runtime.Gosched()
	}
	SetRecording(true)
	defer SetRecording(false)
	a.Release(td)
	k.Wait()
	if i := infoOf(a.Name()); i.Wait.Max >= 50*time.Millisecond {
		t.Errorf("recorded a wait of %v", i.Wait.Max)
	}
}

// The end of a hold was not recorded once recording was off, so the next hold of that
// thread was taken for the old one.
func TestRecordingEndsDuringHold(t *testing.T) {
	a := NewToken("recording ends during the hold")
	td := NewThread("holder")
	defer td.End()
	SetRecording(true)
	a.Acquire(td)
	SetRecording(false)
	a.Release(td)
	between := hw.Now()
	SetRecording(true)
	defer SetRecording(false)
	a.Acquire(td)
	defer a.Release(td)
	_, holders := a.t.Describe().Stats.Read()
	if len(holders) != 1 || holders[0].Since < between {
		t.Errorf("holders %+v of a hold that began after %d", holders, between)
	}
}

// A retake counted as an acquisition, at the place of the Block.
func TestRetakeIsNoAcquisition(t *testing.T) {
	a := NewToken("retaken")
	td := NewThread("x")
	defer td.End()
	SetRecording(true)
	defer SetRecording(false)
	a.Acquire(td)
	defer a.Release(td)
	site := infoOf(a.Name()).Holders[0].Site
	for range 10 {
		td.Block(func() {})
	}
	if i := infoOf(a.Name()); i.Acquisitions != 1 || i.Holders[0].Site != site {
		t.Errorf("one Acquire at %s became %d, at %s", site, i.Acquisitions, i.Holders[0].Site)
	}
}

// AcquireAll of what is held already cannot block, forced drops or not.
func TestForcedDropsSpareWhatIsHeld(t *testing.T) {
	var a, b Token
	td := NewThread("x")
	defer td.End()
	AcquireAll(td, &a, &b)
	SetForcedDrops(true)
	defer SetForcedDrops(false)
	if v := caught(func() { td.NoBlock(func() { AcquireAll(td, &a, &b); ReleaseAll(td, &a, &b) }) }); v != nil {
		t.Error(v)
	}
	ReleaseAll(td, &a, &b)
}

type lazyContext struct {
	context.Context
	tok *Token
	td  *Thread
}

func (c lazyContext) Done() <-chan struct{} {
	c.tok.Acquire(c.td)
	defer c.tok.Release(c.td)
	return c.Context.Done()
}

// A context that takes tokens itself was refused as if another goroutine did.
func TestContextUsesThread(t *testing.T) {
	var a Token
	td := NewThread("x")
	defer td.End()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := td.SleepContext(lazyContext{ctx, &a, td}, "nothing wakes this"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// What is not equal to itself cannot be agreed on, and was never taken off the queue.
func TestWaitChannelsAreComparable(t *testing.T) {
	td := NewThread("x")
	defer td.End()
	zero := 0.0
	for _, channel := range []any{nil, []int{1}, zero / zero} {
		if _, ok := caught(func() { td.Sleep(channel, time.Nanosecond) }).(*Misuse); !ok {
			t.Errorf("Sleep took %T(%v)", channel, channel)
		}
	}
}
