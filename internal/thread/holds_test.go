package thread

// The table of holds.go, walked: every stack of up to four references to one token,
// times acquire, share and release, against a stack of modes kept in plain sight.

import (
	"slices"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt/internal/token"
)

// stacks is every sequence of modes of up to n references.
func stacks(n int) (all [][]token.Mode) {
	all = [][]token.Mode{nil}
	for i := 0; i < len(all); i++ {
		if len(all[i]) < n {
			all = append(all,
				append(slices.Clone(all[i]), token.Shared),
				append(slices.Clone(all[i]), token.Exclusive))
		}
	}
	return all
}

// model is what a stack of modes means: exclusive if any reference is, else
// shared. A share taken by an owner stays one when it is the oldest that is left.
func model(refs []token.Mode) token.Mode {
	if len(refs) == 0 {
		return token.None
	}
	return slices.Max(refs)
}

func TestHoldsTable(t *testing.T) {
	check := func(h *Handle, tok *token.Token, refs []token.Mode) {
		t.Helper()
		m, w := model(refs), tok.Word()
		owned, shares := m == token.Exclusive, 0
		if m == token.Shared {
			shares = 1
		}
		if Held(h, tok) != m || (w.Owner() != 0) != owned || w.Shares() != shares || w.Claimed() {
			t.Errorf("references %v: held %v, word %#x", refs, Held(h, tok), uint64(w))
		}
		if r := h.rec; len(refs) > 0 {
			p := r.holds[r.find(tok)]
			oldest := slices.Index(refs, token.Exclusive)
			if oldest < 0 {
				oldest = len(refs)
			}
			if int(p.depth) != len(refs) || int(p.shares) != oldest {
				t.Errorf("references %v are kept as %+v", refs, p.refs)
			}
		} else if r.n != 0 {
			t.Error("a hold is left with no reference")
		}
	}
	for _, others := range []int{0, 1, 6} { // tokens held besides, so that holds are found, moved and grown
		for _, stack := range stacks(4) {
			var h Handle
			Start(&h, "table")
			tok, more := new(token.Token), make([]token.Token, others)
			for i := range more {
				Acquire(&h, &more[i])
			}
			for i, m := range stack {
				if changed := [...]func(*Handle, *token.Token) bool{token.Shared: AcquireShared, token.Exclusive: Acquire}[m](&h, tok); changed {
					t.Errorf("references %v: changed, with nobody else there", stack[:i+1])
				}
				if others == 0 {
					check(&h, tok, stack[:i+1])
				}
			}
			for i := len(stack); i > 0; i-- {
				Release(&h, tok)
				if others == 0 {
					check(&h, tok, stack[:i-1])
				} else if Held(&h, tok) != model(stack[:i-1]) {
					t.Errorf("references %v beside %d others: held %v", stack[:i-1], others, Held(&h, tok))
				}
			}
			for i := range more { // the oldest first: not the order of a stack
				Release(&h, &more[i])
			}
			if left := End(&h); left != "" || tok.Word() != 0 {
				t.Errorf("stack %v leaves %q, word %#x", stack, left, uint64(tok.Word()))
			}
		}
	}
}

// misuse calls f and returns the misuse that it panicked with.
func misuse(f func()) (m *Misuse) {
	defer func() { m, _ = recover().(*Misuse) }()
	f()
	return nil
}

func TestMisuseNames(t *testing.T) {
	var h, dead, zero Handle
	Start(&h, "worker")
	defer End(&h)
	Start(&dead, "gone")
	End(&dead)
	tok := new(token.Token)
	tok.SetName("inode")
	for _, v := range []struct {
		name string
		f    func()
		want []string
	}{
		{"nil", func() { Acquire(nil, tok) }, []string{"nil thread", `token "inode"`, "Acquire"}},
		{"zero", func() { AcquireShared(&zero, tok) }, []string{"zero Thread"}},
		{"ended", func() { Release(&dead, tok) }, []string{`thread "gone"`, "has ended", "Release"}},
		{"not held", func() { Release(&h, tok) }, []string{`thread "worker"`, `token "inode"`, "nobody holds it"}},
		{"left in Block", func() { Block(&h, "Block", func() { Acquire(&h, tok) }) }, []string{"Block", `token "inode"`, "acquired"}},
	} {
		m := misuse(v.f)
		if m == nil {
			t.Errorf("%s: no panic", v.name)
			continue
		}
		for _, want := range append(v.want, "holds_test.go:") {
			if !strings.Contains(m.Error(), want) {
				t.Errorf("%s: %q does not say %q", v.name, m, want)
			}
		}
	}
	if tok.Word() != 0 {
		t.Errorf("the token keeps %#x", uint64(tok.Word()))
	}
}

// TestBusy catches a second goroutine on the handle while a slow path is under
// way, in every build.
func TestBusy(t *testing.T) {
	var h Handle
	Start(&h, "shared by mistake")
	tok := new(token.Token)
	r := enter(&h, "Acquire", tok)
	for name, f := range map[string]func(){
		"Acquire": func() { Acquire(&h, tok) }, "Release": func() { Release(&h, tok) },
		"Block": func() { Block(&h, "Block", func() {}) }, "Mark": func() { MakeMark(&h) },
	} {
		if m := misuse(f); m == nil || !strings.Contains(m.Why, "goroutine") {
			t.Errorf("%s while the thread is busy: %v", name, m)
		}
	}
	r.leave()
	End(&h)
}

// TestRecordsArePooled sees a record come back, and its old handle stay dead.
func TestRecordsArePooled(t *testing.T) {
	var old, young Handle
	Start(&old, "old")
	r := old.rec
	End(&old)
	Start(&young, "young")
	defer End(&young)
	if young.rec != r {
		t.Skip("another test's thread took the record")
	}
	if misuse(func() { Acquire(&old, new(token.Token)) }) == nil {
		t.Error("the old handle still works")
	}
}
