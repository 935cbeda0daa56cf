#include "textflag.h"

// func prefetch(addrs *[Burst]uintptr, n int)
TEXT ·prefetch(SB), NOSPLIT, $0-16
	MOVQ addrs+0(FP), SI
	MOVQ n+8(FP), CX
	LEAQ (SI)(CX*8), DI
loop:
	CMPQ SI, DI
	JAE  done
	MOVQ (SI), AX
	PREFETCHT0 (AX)
	ADDQ $8, SI
	JMP  loop
done:
	RET
