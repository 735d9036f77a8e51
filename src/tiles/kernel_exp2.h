/* 2^f for f in -0.5 .. 0.5: the polynomial of degree 5 of least relative error (Remez), 7.7e-8 before rounding. */
#ifndef ATTNSCOPE_TILES_KERNEL_EXP2_H
#define ATTNSCOPE_TILES_KERNEL_EXP2_H

#define EXP2_C0 0x1.000002p+0f
#define EXP2_C1 0x1.62e428p-1f
#define EXP2_C2 0x1.ebf910p-3f
#define EXP2_C3 0x1.c6b6d2p-5f
#define EXP2_C4 0x1.3d0e24p-7f
#define EXP2_C5 0x1.5c12bep-10f
/* The same for f in 0 .. 1, coefficients rounded for the least error in f32: 1.4e-7 with rounding. */
#define EXP2_UP_C0 0x1.fffffep-1f
#define EXP2_UP_C1 0x1.62e4f2p-1f
#define EXP2_UP_C2 0x1.ebd5b0p-3f
#define EXP2_UP_C3 0x1.c95446p-5f
#define EXP2_UP_C4 0x1.2690ccp-7f
#define EXP2_UP_C5 0x1.ec312cp-10f
/* Where there is no instruction that scales by a power of two, x is held within what an exponent can be. */
#define EXP2_LOWEST (-126.0f)
#define EXP2_HIGHEST 127.0f

#endif
