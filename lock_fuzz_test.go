// Strings of operations of three threads on a Mtx, RWLock or SX, none of which waits, compared
// after each with a sequential model.
package lwkt_test

import (
	"testing"

	"github.com/serializing-tokens/lwkt"
)

// lockModel is a lock as one thread after the other sees it.
type lockModel struct {
	recurse bool
	own     bool // its owner may destroy it
	dead    bool
	shares  [3]int // by thread
	depth   [3]int // by thread; of one at most
}

func (m *lockModel) others(i int) (shares, depth int) {
	for j := range m.shares {
		if j != i {
			shares += m.shares[j]
			depth += m.depth[j]
		}
	}
	return shares, depth
}

// do is what an operation by thread i does, as lockOp says it.
func (m *lockModel) do(i int, op string) string {
	shares, depth := m.others(i)
	mine, own := &m.shares[i], &m.depth[i]
	busy := map[string]string{"s": "waits", "x": "waits", "s try": "fails", "x try": "fails"}[op]
	wrong := "panics"
	if len(op) > 2 && op[2:] == "try" {
		wrong = "fails"
	}
	if m.dead && op != "init" {
		return "panics"
	}
	switch op {
	case "s", "s try":
		switch {
		case *own > 0:
			return wrong
		case depth > 0:
			return busy
		}
		*mine++
	case "x", "x try":
		switch {
		case *own > 0 && m.recurse:
			*own++
		case *own > 0 || *mine > 0:
			return wrong
		case shares > 0 || depth > 0:
			return busy
		default:
			*own = 1
		}
	case "s unlock":
		if *mine == 0 {
			return "panics"
		}
		*mine--
	case "x unlock":
		if *own == 0 {
			return "panics"
		}
		*own--
	case "upgrade":
		switch {
		case *mine == 0:
			return "panics"
		case *mine > 1 || shares > 0:
			return "fails"
		}
		*mine, *own = 0, 1
	case "downgrade":
		if *own != 1 {
			return "panics"
		}
		*mine, *own = 1, 0
	case "destroy":
		if shares+depth+*mine > 0 || *own > 1 || *own == 1 && !m.own {
			return "panics"
		}
		*own, m.dead = 0, true
	case "init":
		if !m.dead {
			return "panics"
		}
		m.dead = false
	}
	return "ok"
}

func (m *lockModel) held(i int) lwkt.Mode {
	switch {
	case m.depth[i] > 0:
		return lwkt.Exclusive
	case m.shares[i] > 0:
		return lwkt.Shared
	}
	return lwkt.None
}

// lockOps are the operations of a string: a byte is thread + 3*operation.
var lockOps = []string{"x", "x try", "x unlock", "destroy", "init", "s", "s try", "s unlock", "upgrade", "downgrade"}

// options are those of a fuzzed lock, by bits.
func (f family) options(bits int) (o lwkt.Options) {
	for i, flag := range []lwkt.Options{lwkt.Recurse, lwkt.WakeAll, lwkt.SharersFirst} {
		if bits>>i&1 == 1 && (f.shared || flag != lwkt.SharersFirst) {
			o |= flag
		}
	}
	return o
}

const ofMtx = 5 // of lockOps, those that a Mtx has

func FuzzLocks(f *testing.F) {
	b := func(kind byte, pairs ...int) []byte { // op, thread, op, thread ...
		s := []byte{kind}
		for i := 0; i < len(pairs); i += 2 {
			s = append(s, byte(pairs[i]*3+pairs[i+1]))
		}
		return s
	}
	for kind := range byte(24) {
		f.Add(b(kind))
		f.Add(b(kind, 0, 0, 1, 0, 0, 1, 1, 2, 2, 1, 2, 0, 2, 0, 3, 0, 4, 1))
		f.Add(b(kind, 3, 0, 0, 0, 4, 0, 4, 0, 0, 1, 3, 1, 4, 0))
		f.Add(b(kind, 5, 0, 5, 1, 8, 0, 7, 1, 8, 0, 5, 0, 9, 0, 6, 1, 0, 2))
		f.Add(b(kind, 5, 0, 5, 0, 8, 0, 7, 0, 8, 0, 0, 0, 9, 0, 2, 0, 9, 0, 3, 0))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		if len(s) == 0 {
			return
		}
		if len(s) > 500 {
			s = s[:500]
		}
		fam := families[int(s[0])%len(families)]
		o := fam.options(int(s[0]) / len(families))
		m := lockModel{own: fam.own, recurse: o&lwkt.Recurse != 0}
		l := fam.make()
		l.Init("fuzzed", o)
		var tds [3]*lwkt.Thread
		for i := range tds {
			tds[i] = lwkt.NewThread("player")
			defer tds[i].End()
		}
		step := func(i int, op string) {
			got := ""
			if op == "init" {
				if got = "ok"; panics(func() { l.Init("fuzzed", o) }) != nil {
					got = "panics"
				}
			} else {
				got = lockOp(l, tds[i], op)
			}
			if want := m.do(i, op); got != want {
				t.Fatalf("%s of the %s by %d: %s, want %s", op, fam.name, i, got, want)
			}
			for i := range tds {
				if got, want := l.Held(tds[i]), m.held(i); got != want {
					t.Fatalf("after %s: %d has it %v, want %v", op, i, got, want)
				}
			}
		}
		known := len(lockOps)
		if !fam.shared {
			known = ofMtx
		}
		for _, c := range s[1:] {
			step(int(c)%3, lockOps[int(c)/3%known])
		}
		for i := range tds {
			for m.depth[i] > 0 {
				step(i, "x unlock")
			}
			for m.shares[i] > 0 {
				step(i, "s unlock")
			}
			if n := tds[i].Stats().Drops; n != 0 {
				t.Errorf("%d tokens given up, and there are none", n)
			}
		}
		if !m.dead {
			step(0, "destroy") // nobody is left on its queue
		}
	})
}
