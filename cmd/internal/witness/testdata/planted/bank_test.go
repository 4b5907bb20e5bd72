package bank

import (
	"runtime"
	"testing"
)

func TestAudit(t *testing.T) {
	b := new(Bank)
	done := make(chan bool)
	go func() {
		b.Deposit(1)
		done <- true
	}()
	<-done
	go func() {
		b.Audit()
		done <- true
	}()
	<-done
}

func TestTell(t *testing.T) {
	b := &Bank{events: make(chan string)}
	go b.Tell("first")
	if got := <-b.events; got != "first" {
		t.Error("told", got)
	}
	go b.Tell("second")
	for b.account.mu.TryLock() {
		b.account.mu.Unlock()
		runtime.Gosched()
	}
}
