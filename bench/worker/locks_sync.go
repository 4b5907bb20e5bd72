//go:build !deadlock

// The locks that are measured: those of package sync, plain or watched by the witness, which is decided by how this is built.
package main

import "sync"

// A Mutex and a RWMutex are what the rows use.
type (
	Mutex   = sync.Mutex
	RWMutex = sync.RWMutex
)
