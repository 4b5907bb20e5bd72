//go:build !lwkt_words

package sim

// Builds in which the words of the lock code are not explored: nothing to do.

import (
	core "github.com/serializing-tokens/lwkt/internal/thread"

	"github.com/serializing-tokens/lwkt/internal/hw"
)

type words struct{}

func (*Machine) words() bool          { return false }
func (*Machine) postponed(*proc) bool { return false }
func (*Machine) drain()               {}
func (*Machine) aside() (undo func()) { return func() {} }
func (*proc) inside()                 {}
func (*proc) outside()                {}
func (*proc) passes(core.Op)          {}
func (*proc) took(bool)               {}
func (*proc) given() bool             { return false }
func (*proc) stirred() bool           { return true }
func spinFree(*hw.SpinLock) bool      { return true }
func oneByOne() (done func())         { return func() {} }
