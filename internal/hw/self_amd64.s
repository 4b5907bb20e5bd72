//go:build lwkt_words

#include "textflag.h"

// func Goroutine() uintptr
TEXT ·Goroutine(SB), NOSPLIT, $0-8
	MOVQ (TLS), AX // the runtime's g
	MOVQ AX, ret+0(FP)
	RET

// func Frame() unsafe.Pointer
TEXT ·Frame(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ BP, ret+0(FP) // of the caller
	RET
