package lwkt

// Tokens by key, for data that has none of its own or may be freed.

import (
	"hash/maphash"
	"sync"
)

// Pool guards things that have no token of their own, or that may be freed while
// others still wait for them: each key, as a rule an address, is guarded by one
// token of a fixed set, which lives as long as the pool. Two keys may share a token;
// since tokens are recursive and never deadlock, that costs concurrency and nothing
// else. Shared use is not offered: two keys of one token, one shared and one
// exclusive, would be an upgrade that nobody asked for.
//
// The zero Pool is ready for use. (lwkt_token_pool_lookup)
type Pool[K comparable] struct {
	_ noCopy

	once   sync.Once
	seed   maphash.Seed
	tokens *[poolSize]Token
}

const poolSize = 1024

// token returns the token of a key.
func (p *Pool[K]) token(key K) *Token {
	p.once.Do(func() {
		p.seed = maphash.MakeSeed()
		p.tokens = new([poolSize]Token)
	})
	return &p.tokens[maphash.Comparable(p.seed, key)%poolSize]
}

// Acquire takes the key's token exclusively, as Token.Acquire does.
func (p *Pool[K]) Acquire(td *Thread, key K) (changed bool) { return p.token(key).Acquire(td) }

// TryAcquire is Acquire if that need not wait.
func (p *Pool[K]) TryAcquire(td *Thread, key K) bool { return p.token(key).TryAcquire(td) }

// AcquireAll takes the tokens of several keys at once, as the function AcquireAll
// does.
func (p *Pool[K]) AcquireAll(td *Thread, keys ...K) (changed bool) {
	tokens := make([]*Token, len(keys))
	for i, k := range keys {
		tokens[i] = p.token(k)
	}
	return AcquireAll(td, tokens...)
}

// Release undoes one Acquire of the key. It panics if its token is not held.
func (p *Pool[K]) Release(td *Thread, key K) { p.token(key).Release(td) }

// Held says whether the thread holds the token of the key.
func (p *Pool[K]) Held(td *Thread, key K) bool { return p.token(key).Held(td) != None }
