package cases

import (
	"sync"
	"testing"
)

// reversed takes two locks in both orders, through variables and closures that hide what they are.
func reversed(x, y sync.Locker) {
	apart(func() {
		x.Lock()
		y.Lock()
		y.Unlock()
		x.Unlock()
	}, func() {
		y.Lock()
		x.Lock()
		x.Unlock()
		y.Unlock()
	})
}

func first(l *sync.Mutex)  { second(l) }
func second(l *sync.Mutex) { l.Lock() }

type server struct {
	mu    sync.Mutex
	conns []*conn
	sync.RWMutex
}

type conn struct {
	mu  *sync.Mutex
	buf struct{ mu sync.Mutex }
	srv *server
}

var registry struct {
	sync.Mutex
	names []string
}

// Fields of structures.
//
// want: likely order server.mu -> conn.mu -> server.mu
func TestFields(t *testing.T) {
	s := new(server)
	c := &conn{mu: new(sync.Mutex), srv: s}
	apart(func() {
		c.srv.mu.Lock()
		c.mu.Lock()
		c.mu.Unlock()
		c.srv.mu.Unlock()
	}, func() {
		c.mu.Lock()
		s.mu.Lock()
		s.mu.Unlock()
		c.mu.Unlock()
	})
}

// An embedded lock, and one in a variable of a type without a name.
//
// want: likely order server.RWMutex -> registry.Mutex -> server.RWMutex
func TestEmbedded(t *testing.T) {
	s := new(server)
	apart(func() {
		s.Lock()
		registry.Lock()
		registry.Unlock()
		s.Unlock()
	}, func() {
		registry.Lock()
		s.RLock()
		s.RUnlock()
		registry.Unlock()
	})
}

// A field of a field without a type of its own, and a variable of the package.
//
// want: likely order conn.buf.mu -> global -> conn.buf.mu
func TestNestedField(t *testing.T) {
	c := new(conn)
	apart(func() {
		c.buf.mu.Lock()
		global.Lock()
		global.Unlock()
		c.buf.mu.Unlock()
	}, func() {
		global.Lock()
		c.buf.mu.Lock()
		c.buf.mu.Unlock()
		global.Unlock()
	})
}

// Locks that are handed in are called by what they are where they come from.
//
// want: likely order server.mu -> global -> server.mu
func TestHandedIn(t *testing.T) {
	s := new(server)
	apart(func() {
		first(&s.mu)
		first(&global)
		global.Unlock()
		s.mu.Unlock()
	}, func() {
		first(&global)
		first(&s.mu)
		s.mu.Unlock()
		global.Unlock()
	})
}

// The Locker of an interface.
//
// want: likely order
func TestLockers(t *testing.T) {
	var a, b sync.Mutex
	reversed(&a, &b)
}

// Generic code.
type cache[K comparable, V any] struct {
	mu sync.Mutex
	m  map[K]V
}

func (c *cache[K, V]) get(k K, miss func(K) V) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.m[k]; ok {
		return v
	}
	return miss(k)
}

// Two kinds of one generic type are one class.
//
// want: likely order cache.mu -> server.mu -> cache.mu
func TestGeneric(t *testing.T) {
	s := new(server)
	c := &cache[string, int]{}
	apart(func() {
		c.get("x", func(string) int {
			s.mu.Lock()
			defer s.mu.Unlock()
			return 1
		})
	}, func() {
		s.mu.Lock()
		c.get("x", func(string) int { return 2 })
		s.mu.Unlock()
	})
}

// Method values and deferred calls.
//
// want: likely order server.mu -> global -> server.mu
func TestMethodValues(t *testing.T) {
	s := new(server)
	s.mu.Lock()
	s.mu.Unlock() //lint:ignore SA2001 that names it
	lock, unlock := s.mu.Lock, s.mu.Unlock
	apart(func() {
		lock()
		defer unlock()
		global.Lock()
		defer global.Unlock()
	}, func() {
		global.Lock()
		lock()
		unlock()
		global.Unlock()
	})
}

// Locks in an array are one class, taken here in the order of their places.
func TestArray(t *testing.T) {
	var shards [8]sync.Mutex
	for range 2 {
		apart(func() {
			for i := range shards {
				shards[i].Lock()
			}
			for i := range shards {
				shards[i].Unlock()
			}
		})
	}
}
