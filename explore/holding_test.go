package explore

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/sim"
)

// marks runs f, as thread a, in turns with a thread b that only yields, and returns how a stands in
// its lane beside each step of b.
func marks(t *testing.T, f func(m *sim.Machine, td *lwkt.Thread)) (marks, lanes string) {
	t.Helper()
	turns := make([]string, 40)
	for i := range turns {
		turns[i] = fmt.Sprintf("%d>%d", i, i%2)
	}
	r, err := Picture(func(m *sim.Machine) {
		m.Go("a", func(td *lwkt.Thread) { f(m, td) })
		m.Go("b", func(td *lwkt.Thread) {
			for range 16 {
				m.Yield(td)
			}
		})
	}, "x1:00000000:"+strings.Join(turns, ","))
	if err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
	for _, m := range regexp.MustCompile(`(?m)^ *[0-9]+  ([#:| ]) +yield$`).FindAllStringSubmatch(r.Lanes, -1) {
		marks += m[1]
	}
	return marks, r.Lanes
}

// TestHoldingEnds: a lane shows that its thread holds a lock as long as it does, whatever changes of
// mode, recursions and failures there are in between.
func TestHoldingEnds(t *testing.T) {
	var sx lwkt.SX
	var mtx lwkt.Mtx
	for name, c := range map[string]struct {
		f    func(m *sim.Machine, td *lwkt.Thread)
		want string
	}{
		"TryUpgrade": {func(m *sim.Machine, td *lwkt.Thread) {
			sx.SLock(td)
			sx.TryUpgrade(td)
			sx.XUnlock(td)
			m.Yield(td)
		}, "##|"},
		"TryUpgrade in vain": {func(m *sim.Machine, td *lwkt.Thread) {
			sx.SLock(td)
			sx.SLock(td)
			sx.TryUpgrade(td)
			sx.SUnlock(td)
			sx.SUnlock(td)
			m.Yield(td)
		}, "####|"},
		"Downgrade": {func(m *sim.Machine, td *lwkt.Thread) {
			sx.XLock(td)
			sx.Downgrade(td)
			m.Yield(td)
			sx.SUnlock(td)
			m.Yield(td)
		}, "###|"},
		"recursion": {func(m *sim.Machine, td *lwkt.Thread) {
			mtx.Init("", lwkt.Recurse)
			mtx.Lock(td)
			mtx.Lock(td)
			m.Yield(td)
			mtx.Unlock(td)
			m.Yield(td)
			mtx.Unlock(td)
			m.Yield(td)
		}, "|###|"},
		"an interlock": {func(m *sim.Machine, td *lwkt.Thread) {
			mtx.Lock(td)
			td.SleepOn(&mtx, &mtx, lwkt.SleepOptions{Timeout: 1})
			mtx.Unlock(td)
			m.Yield(td)
		}, "#" + strings.Repeat(":", 15)},
	} {
		sx, mtx = lwkt.SX{}, lwkt.Mtx{}
		if got, lanes := marks(t, c.f); strings.TrimRight(got, " ") != c.want {
			t.Errorf("%s: %q, want %q:\n%s", name, got, c.want, lanes)
		}
	}
}
