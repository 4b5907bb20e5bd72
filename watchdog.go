package lwkt

// A watchdog over holders: a token is meant for short sections, and one that is kept
// while its holder waits for something that the package does not know, a raw channel
// for instance, stops everybody who wants it, and can even deadlock.

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/thread"
	"github.com/serializing-tokens/lwkt/internal/token"
)

// LongHold is a hold that a Watchdog found too long.
type LongHold struct {
	Token     string        // the token, as in messages
	Thread    string        // the thread that holds it, as in messages
	Goroutine uint64        // the thread's goroutine, as in stack traces
	Mode      Mode          // how the token is held
	Since     time.Time     // when it was granted or taken back
	Held      time.Duration // for how long so far
	Site      string        // file, line and function that acquired it
	Stack     string        // what the goroutine is doing
}

// String tells all of it, for a log.
func (l LongHold) String() string {
	return fmt.Sprintf("lwkt: %s has held %s (%v) for %v, acquired at %s:\n%s", l.Thread, l.Token, l.Mode, short(l.Held), l.Site, l.Stack)
}

// Watchdog looks for tokens that are held too long; WatchHolders starts one.
type Watchdog struct {
	limit  time.Duration
	report func(LongHold)
	told   map[holdKey]bool // holds that were reported and go on
	stop   chan struct{}
	ended  chan struct{}
	once   sync.Once
}

// holdKey tells one hold from all others.
type holdKey struct {
	token  *token.Token
	thread uint32
	since  int64
}

// WatchHolders switches recording on, as SetRecording does, and from now on calls
// report, on a goroutine of its own, once for each hold that is longer than the limit.
// Time inside Block, or in any other wait of this package, is not held. It looks
// four times in each limit, but at most once a millisecond, so a hold is found a quarter
// late or so. It panics if
// the limit is not positive. Stop ends it.
func WatchHolders(limit time.Duration, report func(LongHold)) *Watchdog {
	w := newWatchdog(limit, report)
	ticker := time.NewTicker(max(limit/4, time.Millisecond))
	go func() {
		defer close(w.ended)
		defer ticker.Stop()
		for {
			select {
			case <-w.stop:
				return
			case <-ticker.C:
				w.check(hw.Now())
			}
		}
	}()
	return w
}

func newWatchdog(limit time.Duration, report func(LongHold)) *Watchdog {
	switch {
	case limit <= 0:
		panic(&Misuse{Op: "WatchHolders", Thread: "the program", Why: fmt.Sprintf("the limit %v is not positive", limit), Where: thread.Caller()})
	case report == nil:
		panic(&Misuse{Op: "WatchHolders", Thread: "the program", Why: "there is nothing to call with a report", Where: thread.Caller()})
	}
	watchRecording(+1)
	return &Watchdog{
		limit: limit, report: report, told: make(map[holdKey]bool),
		stop: make(chan struct{}), ended: make(chan struct{}),
	}
}

// Stop ends the watch, waits for a report that is under way, and switches recording
// off again unless somebody else wants it. It must not be called by report. To stop
// a watch that was stopped does nothing.
func (w *Watchdog) Stop() {
	w.once.Do(func() {
		close(w.stop)
		<-w.ended
		watchRecording(-1)
	})
}

// check looks at all recorded holds, and reports those that are too long now.
func (w *Watchdog) check(now int64) {
	var found []LongHold
	var stacks []byte
	going := make(map[holdKey]bool, len(w.told))
	for _, t := range token.Known() {
		for _, h := range overdue(t, now-int64(w.limit)) {
			key := holdKey{t, h.Thread, h.Since}
			if w.told[key] {
				going[key] = true
				continue
			}
			name := thread.NameOf(h.Thread) // while it lives
			if stacks == nil {
				stacks = allStacks()
			}
			// The stack is the holder's only if it still was one when that was taken.
			for _, again := range overdue(t, h.Since) {
				if again.Thread == h.Thread && again.Since == h.Since {
					going[key] = true
					held := time.Duration(now - h.Since)
					found = append(found, LongHold{
						Token: t.String(), Thread: name, Goroutine: h.Goroutine, Mode: h.Mode,
						Since: time.Now().Add(-held), Held: held, Site: thread.Site(h.Site),
						Stack: stackOf(stacks, h.Goroutine),
					})
				}
			}
		}
	}
	w.told = going
	for _, l := range found {
		w.report(l)
	}
}

// overdue returns the recorded holds of t since before a time, or at it.
func overdue(t *token.Token, before int64) (late []token.Holder) {
	_, holders := t.Describe().Stats.Read()
	for _, h := range holders {
		if h.Since <= before && holds(t, h) {
			late = append(late, h)
		}
	}
	return late
}

// allStacks returns the stacks of all goroutines, or the first 64 MB of them.
func allStacks() []byte {
	for size := 64 << 10; ; size *= 4 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size || size >= 64<<20 {
			return buf[:n]
		}
	}
}

// stackOf cuts out the stack of one goroutine.
func stackOf(stacks []byte, goroutine uint64) string {
	head := fmt.Appendf(nil, "goroutine %d [", goroutine)
	for one := range bytes.SplitSeq(stacks, []byte("\n\n")) {
		if bytes.HasPrefix(one, head) {
			return string(one)
		}
	}
	return "the goroutine is not among those that were seen"
}
