//go:build lwkt_words

#include "textflag.h"

// func Goroutine() uintptr
TEXT ·Goroutine(SB), NOSPLIT, $0-8
	MOVD g, R0 // the runtime's g
	MOVD R0, ret+0(FP)
	RET

// func Frame() unsafe.Pointer
TEXT ·Frame(SB), NOSPLIT|NOFRAME, $0-8
	MOVD R29, ret+0(FP) // of the caller
	RET
