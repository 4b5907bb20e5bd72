//go:build deadlock

// The locks that are measured: those of go-deadlock, with the options that a program has which sets none.
package main

import "github.com/sasha-s/go-deadlock"

// A Mutex and a RWMutex are what the rows use.
type (
	Mutex   = deadlock.Mutex
	RWMutex = deadlock.RWMutex
)
