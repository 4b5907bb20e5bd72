// Package withc calls C with a lock held, and C calls back.
package withc

// #include <stdlib.h>
import "C"

import "sync"

type heap struct{ mu sync.Mutex }

func (h *heap) abs(n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return int(C.abs(C.int(n)))
}
