//go:build !race

// Without the race detector there is nobody to hide from.
package engine

// Hide does nothing.
//
//go:norace
func Hide() {}

// Show does nothing.
//
//go:norace
func Show() {}
