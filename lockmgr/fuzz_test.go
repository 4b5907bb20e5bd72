// Strings of operations of three threads that never wait, compared after each with a
// sequential model.
package lockmgr_test

import (
	"slices"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/lockmgr"
)

// model is a lock as one thread after the other sees it.
type model struct {
	shares [3]int // by thread
	owner  int    // thread, or noOwner, or disowned
	depth  int
}

const (
	noOwner  = -1
	disowned = -2
)

func (m *model) others(i int) (n int) {
	for j, k := range m.shares {
		if j != i {
			n += k
		}
	}
	return n
}

// do is what an operation does: an outcome, and the next state.
func (m *model) do(i int, f lockmgr.Flags) string {
	mine, others := m.shares[i], m.others(i)
	own := m.owner == i
	busy := "timeout"
	if f&lockmgr.NoWait != 0 {
		busy = "busy"
	}
	switch f & 0xff {
	case lockmgr.Shared:
		switch {
		case own:
			return "deadlock"
		case m.owner != noOwner:
			return busy
		}
		m.shares[i]++
	case lockmgr.Exclusive:
		switch {
		case own && f&lockmgr.CanRecurse != 0:
			m.depth++
		case (own || mine > 0) && f&lockmgr.NoWait != 0:
			return busy
		case own || mine > 0:
			return "panic"
		case m.owner != noOwner || others > 0:
			return busy
		default:
			m.owner, m.depth = i, 1
		}
	case lockmgr.Drain:
		switch {
		case own || mine > 0:
			return "panic"
		case m.owner != noOwner || others > 0:
			return "busy"
		}
		m.owner, m.depth = i, 1
	case lockmgr.Upgrade, lockmgr.ExclUpgrade:
		switch {
		case mine != 1:
			return "panic"
		case others > 0:
			m.shares[i] = 0
			return busy
		}
		m.shares[i], m.owner, m.depth = 0, i, 1
	case lockmgr.TryUpgrade:
		switch {
		case mine == 0:
			return "panic"
		case others > 0 || mine > 1:
			return "busy"
		}
		m.shares[i], m.owner, m.depth = 0, i, 1
	case lockmgr.Downgrade:
		if !own || m.depth > 1 {
			return "panic"
		}
		m.owner, m.depth, m.shares[i] = noOwner, 0, 1
	case lockmgr.Release:
		switch {
		case own && m.depth > 1:
			m.depth--
		case own, m.owner == disowned && mine == 0:
			m.owner, m.depth = noOwner, 0
		case mine > 0:
			m.shares[i]--
		default:
			return "panic"
		}
	case disown:
		if !own || m.depth > 1 {
			return "panic"
		}
		m.owner = disowned
	default:
		return "panic"
	}
	return "ok"
}

func (m *model) status(i int) lockmgr.Flags {
	switch {
	case m.owner == i:
		return lockmgr.Exclusive
	case m.owner != noOwner:
		return lockmgr.ExclOther
	case m.shares[i] > 0 || m.others(i) > 0:
		return lockmgr.Shared
	}
	return 0
}

// What is no operation of Do, in strings and tables.
const (
	disown  = lockmgr.Release | lockmgr.Exclusive
	destroy = lockmgr.Release | lockmgr.Shared
)

// alphabet is what the middle byte of each three stands for.
var alphabet = [...]lockmgr.Flags{0, lockmgr.Shared, lockmgr.Exclusive, lockmgr.Upgrade, lockmgr.TryUpgrade, lockmgr.ExclUpgrade,
	lockmgr.Downgrade, lockmgr.Release, lockmgr.Drain, disown, lockmgr.Shared | lockmgr.Exclusive}

func FuzzLockmgr(f *testing.F) {
	op := func(thread int, f lockmgr.Flags) []byte {
		return []byte{byte(thread), byte(slices.Index(alphabet[:], f&0xff)), byte(f >> 8)}
	}
	seed := func(parts ...[]byte) {
		var s []byte
		for _, p := range parts {
			s = append(s, p...)
		}
		f.Add(s)
	}
	seed()
	seed(op(0, lockmgr.Shared), op(1, lockmgr.Shared), op(0, lockmgr.Upgrade), op(1, lockmgr.ExclUpgrade), op(1, lockmgr.Release))
	seed(op(0, lockmgr.Exclusive), op(0, lockmgr.Exclusive|lockmgr.CanRecurse), op(0, lockmgr.Shared), op(1, lockmgr.Shared|lockmgr.NoWait))
	seed(op(0, lockmgr.Exclusive), op(0, disown), op(1, lockmgr.Release), op(1, lockmgr.Release), op(2, lockmgr.Drain))
	seed(op(0, lockmgr.Shared), op(0, lockmgr.Shared), op(0, lockmgr.TryUpgrade), op(0, lockmgr.Release), op(0, lockmgr.TryUpgrade), op(0, lockmgr.Downgrade), op(0, lockmgr.Downgrade))
	f.Fuzz(func(t *testing.T, s []byte) {
		var tds [3]*lwkt.Thread
		for i := range tds {
			tds[i] = lwkt.NewThread("player")
			defer tds[i].End()
		}
		var lk lockmgr.Lock
		m := model{owner: noOwner}
		now := lockmgr.Timeout(-1)
		step := func(i int, f lockmgr.Flags) {
			if f&0xff == lockmgr.Drain {
				f |= lockmgr.NoWait // it would wait, whatever the timeout
			}
			got := outcome(t, func() error {
				if f&0xff == disown {
					lk.Disown(tds[i])
					return nil
				}
				_, err := lk.Do(tds[i], f, now)
				return err
			})
			if want := m.do(i, f); got != want {
				t.Fatalf("%v by %d: %s, want %s", f, i, got, want)
			}
			for i := range tds {
				if got, want := lk.Status(tds[i]), m.status(i); got != want {
					t.Fatalf("after %v: the status of %d is %v, want %v", f, i, got, want)
				}
			}
		}
		for ; len(s) >= 3; s = s[3:] {
			step(int(s[0])%len(tds), alphabet[int(s[1])%len(alphabet)]|lockmgr.Flags(s[2]%8)<<8)
		}
		for i := range tds {
			for m.owner == i || m.shares[i] > 0 {
				step(i, lockmgr.Release)
			}
		}
		if m.owner == disowned {
			step(0, lockmgr.Release)
		}
		lk.Destroy(tds[0])
	})
}
