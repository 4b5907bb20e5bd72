// This file blocks for a given time by nanosleep(2), as fsync(2) would: in a system call, with the OS
// thread. The runtime does to it what it does to fsync: the processor is taken away if the call lasts.

package bench

import (
	"syscall"
	"time"
)

func napFor(d time.Duration) {
	left := syscall.NsecToTimespec(int64(d))
	for syscall.Nanosleep(&left, &left) == syscall.EINTR {
		// A signal, most likely the runtime's own for preemption: sleep what is left.
	}
}
