package lock

import (
	"testing"
	"unsafe"

	"github.com/serializing-tokens/lwkt/internal/thread"
)

// bytesOf is the lock itself, byte for byte.
func bytesOf(m *RM) [unsafe.Sizeof(RM{})]byte {
	return *(*[unsafe.Sizeof(RM{})]byte)(unsafe.Pointer(m))
}

// Row 28: what a reader writes is in its own record, not in the lock.
func TestRow28ReadersWriteNothingOfTheLock(t *testing.T) {
	var hs [3]thread.Handle
	for i := range hs {
		thread.Start(&hs[i], "reader")
		defer thread.End(&hs[i])
	}
	var m RM
	Read(&hs[0], &m) // the first one notes the class
	ReadRelease(&hs[0], &m)
	before := bytesOf(&m)
	same := func(when string) {
		t.Helper()
		if bytesOf(&m) != before {
			t.Errorf("the lock was written: %s", when)
		}
	}
	for i := range hs {
		for range i + 1 {
			Read(&hs[i], &m)
		}
		same("by RLock")
	}
	if !TryRead(&hs[0], &m) {
		t.Error("a try form failed")
	}
	same("by TryRLock")
	if TryWrite(&hs[1], &m) {
		t.Error("a writer came in")
	}
	same("by a TryWLock that saw readers")
	ReadRelease(&hs[0], &m)
	for i := range hs {
		for range i + 1 {
			ReadRelease(&hs[i], &m)
		}
	}
	same("by RUnlock")
	// More than there are slots for: that is counted in the lock.
	for range 6 {
		Read(&hs[0], &m)
	}
	if len(m.crowd) != 2 || m.crowded.Load() != 2 {
		t.Errorf("%d are in the crowd", len(m.crowd))
	}
	for range 6 {
		ReadRelease(&hs[0], &m)
	}
	if len(m.crowd) != 0 || m.read() {
		t.Error("it is still read")
	}
}
