#include "textflag.h"

// func Call(fn, arg unsafe.Pointer) int32
TEXT ·Call(SB), NOSPLIT, $0-20
	JMP runtime·asmcgocall(SB)
