// Pool tokens: exclusion by key, several keys at once, keys of any comparable
// type, and a token that outlives what it guards.
package lwkt_test

import (
	"testing"

	"github.com/serializing-tokens/lwkt"
)

func TestPoolExclusion(t *testing.T) {
	processors(t, 4)
	var pool lwkt.Pool[string]
	counts := map[string]*int{"a": new(int), "b": new(int), "c": new(int)}
	n := scale(8000)
	var tasks []*lwkt.Task
	for i := range 4 {
		tasks = append(tasks, lwkt.Go("adder", func(td *lwkt.Thread) {
			for j := range n {
				key := string("abc"[(i+j)%3])
				if j%5 == 0 { // both at once
					pool.AcquireAll(td, key, "a")
					*counts["a"]++
					pool.Release(td, "a")
				} else {
					pool.Acquire(td, key)
				}
				*counts[key]++
				pool.Release(td, key)
			}
		}))
	}
	for _, k := range tasks {
		join(t, k)
	}
	if sum, want := *counts["a"]+*counts["b"]+*counts["c"], 4*(n+(n+4)/5); sum != want {
		t.Errorf("sum %d, want %d", sum, want)
	}
}

func TestPoolKeys(t *testing.T) {
	td := lwkt.NewThread("culprit")
	defer td.End()
	type key struct {
		file string
		line int
	}
	var keys lwkt.Pool[key]
	var anys lwkt.Pool[any]
	k, same := key{"a", 1}, key{"a", 1}
	keys.Acquire(td, k)
	anys.Acquire(td, k)
	if !keys.Held(td, same) || !anys.Held(td, same) {
		t.Error("equal keys have different tokens")
	}
	join(t, lwkt.Go("other", func(td *lwkt.Thread) {
		if keys.TryAcquire(td, same) || keys.Held(td, same) {
			t.Error("two threads have one key")
		}
	}))
	if !keys.TryAcquire(td, same) {
		t.Error("no recursion")
	}
	keys.Release(td, same)
	keys.Release(td, k)
	anys.Release(td, same)
	if keys.Held(td, k) || anys.Held(td, k) {
		t.Error("still held")
	}
	says(t, misuse(t, "Release", func() { keys.Release(td, k) }).Error(), `"culprit"`)

	// Most keys do not share a token.
	keys.Acquire(td, k)
	apart := 0
	for i := range 100 {
		if !keys.Held(td, key{"b", i}) {
			apart++
		}
	}
	if apart < 90 {
		t.Errorf("%d of 100 other keys share a key's token", 100-apart)
	}
	// It is given up like any other.
	if !td.Block(func() {
		join(t, lwkt.Go("other", func(td *lwkt.Thread) { keys.Acquire(td, k); keys.Release(td, k) }))
	}) {
		t.Error("not changed")
	}
	keys.Release(td, k)
}
