// Hash tables. Go's maps tell the race detector of every use, whoever uses them, and so would
// look like races of a program in which the engine is hidden from it.
package engine

// key is what tables are by: an identity, a pair, or what else fits.
type key [2]uint64

// slot is one place of a table.
type slot[V any] struct {
	key  key
	full bool
	v    V
}

// table is a hash table with open addressing and linear probing. The zero value is empty.
type table[V any] struct {
	slots []slot[V] // a power of two
	n     int
}

//go:norace
func idKey(id ID) key { return key{uint64(id), 1} }

// textKey is the key of a string: a hash that nobody makes collide by chance.
//
//go:norace
func textKey(s string, salt uint64) key {
	k := key{0xcbf29ce484222325, 0x9ae16a3b2f90404f ^ salt}
	for i := 0; i < len(s); i++ {
		k[0] = (k[0] ^ uint64(s[i])) * 0x100000001b3
		k[1] = (k[1] + uint64(s[i])) * 0x9e3779b97f4a7c15
		k[1] ^= k[1] >> 29
	}
	return k
}

//go:norace
func (t *table[V]) home(k key) int {
	x := (k[0] ^ k[1]*0xbf58476d1ce4e5b9) * 0x9e3779b97f4a7c15
	return int(x>>32^x) & (len(t.slots) - 1)
}

// at gives the slot of a key, or -1.
//
//go:norace
func (t *table[V]) at(k key) int {
	if t.n == 0 {
		return -1
	}
	for i := t.home(k); t.slots[i].full; i = (i + 1) & (len(t.slots) - 1) {
		if t.slots[i].key == k {
			return i
		}
	}
	return -1
}

// get gives the value of a key, or the zero value.
//
//go:norace
func (t *table[V]) get(k key) (v V) {
	if i := t.at(k); i >= 0 {
		v = t.slots[i].v
	}
	return v
}

//go:norace
func (t *table[V]) has(k key) bool { return t.at(k) >= 0 }

// put sets the value of a key.
//
//go:norace
func (t *table[V]) put(k key, v V) {
	if i := t.at(k); i >= 0 {
		t.slots[i].v = v
		return
	}
	if 4*(t.n+1) > 3*len(t.slots) {
		t.resize(max(8, 2*len(t.slots)))
	}
	t.add(k, v)
}

//go:norace
func (t *table[V]) add(k key, v V) {
	i := t.home(k)
	for t.slots[i].full {
		i = (i + 1) & (len(t.slots) - 1)
	}
	t.slots[i] = slot[V]{k, true, v}
	t.n++
}

//go:norace
func (t *table[V]) resize(size int) {
	old := t.slots
	t.slots, t.n = make([]slot[V], size), 0
	for i := range old {
		if old[i].full {
			t.add(old[i].key, old[i].v)
		}
	}
}

// del removes a key, and moves what was pushed on by it back.
//
//go:norace
func (t *table[V]) del(k key) {
	i := t.at(k)
	if i < 0 {
		return
	}
	mask := len(t.slots) - 1
	for j := (i + 1) & mask; t.slots[j].full; j = (j + 1) & mask {
		if h := t.home(t.slots[j].key); (j-h)&mask >= (j-i)&mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = slot[V]{}
	t.n--
}

// pack makes a table smaller that has become nearly empty.
//
//go:norace
func (t *table[V]) pack() {
	size := len(t.slots)
	for size > 8 && 8*t.n < size {
		size /= 2
	}
	if size != len(t.slots) {
		t.resize(size)
	}
}

//go:norace
func (t *table[V]) reset() { t.slots, t.n = nil, 0 }

// copied adds a list to another one. append and copy would do, but of what holds pointers they tell the race detector.
//
//go:norace
func copied[T any](to, list []T) []T {
	for i := 0; i < len(list); i++ {
		to = append(to, list[i])
	}
	return to
}
