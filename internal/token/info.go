package token

// What people are told about tokens: names, and who waits. The list of tokens that
// have a name does not keep them alive.

import (
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"
	"weak"

	"github.com/serializing-tokens/lwkt/internal/overlay/engine"
)

// Info is what people are told about a token: its name, and while statistics are
// on, its figures. Most tokens have none.
type Info struct {
	name  atomic.Pointer[string]
	Tag   engine.Tag // for the witness
	Stats Stats
}

// Registry lists things without keeping them alive.
type Registry[T any] struct {
	mu    sync.Mutex
	list  []weak.Pointer[T] // (mu)
	limit int               // (mu) length at which the dead ones are dropped
}

// Add lists x.
func (r *Registry[T]) Add(x *T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) >= r.limit {
		r.sweep()
		r.limit = max(64, 2*len(r.list))
	}
	r.list = append(r.list, weak.Make(x))
}

// Living returns those that are not dead.
func (r *Registry[T]) Living() (xs []*T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep()
	for _, w := range r.list {
		if x := w.Value(); x != nil {
			xs = append(xs, x)
		}
	}
	return xs
}

func (r *Registry[T]) sweep() {
	live := r.list[:0]
	for _, w := range r.list {
		if w.Value() != nil {
			live = append(live, w)
		}
	}
	clear(r.list[len(live):])
	r.list = live
}

// known lists the tokens that have an Info.
var known Registry[Token]

// Describe returns the token's Info, made now if there is none.
func (t *Token) Describe() *Info {
	if i := t.info.Load(); i != nil {
		return i
	}
	if t.info.CompareAndSwap(nil, new(Info)) {
		known.Add(t)
	} // else another thread has made it
	return t.info.Load()
}

// Info returns the token's Info, or nil if it has none.
func (t *Token) Info() *Info { return t.info.Load() }

// Known returns the living tokens that have an Info.
func Known() []*Token { return known.Living() }

// SetName names the token.
func (t *Token) SetName(name string) { t.Describe().name.Store(&name) }

// Name is what SetName said last, or "".
func (t *Token) Name() string {
	if i := t.info.Load(); i != nil {
		if n := i.name.Load(); n != nil {
			return *n
		}
	}
	return ""
}

// String names the token for a message: by its name, else by its address.
func (t *Token) String() string {
	if n := t.Name(); n != "" {
		return fmt.Sprintf("token %q", n)
	}
	return fmt.Sprintf("token %#x", uintptr(unsafe.Pointer(t)))
}

// Waiters returns who waits for the token and what each wants of it, by age.
func (t *Token) Waiters() (ws []Waiter) {
	book.lock.Lock()
	defer book.lock.Unlock()
	if t.q != nil {
		for _, w := range t.q.claims {
			ws = append(ws, Waiter{Thread: w.claim.ID, Mode: w.Mode, Hard: w.claim.hard})
		}
	}
	return ws
}

// Waiter is one who waits for a token.
type Waiter struct {
	Thread uint32
	Mode   Mode
	Hard   bool // the token is reserved for it
}
