//go:build lwkt_words

#include "textflag.h"

// func Goroutine() uintptr
TEXT ·Goroutine(SB), NOSPLIT, $0-8
	MOVD g, R0 // the runtime's g
	MOVD R0, ret+0(FP)
	RET
