package lwkt

import (
	"strings"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt/internal/hw"
)

// watched returns a Watchdog that looks only when it is told to, and what it reports.
func watched(t *testing.T, limit time.Duration) (w *Watchdog, reports *[]LongHold) {
	reports = new([]LongHold)
	w = newWatchdog(limit, func(l LongHold) { *reports = append(*reports, l) })
	close(w.ended)
	t.Cleanup(w.Stop)
	return w, reports
}

func in(d time.Duration) int64 { return hw.Now() + int64(d) }

// It fires for a holder that waits for something which the package does not know.
func TestWatchdogFires(t *testing.T) {
	found := make(chan LongHold, 8)
	w := WatchHolders(time.Millisecond, func(l LongHold) { found <- l })
	a := NewToken("watchdog.fires")
	raw, holding := make(chan bool), make(chan string)
	task := Go("sinner", func(td *Thread) {
		a.Acquire(td)
		holding <- td.String()
		<-raw
		a.Release(td)
	})
	name := <-holding
	for l := range found {
		if !strings.Contains(l.Thread, `"sinner"`) {
			continue // of another test
		}
		if l.Thread != name || l.Token != a.String() || l.Goroutine == 0 || l.Mode != Exclusive || l.Held < time.Millisecond || l.Since.After(time.Now()) || !strings.Contains(l.Site, "watchdog_test.go") {
			t.Errorf("reported %+v", l)
		}
		// On a busy machine it may not have come to the receive yet.
		if !strings.HasPrefix(l.Stack, "goroutine ") || !strings.Contains(l.Stack, "TestWatchdogFires") || strings.Contains(l.Stack, "\n\n") {
			t.Errorf("the stack is not the holder's alone:\n%s", l.Stack)
		}
		if s := l.String(); !strings.Contains(s, `"sinner"`) || !strings.Contains(s, l.Stack) {
			t.Errorf("as text: %s", s)
		}
		break
	}
	close(raw)
	task.Wait()
	w.Stop()
	if recording.watchers != 0 {
		t.Error("recording goes on after Stop")
	}
}

// It reports each hold once, and the next hold of the same thread again.
func TestWatchdogReportsOnce(t *testing.T) {
	w, reports := watched(t, time.Hour)
	a, b := NewToken("watchdog.once.a"), NewToken("watchdog.once.b")
	Run("holder", func(td *Thread) {
		a.Acquire(td)
		b.AcquireShared(td)
		w.check(in(2 * time.Hour))
		w.check(in(3 * time.Hour))
		if len(*reports) != 2 {
			t.Errorf("%d reports of two holds: %v", len(*reports), *reports)
		}
		td.Block(func() {})
		w.check(in(2 * time.Hour))
		if len(*reports) != 4 {
			t.Errorf("%d reports after both were given up and taken back", len(*reports))
		}
		b.Release(td)
		a.Release(td)
		w.check(in(4 * time.Hour))
		if len(*reports) != 4 {
			t.Errorf("%d reports after all was released", len(*reports))
		}
	})
}

// It is silent about short holds, about time in Block and in waits of the package, and
// about holds from before it began, or of which the end went unrecorded.
func TestWatchdogIsSilent(t *testing.T) {
	a := NewToken("watchdog.silent")
	Run("holder", func(td *Thread) {
		a.Acquire(td) // before it began
		w, reports := watched(t, time.Hour)
		w.check(in(2 * time.Hour))
		a.Release(td)

		a.Acquire(td)
		w.check(in(time.Minute))
		td.Block(func() { w.check(in(2 * time.Hour)) })
		Go("waker", func(other *Thread) {
			a.Acquire(other)
			a.Release(other)
			w.check(in(2 * time.Hour))
		}).Join(td)
		a.Release(td)
		w.check(in(2 * time.Hour))
		if len(*reports) != 0 {
			t.Errorf("it reported %v", *reports)
		}
	})
}

func TestWatchdogKeepsRecording(t *testing.T) {
	on := func() (on bool) {
		a := NewToken("watchdog.recording")
		Run("holder", func(td *Thread) {
			a.Acquire(td)
			on = len(info(t, a).Holders) == 1
			a.Release(td)
		})
		return on
	}
	steps := []struct {
		what string
		do   func()
		on   bool
	}{
		{"at first", func() {}, false},
		{"user on", func() { SetRecording(true) }, true},
		{"watch on", func() { watchRecording(+1) }, true},
		{"user off", func() { SetRecording(false) }, true},
		{"second watch", func() { watchRecording(+1) }, true},
		{"one off", func() { watchRecording(-1) }, true},
		{"both off", func() { watchRecording(-1) }, false},
	}
	for _, s := range steps {
		s.do()
		if got := on(); got != s.on {
			t.Errorf("%s: recording is %v", s.what, got)
		}
	}
	defer func() {
		if m, ok := recover().(*Misuse); !ok || m.Op != "WatchHolders" || !strings.Contains(m.Where, "watchdog_test.go") {
			t.Errorf("a limit of 0: %v", m)
		}
	}()
	WatchHolders(0, nil)
}
