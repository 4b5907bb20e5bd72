package queue

import (
	"sync"
	"testing"
)

func TestQueue(t *testing.T) {
	q := New[int](2)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for i := range 100 {
				q.Put(i)
			}
		})
	}
	for range 300 {
		q.Get()
	}
	wg.Wait()
}

func TestFails(t *testing.T) {
	if testing.Verbose() { // only if it is asked to
		t.Error("failed as told")
	}
}
