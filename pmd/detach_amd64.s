//go:build cgo && !race && go1.26 && !go1.27

#include "textflag.h"

// func currentG() uintptr
TEXT ·currentG(SB), NOSPLIT, $0-8
	MOVQ (TLS), AX
	MOVQ AX, ret+0(FP)
	RET

// func reserveStack()
//
// Its frame is as large as what a detached poller may need: the check of the stack that the assembler puts in front makes it grow.
TEXT ·reserveStack(SB), 0, $32768-0
	RET

// func openStack()
//
// Go lets a goroutine in a system call use no more stack than nosplit functions need, by a guard that every check runs into.
// The usual guard is the stack's low end and a little; here it is a page.
TEXT ·openStack(SB), NOSPLIT, $0-0
	MOVQ (TLS), CX
	MOVQ 0(CX), AX
	ADDQ $4096, AX
	MOVQ AX, 16(CX)
	RET
