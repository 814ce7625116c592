#include "textflag.h"

// func foldAVX2(values []float64, t *dense, l *lanes)
//
// Eight values a turn, in two chains of four lanes. For each value x the sums
// take d = x - centre and d*d; the cell is the upper half of the bits of
// float32(d). Neighbours count in the two halves of the table in turn. MIN and
// MAX give their second source where a value is NaN, which is the range so far.
//
// Y8..Y15: s1 twice, s2 twice, min twice, max twice. Y7: the centre. Y6: bits in
// which a value differs from itself without its fraction. R8, R9: the halves of
// the table.
TEXT ·foldAVX2(SB), NOSPLIT, $0-40
	MOVQ values_base+0(FP), SI
	MOVQ values_len+8(FP), R10
	MOVQ t+24(FP), R8
	MOVQ l+32(FP), DI
	VBROADCASTSD 160(DI), Y7
	LEAQ 262144(R8), R9
	VXORPD Y6, Y6, Y6
	VXORPD Y8, Y8, Y8
	VXORPD Y9, Y9, Y9
	VXORPD Y10, Y10, Y10
	VXORPD Y11, Y11, Y11
	VMOVUPD 64(DI), Y12
	VMOVUPD 64(DI), Y13
	VMOVUPD 96(DI), Y14
	VMOVUPD 96(DI), Y15

next:
	VMOVUPD (SI), Y0
	VMOVUPD 32(SI), Y1
	ADDQ $64, SI
	VMINPD Y12, Y0, Y12
	VMINPD Y13, Y1, Y13
	VMAXPD Y14, Y0, Y14
	VMAXPD Y15, Y1, Y15
	VROUNDPD $3, Y0, Y4
	VROUNDPD $3, Y1, Y5
	VXORPD Y0, Y4, Y4
	VXORPD Y1, Y5, Y5
	VORPD Y4, Y6, Y6
	VORPD Y5, Y6, Y6
	VSUBPD Y7, Y0, Y0
	VSUBPD Y7, Y1, Y1
	VCVTPD2PSY Y0, X2
	VCVTPD2PSY Y1, X3
	VADDPD Y0, Y8, Y8
	VADDPD Y1, Y9, Y9
	VMULPD Y0, Y0, Y0
	VMULPD Y1, Y1, Y1
	VADDPD Y0, Y10, Y10
	VADDPD Y1, Y11, Y11
	VPSRLD $16, X2, X2
	VPSRLD $16, X3, X3
	VMOVQ X2, AX
	VPEXTRQ $1, X2, BX
	MOVL AX, CX
	SHRQ $32, AX
	INCL (R8)(CX*4)
	INCL (R9)(AX*4)
	MOVL BX, DX
	SHRQ $32, BX
	INCL (R8)(DX*4)
	INCL (R9)(BX*4)
	VMOVQ X3, AX
	VPEXTRQ $1, X3, BX
	MOVL AX, CX
	SHRQ $32, AX
	INCL (R8)(CX*4)
	INCL (R9)(AX*4)
	MOVL BX, DX
	SHRQ $32, BX
	INCL (R8)(DX*4)
	INCL (R9)(BX*4)
	SUBQ $8, R10
	JNZ next

	VADDPD Y9, Y8, Y8
	VADDPD Y11, Y10, Y10
	VMINPD Y13, Y12, Y12
	VMAXPD Y15, Y14, Y14
	VMOVUPD Y8, (DI)
	VMOVUPD Y10, 32(DI)
	VMOVUPD Y12, 64(DI)
	VMOVUPD Y14, 96(DI)
	VMOVUPD Y6, 128(DI)
	VZEROUPPER
	RET
