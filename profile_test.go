package lwkt_test

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/rmlock"
)

// recording switches it on for a test.
func recording(t *testing.T) {
	lwkt.ResetStats()
	lwkt.SetRecording(true)
	t.Cleanup(func() {
		lwkt.SetRecording(false)
		lwkt.ResetStats()
	})
}

func TestLockProfile(t *testing.T) {
	recording(t)
	onHosts(t, func(t *testing.T, h host) {
		lwkt.ResetStats()
		var mu lwkt.Mtx
		mu.Init("profiled", lwkt.Recurse)
		var held atomic.Bool
		h.Go("owner", func(td *lwkt.Thread) {
			mu.Lock(td)
			held.Store(true)
			h.Until("it is waited for", func() bool { return len(lwkt.Turnstiles()) == 1 })
			mu.Lock(td)
			mu.Unlock(td)
			mu.Unlock(td)
		})
		h.Go("waiter", func(td *lwkt.Thread) {
			h.Until("it is held", held.Load)
			mu.Lock(td)
			mu.Unlock(td)
		})
		h.Wait()
		var busy, all uint64
		for _, p := range lwkt.LockProfile() {
			if p.Class == "mutex" && p.Name == "profiled" {
				busy += p.Busy
				all += p.Wait.Count
				if p.Hold.Count == 0 || !strings.Contains(p.Site, "profile_test.go") {
					t.Errorf("%+v", p)
				}
			}
		}
		if busy != 1 || all < 3 {
			t.Errorf("%d of %d acquisitions were busy, want 1 of at least 3", busy, all)
		}
		var b bytes.Buffer
		if err := lwkt.ShowLockProfile(&b); err != nil || !strings.Contains(b.String(), `mutex "profiled", `) {
			t.Errorf("%v, shown as:\n%s", err, b.String())
		}
		lwkt.ResetStats()
		if n := len(lwkt.LockProfile()); n != 0 {
			t.Errorf("%d lines after ResetStats", n)
		}
		b.Reset()
		if err := lwkt.ShowLockProfile(&b); err != nil || !strings.HasPrefix(b.String(), "nothing was recorded") {
			t.Errorf("%v, shown as:\n%s", err, b.String())
		}
	})
}

// A lock that nobody else wants was told to have been busy each time that it was written.
func TestProfileOfIdleLocks(t *testing.T) {
	recording(t)
	var rm rmlock.Lock
	var rw lwkt.RWLock
	var sx lwkt.SX
	rm.Init("idle", 0)
	rw.Init("idle", 0)
	sx.Init("idle", 0)
	lwkt.Run("alone", func(td *lwkt.Thread) {
		for range 10 {
			rm.WLock(td)
			rm.WUnlock(td)
			rm.RLock(td)
			rm.RUnlock(td)
			rw.WLock(td)
			rw.WUnlock(td)
			sx.XLock(td)
			sx.XUnlock(td)
		}
		if n := td.Stats().Waits; n != 0 {
			t.Errorf("%d waits", n)
		}
	})
	lines := lwkt.LockProfile()
	if len(lines) != 4 {
		t.Errorf("%d lines", len(lines))
	}
	for _, p := range lines {
		if p.Wait.Count != 10 || p.Busy != 0 || p.Wait.Sum != 0 {
			t.Errorf("%s at %s: %d acquisitions, %d busy, waited %d", p.Class, p.Site, p.Wait.Count, p.Busy, p.Wait.Sum)
		}
	}
}
