package cases

import (
	"context"
	"sync"
	"testing"
)

// Two goroutines have what the other one wants, and both wait.
//
// want: certain deadlock a -> b -> a
func TestEmbrace(t *testing.T) {
	var wg sync.WaitGroup
	var a, b sync.Mutex
	wg.Add(2)
	meet := func(x, y *sync.Mutex) {
		x.Lock()
		wg.Done()
		wg.Wait()
		y.Lock()
	}
	go meet(&a, &b)
	go meet(&b, &a)
	quiet()
}

// Three of them.
//
// want: certain deadlock a -> b -> c -> a
func TestEmbraceOfThree(t *testing.T) {
	var wg sync.WaitGroup
	var a, b, c sync.Mutex
	wg.Add(3)
	meet := func(x, y *sync.Mutex) {
		x.Lock()
		wg.Done()
		wg.Wait()
		y.Lock()
	}
	go meet(&a, &b)
	go meet(&b, &c)
	go meet(&c, &a)
	quiet()
}

// Two writers and two readers: each reader has the one lock and queues behind the writer of the other one.
//
// want: certain deadlock
func TestReadersBehindWriters(t *testing.T) {
	var x, y sync.RWMutex
	var wg sync.WaitGroup
	wg.Add(2)
	queued := make(chan bool)
	read := func(one, two *sync.RWMutex) {
		one.RLock()
		wg.Done()
		<-queued
		two.RLock()
	}
	go read(&x, &y)
	go read(&y, &x)
	wg.Wait()
	go x.Lock()
	go y.Lock()
	quiet()
	close(queued)
	quiet()
}

// A goroutine sends to nobody.
//
// want: certain hang in TestSendToNobody.func1
func TestSendToNobody(t *testing.T) {
	c := make(chan int)
	go func() { c <- 1 }()
	quiet()
}

// A goroutine receives from nobody.
//
// want: certain hang in TestReceiveFromNobody.func1
func TestReceiveFromNobody(t *testing.T) {
	c := make(chan int)
	go func() { <-c }()
	quiet()
}

// A range over a channel that nobody closes.
//
// want: certain hang in TestNeverClosed.func1
func TestNeverClosed(t *testing.T) {
	c := make(chan int)
	go func() {
		for range c {
		}
	}()
	c <- 1
	quiet()
}

// A select with no way out.
//
// want: certain hang in TestSelect.func1
func TestSelect(t *testing.T) {
	c, d := make(chan int), make(chan int)
	go func() {
		select {
		case <-c:
		case d <- 1:
		}
	}()
	quiet()
}

// A nil channel.
//
// want: certain hang in TestNilChannel.func1
func TestNilChannel(t *testing.T) {
	var c chan int
	go func() { <-c }()
	quiet()
}

// A WaitGroup that is never done.
//
// want: certain hang in TestNeverDone.func1
func TestNeverDone(t *testing.T) {
	wg := new(sync.WaitGroup)
	wg.Add(1)
	go func() { wg.Wait() }()
	quiet()
}

// A Cond that nobody signals.
//
// want: certain hang in TestNeverSignaled.func1
func TestNeverSignaled(t *testing.T) {
	c := sync.NewCond(new(sync.Mutex))
	go func() {
		c.L.Lock()
		c.Wait()
	}()
	quiet()
}

// A mutex that its holder never releases, since it waits for a channel.
//
// want: certain hang mu in TestChannelWithLock.func1
func TestChannelWithLock(t *testing.T) {
	mu := new(sync.Mutex)
	c := make(chan int)
	go func() {
		mu.Lock()
		c <- 1
		mu.Unlock()
	}()
	quiet()
	go func() {
		mu.Lock()
		<-c
		mu.Unlock()
	}()
	quiet()
}

// The same with a lock that everybody can reach.
//
// want: certain hang global in TestChannelWithGlobalLock.func1
func TestChannelWithGlobalLock(t *testing.T) {
	c := make(chan int)
	go func() {
		global.Lock()
		<-c
	}()
	quiet()
	go func() { global.Lock() }()
	quiet()
}

var global sync.Mutex

// Waiting for a channel with a lock held is no mistake if somebody comes.
func TestChannelWithLockServed(t *testing.T) {
	var mu sync.Mutex
	c := make(chan int)
	go func() { c <- 1 }()
	mu.Lock()
	<-c
	mu.Unlock()
}

// Whoever can still be woken does not hang.
func TestStillReachable(t *testing.T) {
	go func() { <-forLater }()
	quiet()
}

var forLater = make(chan int)

// A goroutine that waits for its context to be cancelled, and is.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { <-ctx.Done() })
	cancel()
	wg.Wait()
}

// A worker for each job, all of which end.
func TestWorkers(t *testing.T) {
	jobs := make(chan int)
	var mu sync.Mutex
	sum := 0
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for j := range jobs {
				mu.Lock()
				sum += j
				mu.Unlock()
			}
		})
	}
	for i := range 100 {
		jobs <- i
	}
	close(jobs)
	wg.Wait()
}
