package app

import (
	"sync"
	"testing"

	"example.com/lib"
)

type view struct{ mu sync.Mutex }

func TestBoth(t *testing.T) {
	var s lib.Store
	var v view
	done := make(chan bool)
	go func() {
		s.Each(func() {
			v.mu.Lock()
			defer v.mu.Unlock()
		})
		done <- true
	}()
	<-done
	go func() {
		v.mu.Lock()
		s.Each(func() {})
		v.mu.Unlock()
		done <- true
	}()
	<-done
}
