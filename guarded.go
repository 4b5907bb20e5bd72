package lwkt

// A value together with the token that guards it, and references to it that go
// stale when the token changes hands.

import (
	"github.com/serializing-tokens/lwkt/internal/invariants"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// Guarded pairs a value with the token that guards it. The zero Guarded holds the
// zero value. The value is reached through a Ref, which in builds with the tag
// lwkt_invariants checks each access, and otherwise costs nothing.
type Guarded[T any] struct {
	Token
	value T
}

// NewGuarded returns a Guarded with a value and a name for messages.
func NewGuarded[T any](name string, value T) *Guarded[T] {
	g := &Guarded[T]{value: value}
	g.SetName(name)
	return g
}

// Ref returns a reference to the value for as long as td holds the token and the
// token does not change hands: after a block in which it did, the reference is
// stale, and what was read through it too.
func (g *Guarded[T]) Ref(td *Thread) Ref[T] {
	r := Ref[T]{g: g, td: td, mark: td.Mark()}
	if invariants.Enabled {
		r.check("Ref", Shared)
	}
	return r
}

// Ref is a reference to a guarded value, made by Guarded.Ref.
type Ref[T any] struct {
	g    *Guarded[T]
	td   *Thread
	mark Mark
}

// Read returns the value for reading. In builds with invariants it panics if the
// token is not held or the reference is stale.
func (r Ref[T]) Read() *T {
	if invariants.Enabled {
		r.check("Read", Shared)
	}
	return &r.g.value
}

// Write returns the value for writing: as Read, but the token must be held
// exclusively.
func (r Ref[T]) Write() *T {
	if invariants.Enabled {
		r.check("Write", Exclusive)
	}
	return &r.g.value
}

// Stale says, in every build, whether the token is not held any more or may have
// been held exclusively by another thread since the reference was made.
func (r Ref[T]) Stale() bool {
	return r.g.Held(r.td) == None || thread.ChangedSince(r.td.handle(), r.mark.m, &r.g.t)
}

func (r Ref[T]) check(op string, need Mode) {
	switch held := r.g.Held(r.td); {
	case held == None:
		thread.FailToken(r.td.handle(), op, &r.g.t, "guarded value used without its token")
	case held < need:
		thread.FailToken(r.td.handle(), op, &r.g.t, "guarded value written with its token held shared")
	case thread.ChangedSince(r.td.handle(), r.mark.m, &r.g.t):
		thread.FailToken(r.td.handle(), op, &r.g.t, "stale reference: the token changed hands while the thread was blocked; make a new one")
	}
}
