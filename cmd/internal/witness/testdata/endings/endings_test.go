// Package endings ends its tests in all ways, each after a mistake that was seen.
package endings

import (
	"os"
	"sync"
	"syscall"
	"testing"
)

func mistake() {
	var a, b sync.Mutex
	for _, p := range [][2]*sync.Mutex{{&a, &b}, {&b, &a}} {
		done := make(chan bool)
		go func() {
			p[0].Lock()
			p[1].Lock()
			p[1].Unlock()
			p[0].Unlock()
			close(done)
		}()
		<-done
	}
}

func TestPanic(t *testing.T) {
	mistake()
	panic("on purpose")
}

func TestExit(t *testing.T) {
	mistake()
	os.Exit(0)
}

func TestExitThree(t *testing.T) {
	mistake()
	os.Exit(3)
}

func TestKilled(t *testing.T) {
	mistake()
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func TestTimeout(t *testing.T) {
	mistake()
	mu.Lock()
	<-never
}

var mu sync.Mutex

var never = make(chan int)

func TestGoexit(t *testing.T) {
	mistake()
	t.FailNow()
}

// Everything is asleep: no timeout is set, and no mistake has been seen before.
func TestAsleep(t *testing.T) {
	mu.Lock()
	<-never
}
