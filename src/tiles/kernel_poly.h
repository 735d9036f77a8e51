/* The polynomial of kernel_exp2.h in vectors; needs KernelVec, vec_set1 and vec_fma.
 *
 * Read through a volatile: else compilers keep the coefficients in registers through the loop of products, where
 * every one is taken by an accumulator, and spill those instead (a quarter of the rate). */
#include "tiles/kernel_exp2.h"

typedef struct Exp2Poly {
    KernelVec c[6];
} Exp2Poly;

static inline Exp2Poly exp2_poly_load(const volatile float coefficients[6]) {
    Exp2Poly poly;
    for (int i = 0; i < 6; i++) {
        poly.c[i] = vec_set1(coefficients[i]);
    }
    return poly;
}

static inline Exp2Poly exp2_poly(void) {
    static const volatile float coefficients[6] = {EXP2_C0, EXP2_C1, EXP2_C2, EXP2_C3, EXP2_C4, EXP2_C5};
    return exp2_poly_load(coefficients);
}

/* For f in 0 .. 1. */
static inline Exp2Poly exp2_poly_up(void) {
    static const volatile float coefficients[6] = {EXP2_UP_C0, EXP2_UP_C1, EXP2_UP_C2,
                                                   EXP2_UP_C3, EXP2_UP_C4, EXP2_UP_C5};
    return exp2_poly_load(coefficients);
}

static inline KernelVec exp2_poly_at(const Exp2Poly *poly, KernelVec f) {
    KernelVec p = vec_fma(poly->c[5], f, poly->c[4]);
    p = vec_fma(p, f, poly->c[3]);
    p = vec_fma(p, f, poly->c[2]);
    p = vec_fma(p, f, poly->c[1]);
    return vec_fma(p, f, poly->c[0]);
}
