package token

// Merging, with claims on both sides: they go on waiting in the order in which they
// came, and are granted one after the other.

import "testing"

type nobody struct{ permits int }

func (n *nobody) Unpark() { n.permits++ }

func TestMergeKeepsAge(t *testing.T) {
	for _, k := range []int{0, 1, DefaultBypass} {
		defer SetBypass(SetBypass(k))
		var a, b Token
		const boss = 9
		if !a.Take(Exclusive, boss) || !b.Take(Exclusive, boss) {
			t.Fatal("a free token is not to be had")
		}
		// Claims come to b, a, b in turn.
		var claims [3]Claim
		for i, tok := range []*Token{&b, &a, &b} {
			c := &claims[i]
			c.ID, c.Waker = uint32(i+1), new(nobody)
			c.Wants = append(c.Wants, Want{Tok: tok, Mode: Exclusive})
			if c.File() {
				t.Fatal("an owned token was granted")
			}
		}
		Merge(&a, &b, boss)
		if b.Root() != &a || b.Take(Exclusive, 8) || b.q != nil {
			t.Fatal("the merged token still lives on its own")
		}
		late := Claim{ID: 5, Waker: new(nobody), Wants: []Want{{Tok: &b, Mode: Exclusive}}}
		if late.File() || late.Wants[0].Tok != &a {
			t.Fatal("a claim on the merged token did not go to the other one")
		}
		a.Leave(Exclusive)
		for i, c := range []*Claim{&claims[0], &claims[1], &claims[2], &late} {
			if !c.Retry() {
				t.Fatalf("K=%d: claim %d is not next", k, i+1)
			}
			if owner := a.Word().Owner(); owner != c.ID {
				t.Fatalf("K=%d: the token belongs to %d, not to %d", k, owner, c.ID)
			}
			a.Leave(Exclusive)
		}
		if a.Word() != 0 || a.q != nil {
			t.Fatalf("K=%d: the token keeps %#x", k, a.Word())
		}
	}
}

// TestMergeCounts sees that a claim which was passed almost as often as it may be
// is not passed more often because it was refiled.
func TestMergeCounts(t *testing.T) {
	defer SetBypass(SetBypass(3))
	var a, b Token
	b.Take(Exclusive, 1)
	c := Claim{ID: 2, Waker: new(nobody), Wants: []Want{{Tok: &b, Mode: Exclusive}}}
	c.File()
	b.Leave(Exclusive) // c is called; three barges are left
	for range 2 {
		if !b.Take(Exclusive, 1) {
			t.Fatal("no barge was lent")
		}
		b.Leave(Exclusive)
	}
	a.Take(Exclusive, 9)
	if !b.Take(Exclusive, 9) {
		t.Fatal("the third barge was refused")
	}
	Merge(&a, &b, 9)
	a.Leave(Exclusive)
	if a.Take(Exclusive, 1) {
		t.Fatal("the claim was passed a fourth time")
	}
	if !c.Retry() {
		t.Fatal("the claim was not granted")
	}
	if c.Overtaken() != 3 {
		t.Errorf("it was overtaken %d times, want 3", c.Overtaken())
	}
	a.Leave(Exclusive)
}

func TestKnownForgets(t *testing.T) {
	named := new(Token)
	named.SetName("kept")
	found := false
	for _, k := range Known() {
		found = found || k == named
	}
	if !found || named.String() != `token "kept"` || named.Name() != "kept" {
		t.Errorf("a named token is not known: %v", named)
	}
}

func TestHistogram(t *testing.T) {
	var s Stats
	s.Gained(Holder{Thread: 1, Since: 10}, 0, false)
	s.Gained(Holder{Thread: 2, Since: 20}, 1000, false)
	s.Lost(1, 110)
	f, holders := s.Read()
	if f.Acquisitions != 2 || f.Collisions != 1 || f.Wait.Count != 1 || f.Wait.Buckets[10] != 1 || f.Hold.Sum != 100 || len(holders) != 1 {
		t.Errorf("figures %+v, holders %v", f, holders)
	}
	s.Reset()
	if f, holders = s.Read(); f.Acquisitions != 0 || len(holders) != 1 {
		t.Errorf("after Reset: figures %+v, holders %v", f, holders)
	}
}
