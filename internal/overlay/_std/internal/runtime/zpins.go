// What the engine has to forget so that the garbage collector can tell which goroutines nobody can wake any more.
package engine

// Unpin drops the pointers to the locks that t holds: the lock that a goroutine holds may be all that leads to the channel that it
// waits for. t does not run. The engine does without them, except that it will not notice when one of these locks is gone.
func (t *Thread) Unpin() {
	for i := range t.holds[:t.n] {
		t.holds[i].tag = nil
	}
}
