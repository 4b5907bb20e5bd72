// Command witness finds lock-order reversals, recursions and deadlocks in any Go program that uses package sync, with no change to
// it: witness test ./... in place of go test ./...
package main

import (
	"os"

	"github.com/serializing-tokens/lwkt/cmd/internal/witness"
)

func main() { os.Exit(witness.Main(os.Args[1:], os.Stdout, os.Stderr)) }
