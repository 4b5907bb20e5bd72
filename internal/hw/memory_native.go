//go:build !lwkt_words

package hw

// What explorations of words want to be told (memory_points.go): nothing.

// Framed says whether frame pointers are known.
const Framed = false

// Memory is what a thread had read at some time.
type Memory struct{}

// Recall returns what the thread has read so far.
func Recall() Memory { return Memory{} }

// Forget says that what the thread has read since is of no consequence any more.
func (Memory) Forget(...uint64) {}

// With is m and the values named.
func (m Memory) With(...uint64) Memory { return m }
