// Command program prints its arguments, makes the mistake that the first of them names, and ends with a status.
package main

import (
	"fmt"
	"os"
	"sync"
	"time"
)

var a, b sync.Mutex

func both(x, y *sync.Mutex) {
	x.Lock()
	defer x.Unlock()
	y.Lock()
	defer y.Unlock()
}

func lock() { a.Lock() }

func main() {
	fmt.Println("arguments:", os.Args[1:])
	if len(os.Args) < 2 {
		return
	}
	switch os.Args[1] {
	case "order":
		done := make(chan bool)
		go func() { both(&a, &b); done <- true }()
		<-done
		go func() { both(&b, &a); done <- true }()
		<-done
	case "hang":
		go func() {
			var mu sync.Mutex
			mu.Lock()
			make(chan int) <- 1
		}()
		time.Sleep(time.Second / 2)
	case "long":
		lock()
		time.Sleep(3 * time.Second / 2)
		both(new(sync.Mutex), &b)
		a.Unlock()
	case "asleep":
		<-make(chan int)
	case "three":
		os.Exit(3)
	case "chan":
		c := make(chan int)
		go func() {
			time.Sleep(50 * time.Millisecond)
			c <- 1
		}()
		a.Lock()
		<-c
		a.Unlock()
	}
}
