package withc

import (
	"sync"
	"testing"
)

func TestBoth(t *testing.T) {
	var h heap
	var mu sync.Mutex
	done := make(chan bool)
	go func() {
		h.mu.Lock()
		mu.Lock()
		mu.Unlock()
		h.mu.Unlock()
		done <- true
	}()
	<-done
	go func() {
		mu.Lock()
		h.abs(1)
		mu.Unlock()
		done <- true
	}()
	<-done
}
