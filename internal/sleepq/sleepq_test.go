package sleepq

// The queues from inside: order, donation of queues, and the races between a
// wakeup and the end of a wait.

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt/internal/hw"
	"github.com/serializing-tokens/lwkt/internal/thread"
)

// asleep waits until n threads sleep on key.
func asleep(t *testing.T, key any, n int) {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); len(Sleepers()[key]) != n; runtime.Gosched() {
		if time.Now().After(limit) {
			t.Fatalf("%d threads sleep on %v, want %d", len(Sleepers()[key]), key, n)
		}
	}
}

// start starts a thread that sleeps on key once and reports how that ended.
func start(name string, prio int, key any, done <-chan struct{}, deadline int64, ended chan<- string) {
	go func() {
		var h thread.Handle
		thread.Start(&h, name)
		defer thread.End(&h)
		h.SetPriority(prio)
		r := thread.Enter(&h, "Sleep")
		_, why := Sleep(r, "Sleep", key, How{Kind: "a key"}, Until{Done: done, Deadline: deadline})
		r.Leave()
		ended <- name + " " + [...]string{hw.Permit: "woken", hw.Done: "cancelled", hw.Deadline: "timed out"}[why]
	}()
}

// wakeup is Wakeup by a thread that needs no name.
func wakeup(key any, which Which) int {
	var h thread.Handle
	thread.Start(&h, "waker")
	defer thread.End(&h)
	r := thread.Enter(&h, "Wakeup")
	defer r.Leave()
	return Wakeup(r, "Wakeup", key, "a key", which, 0)
}

func TestOrder(t *testing.T) {
	ended := make(chan string)
	key := "order"
	for i, v := range []struct {
		name string
		prio int
	}{{"a", 5}, {"b", 9}, {"c", 5}, {"d", 9}} {
		start(v.name, v.prio, key, nil, 0, ended)
		asleep(t, key, i+1)
	}
	for _, want := range []string{"b woken", "d woken", "a woken", "c woken"} { // priority, then age
		if n := wakeup(key, One); n != 1 {
			t.Fatalf("Wakeup found %d", n)
		}
		if got := <-ended; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if n := wakeup(key, All); n != 0 {
		t.Errorf("Wakeup found %d on an empty queue", n)
	}
}

func TestQueuesAreGivenBack(t *testing.T) {
	ended := make(chan string)
	key := new(int)
	const n = 5
	for i := range n {
		start("s", i, key, nil, 0, ended)
	}
	asleep(t, key, n)
	c := lock(key)
	if q := c.Find(key); q.Len != n {
		t.Errorf("%d waiters, want %d", q.Len, n)
	}
	c.Unlock()
	if found := wakeup(key, All); found != n {
		t.Errorf("Wakeup found %d of %d", found, n)
	}
	for range n {
		<-ended
	}
	c.Lock()
	defer c.Unlock()
	if c.Find(key) != nil {
		t.Error("the queue outlives its sleepers (Q1)")
	}
}

func TestEnds(t *testing.T) {
	ended := make(chan string, 1)
	start("t", 0, "ends", nil, hw.Now()+1, ended)
	if got := <-ended; got != "t timed out" {
		t.Error(got)
	}
	done := make(chan struct{})
	start("c", 0, "ends", done, 0, ended)
	asleep(t, "ends", 1)
	close(done)
	if got := <-ended; got != "c cancelled" {
		t.Error(got)
	}
	if len(Sleepers()["ends"]) != 0 {
		t.Error("a sleeper is left")
	}
}

// TestRaces lets wakeups run into timeouts and cancels: each wakeup that found a
// sleeper woke exactly one.
func TestRaces(t *testing.T) {
	const rounds = 2000
	key := "races"
	var woken, found int
	var wg sync.WaitGroup
	ended := make(chan string, 4)
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range rounds {
				done := make(chan struct{})
				if i%2 == 0 {
					close(done)
				}
				deadline := hw.Now() + int64(i%7)*1000
				res := make(chan string, 1)
				start("r", 0, key, done, deadline, res)
				if <-res == "r woken" {
					ended <- "woken"
				}
			}
		}()
	}
	stop := make(chan struct{})
	counted := make(chan struct{})
	go func() {
		for range ended {
			woken++
		}
		close(counted)
	}()
	waker := make(chan struct{})
	go func() {
		defer close(waker)
		for {
			select {
			case <-stop:
				return
			default:
				found += wakeup(key, One)
				runtime.Gosched()
			}
		}
	}()
	wg.Wait()
	close(stop)
	<-waker
	close(ended)
	<-counted
	if woken != found {
		t.Errorf("%d wakeups found a sleeper, %d were woken", found, woken)
	}
}
