package cases

import (
	"sync"
	"testing"
)

// A mutex that is not locked is unlocked: Go ends the program, and the report is there all the same.
//
// want: certain not-held mu
func TestUnlockUnlocked(t *testing.T) {
	var mu sync.Mutex
	mu.Lock()
	mu.Unlock()
	mu.Unlock()
}

// A reader's release of a lock that nobody reads.
//
// want: certain not-held rw
func TestRUnlockUnlocked(t *testing.T) {
	var rw sync.RWMutex
	rw.RLock()
	rw.RUnlock()
	rw.RUnlock()
}

// A writer's release of a lock that is only read.
//
// want: certain not-held rw
func TestUnlockOfReader(t *testing.T) {
	var rw sync.RWMutex
	rw.RLock()
	rw.Unlock()
}
