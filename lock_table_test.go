// Mtx, RWLock and SX as one thing, for tests that are the same for all of them; and the
// table of state and operation in their doc comments, walked.
package lwkt_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/serializing-tokens/lwkt"
)

// lockable is what Mtx, RWLock and SX have in common. A Mtx has no shared half.
type lockable interface {
	Init(name string, o lwkt.Options)
	Destroy(td *lwkt.Thread)
	Held(td *lwkt.Thread) lwkt.Mode
	String() string
	lock(td *lwkt.Thread, m lwkt.Mode) (changed bool)
	lockContext(ctx context.Context, td *lwkt.Thread, m lwkt.Mode) (changed bool, err error)
	try(td *lwkt.Thread, m lwkt.Mode) bool
	unlock(td *lwkt.Thread, m lwkt.Mode)
	upgrade(td *lwkt.Thread) bool
	downgrade(td *lwkt.Thread)
	waiters() int
}

type mtx struct{ lwkt.Mtx }

func (l *mtx) waiters() int { return lwkt.LockWaitersOf(&l.Mtx) }

func (l *mtx) lock(td *lwkt.Thread, _ lwkt.Mode) bool { return l.Lock(td) }
func (l *mtx) lockContext(ctx context.Context, td *lwkt.Thread, _ lwkt.Mode) (bool, error) {
	return l.LockContext(ctx, td)
}
func (l *mtx) try(td *lwkt.Thread, _ lwkt.Mode) bool { return l.TryLock(td) }
func (l *mtx) unlock(td *lwkt.Thread, _ lwkt.Mode)   { l.Unlock(td) }
func (l *mtx) upgrade(*lwkt.Thread) bool             { panic("a mutex has no upgrade") }
func (l *mtx) downgrade(*lwkt.Thread)                { panic("a mutex has no downgrade") }

type rw struct{ lwkt.RWLock }

func (l *rw) waiters() int { return lwkt.LockWaitersOf(&l.RWLock) }

func (l *rw) lock(td *lwkt.Thread, m lwkt.Mode) bool {
	if m == lwkt.Shared {
		return l.RLock(td)
	}
	return l.WLock(td)
}

func (l *rw) lockContext(ctx context.Context, td *lwkt.Thread, m lwkt.Mode) (bool, error) {
	if m == lwkt.Shared {
		return l.RLockContext(ctx, td)
	}
	return l.WLockContext(ctx, td)
}

func (l *rw) try(td *lwkt.Thread, m lwkt.Mode) bool {
	if m == lwkt.Shared {
		return l.TryRLock(td)
	}
	return l.TryWLock(td)
}

func (l *rw) unlock(td *lwkt.Thread, m lwkt.Mode) {
	if m == lwkt.Shared {
		l.RUnlock(td)
	} else {
		l.WUnlock(td)
	}
}
func (l *rw) upgrade(td *lwkt.Thread) bool { return l.TryUpgrade(td) }
func (l *rw) downgrade(td *lwkt.Thread)    { l.Downgrade(td) }

type sx struct{ lwkt.SX }

func (l *sx) waiters() int { return lwkt.LockWaitersOf(&l.SX) }

func (l *sx) lock(td *lwkt.Thread, m lwkt.Mode) bool {
	if m == lwkt.Shared {
		return l.SLock(td)
	}
	return l.XLock(td)
}

func (l *sx) lockContext(ctx context.Context, td *lwkt.Thread, m lwkt.Mode) (bool, error) {
	if m == lwkt.Shared {
		return l.SLockContext(ctx, td)
	}
	return l.XLockContext(ctx, td)
}

func (l *sx) try(td *lwkt.Thread, m lwkt.Mode) bool {
	if m == lwkt.Shared {
		return l.TrySLock(td)
	}
	return l.TryXLock(td)
}

func (l *sx) unlock(td *lwkt.Thread, m lwkt.Mode) {
	if m == lwkt.Shared {
		l.SUnlock(td)
	} else {
		l.XUnlock(td)
	}
}
func (l *sx) upgrade(td *lwkt.Thread) bool { return l.TryUpgrade(td) }
func (l *sx) downgrade(td *lwkt.Thread)    { l.Downgrade(td) }

// family is one of the types.
type family struct {
	name   string
	make   func() lockable
	shared bool // it has a shared half
	own    bool // its owner may destroy it
	sleeps bool // it may be held across sleep
}

var families = []family{
	{"Mtx", func() lockable { return new(mtx) }, false, true, false},
	{"RWLock", func() lockable { return new(rw) }, true, false, false},
	{"SX", func() lockable { return new(sx) }, true, false, true},
}

// onLocks runs a body as a subtest for each family on every host.
func onLocks(t *testing.T, body func(t *testing.T, f family, h host)) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			onHosts(t, func(t *testing.T, h host) { body(t, f, h) })
		})
	}
}

// lockOp is an operation on a lock by name. One that would wait says so.
func lockOp(l lockable, td *lwkt.Thread, op string) (did string) {
	yes := func(ok bool) string {
		if ok {
			return "ok"
		}
		return "fails"
	}
	defer func() {
		switch v := recover().(type) {
		case nil:
		case *lwkt.Misuse:
			did = "panics"
			if v.Op == "" || v.Lock != l.String() || v.Thread != td.String() || v.Why == "" || v.Where == "" {
				did = "panics and does not say enough: " + v.Error()
			}
		default:
			panic(v)
		}
	}()
	m := lwkt.Shared
	if op[0] == 'x' {
		m = lwkt.Exclusive
	}
	switch op {
	case "s", "x":
		if _, err := l.lockContext(canceled(), td, m); err != nil {
			return "waits"
		}
	case "s plain", "x plain":
		l.lock(td, m)
	case "s try", "x try":
		return yes(l.try(td, m))
	case "s unlock", "x unlock":
		l.unlock(td, m)
	case "upgrade":
		return yes(l.upgrade(td))
	case "downgrade":
		l.downgrade(td)
	case "destroy":
		l.Destroy(td)
	}
	return "ok"
}

// has says how a thread has a lock, and how many times, and leaves it free of the thread.
func has(l lockable, td *lwkt.Thread) string {
	m := l.Held(td)
	if m == lwkt.None {
		return "-"
	}
	n := 0
	for ; l.Held(td) != lwkt.None; n++ {
		l.unlock(td, m)
	}
	return fmt.Sprintf("%.1s%d", m, n)
}

// The states of the table, for a thread; and what the thread and another one do to be in them.
var lockStates = []struct {
	name, own, other string
}{
	{"free", "", ""}, {"others share it", "", "s"}, {"a share too", "s", "s"}, {"its share", "s", ""}, {"its two shares", "ss", ""},
	{"its own", "x", ""}, {"its own twice", "xx", ""}, {"another's", "", "x"}, {"destroyed", "d", ""},
}

// lockTable is what comes of the operations in the states of lockStates, and what the thread
// has afterwards. Where there are two, the second is for a lock that recurses.
var lockTable = map[string][]string{
	"s":         {"ok s1", "ok s1", "ok s2", "ok s2", "ok s3", "panics e1", "panics e2", "waits -", "panics"},
	"s plain":   {"ok s1", "ok s1", "ok s2", "ok s2", "ok s3", "panics e1", "panics e2", "", "panics"},
	"s try":     {"ok s1", "ok s1", "ok s2", "ok s2", "ok s3", "fails e1", "fails e2", "fails -", "panics"},
	"s unlock":  {"panics -", "panics -", "ok -", "ok -", "ok s1", "panics e1", "panics e2", "panics -", "panics"},
	"x":         {"ok e1", "waits -", "panics s1", "panics s1", "panics s2", "panics e1|ok e2", "ok e3", "waits -", "panics"},
	"x plain":   {"ok e1", "", "panics s1", "panics s1", "panics s2", "panics e1|ok e2", "ok e3", "", "panics"},
	"x try":     {"ok e1", "fails -", "fails s1", "fails s1", "fails s2", "fails e1|ok e2", "ok e3", "fails -", "panics"},
	"x unlock":  {"panics -", "panics -", "panics s1", "panics s1", "panics s2", "ok -", "ok e1", "panics -", "panics"},
	"upgrade":   {"panics -", "panics -", "fails s1", "ok e1", "fails s2", "panics e1", "panics e2", "panics -", "panics"},
	"downgrade": {"panics -", "panics -", "panics s1", "panics s1", "panics s2", "ok s1", "panics e2", "panics -", "panics"},
	"destroy":   {"ok", "panics -", "panics s1", "panics s1", "panics s2", "panics e1", "panics e2", "panics -", "panics"},
}

// cell is one cell of the table for one lock.
type cell struct {
	l               lockable
	op, own, other  string
	recurse         bool
	want            string
	name            string
	entered, walked atomic.Bool // the other thread is in, the walker is done
}

// cells are all cells for a family.
func cells(f family) (all []*cell) {
	for op, row := range lockTable {
		for i, s := range lockStates {
			for _, recurse := range []bool{false, true} {
				first, second, two := strings.Cut(row[i], "|")
				c := &cell{l: f.make(), op: op, own: s.own, other: s.other, recurse: recurse, want: first, name: op + " when " + s.name}
				if two && recurse {
					c.want = second
				}
				if f.own && op == "destroy" && s.name == "its own" {
					c.want = "ok"
				}
				switch {
				case c.want == "", s.own == "xx" && !recurse: // it cannot be in that state
				case !f.shared && (op[0] == 's' || op == "upgrade" || op == "downgrade" || strings.Contains(s.own+s.other, "s")):
				default:
					all = append(all, c)
				}
			}
		}
	}
	return all
}

func TestLockTable(t *testing.T) {
	onLocks(t, func(t *testing.T, f family, h host) {
		all := cells(f)
		if len(all) < 30 {
			t.Fatalf("%d cells", len(all))
		}
		for _, c := range all {
			if c.recurse {
				c.l.Init("recursive", lwkt.Recurse)
			}
		}
		h.Go("walker", func(td *lwkt.Thread) {
			for _, c := range all {
				for _, k := range c.own {
					if k == 'd' {
						c.l.Destroy(td)
					} else {
						lockOp(c.l, td, string(k))
					}
				}
				h.Until("the other is in the state", c.entered.Load)
				got := lockOp(c.l, td, c.op)
				if strings.Contains(c.want, " ") {
					got += " " + has(c.l, td)
				}
				if got != c.want {
					t.Errorf("%s (recurse %v): %s, want %s", c.name, c.recurse, got, c.want)
				}
				c.walked.Store(true)
			}
		})
		h.Go("other", func(td *lwkt.Thread) {
			for _, c := range all {
				if c.other != "" {
					c.l.lock(td, map[string]lwkt.Mode{"s": lwkt.Shared, "x": lwkt.Exclusive}[c.other])
				}
				c.entered.Store(true)
				h.Until("the walker is done", c.walked.Load)
				if c.other != "" {
					c.l.unlock(td, c.l.Held(td))
				}
				if c.op != "destroy" && c.own != "d" {
					c.l.Destroy(td) // nobody has it, or waits
				}
			}
		})
	})
}
