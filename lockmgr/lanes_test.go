package lockmgr_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/explore"
	"github.com/serializing-tokens/lwkt/lockmgr"
	"github.com/serializing-tokens/lwkt/sim"
)

// TestLanes: a picture of a run shows until when a thread has the lock, through changes of mode, and names these.
func TestLanes(t *testing.T) {
	for name, c := range map[string]struct {
		f    func(m *sim.Machine, td *lwkt.Thread, lk *lockmgr.Lock)
		want string // how the thread stands beside the steps of another one
		verb string
	}{
		"Upgrade": {func(m *sim.Machine, td *lwkt.Thread, lk *lockmgr.Lock) {
			lk.SLock(td)
			lk.Upgrade(td)
			lk.Unlock(td)
			m.Yield(td)
		}, "##|", "upgrade"},
		"TryUpgrade": {func(m *sim.Machine, td *lwkt.Thread, lk *lockmgr.Lock) {
			lk.SLock(td)
			lk.TryUpgrade(td)
			lk.Unlock(td)
			m.Yield(td)
		}, "##|", "try upgrade"},
		"Downgrade": {func(m *sim.Machine, td *lwkt.Thread, lk *lockmgr.Lock) {
			lk.XLock(td)
			lk.Downgrade(td)
			lk.Unlock(td)
			m.Yield(td)
		}, "##|", "downgrade"},
		"Disown": {func(m *sim.Machine, td *lwkt.Thread, lk *lockmgr.Lock) {
			lk.XLock(td)
			lk.Disown(td)
			lk.Unlock(td)
			m.Yield(td)
		}, "#||", "disown"},
	} {
		f, err := explore.Picture(func(m *sim.Machine) {
			var lk lockmgr.Lock
			lk.Init("l", 0)
			m.Go("a", func(td *lwkt.Thread) { c.f(m, td, &lk) })
			m.Go("b", func(td *lwkt.Thread) {
				for range 4 {
					m.Yield(td)
				}
			})
		}, "x1:00000000:0>0,1>1,2>0,3>1,4>0,5>1,6>0")
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, m := range regexp.MustCompile(`(?m)^ *[0-9]+  ([#:| ]) .*yield`).FindAllStringSubmatch(f.Lanes, -1) {
			got += m[1]
		}
		if strings.TrimRight(got, " ") != c.want || !strings.Contains(f.Lanes, "  "+c.verb+" l ") {
			t.Errorf("%s: %q, want %q:\n%s", name, got, c.want, f.Lanes)
		}
	}
}
