package bank

import "testing"

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
	go b.Tell("second")
	if got := <-b.events; got == "" {
		t.Error("nothing told")
	}
}
