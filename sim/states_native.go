//go:build !lwkt_words

package sim

// Builds in which the words of the lock code are not explored: there are no states to be recognized.

import "unsafe"

type memory struct {
	end     uint64
	strange bool
}

func (*memory) begin(*Machine)           {}
func (*memory) finish()                  {}
func (*memory) repeats(int)              {}
func (*Machine) learned()                {}
func (*proc) stands()                    {}
func (*proc) begins()                    {}
func (*proc) learns(uint64)              {}
func looks(unsafe.Pointer, func() shape) {}

type shape struct{}

func shapeOf[T any]() (s shape) { return s }

func (*memory) state(*Machine) uint64 { return 0 }
