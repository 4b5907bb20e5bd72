// Package lib has a lock and calls back with it held.
package lib

import "sync"

// A Store calls back.
type Store struct{ mu sync.Mutex }

// Each calls f with the store locked.
func (s *Store) Each(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}
