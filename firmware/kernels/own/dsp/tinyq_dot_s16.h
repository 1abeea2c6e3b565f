/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_DOT_S16_H
#define TINYQ_DOT_S16_H
/*
 * Dot products of int16 with int8 weights, whose sums the packer has proven to fit int32. A quad is 4 taps; its weights
 * w are bytes w0, w2, w1, w3, so that SXTB16 gives the pairs w0, w1 and w2, w3. The quads of two output channels a and
 * b follow each other.
 */
#include "../../tinyq_fixed_point.h"

#include <arm_acle.h>

/* Sums of channel a with pixels 0 and 1, then of b. */
typedef struct {
    int32_t a0, a1, b0, b1;
} tinyq_sums_s16;

#define TINYQ_S16_HALF(single, pair0, pair1, sum0, sum1) \
    "sxtb16 r10, " single "\n\t"                          \
    "smlad " sum0 ", r10, " pair0 ", " sum0 "\n\t"        \
    "smlad " sum1 ", r10, " pair1 ", " sum1 "\n\t"

/* 16 instructions for 16 products, which leave one register for each pointer. */
#define TINYQ_S16_QUAD_2X2                                   \
    "ldr r0, [%[w]], #4\n\t"                                 \
    "ldrd r2, r3, [%[x0]], #8\n\t"                           \
    "ldrd r8, r9, [%[x1]], #8\n\t"                           \
    TINYQ_S16_HALF("r0", "r2", "r8", "%[a0]", "%[a1]")       \
    TINYQ_S16_HALF("r0, ror #8", "r3", "r9", "%[a0]", "%[a1]") \
    "ldr r0, [%[w]], #4\n\t"                                 \
    TINYQ_S16_HALF("r0", "r2", "r8", "%[b0]", "%[b1]")       \
    TINYQ_S16_HALF("r0, ror #8", "r3", "r9", "%[b0]", "%[b1]")

/* 10 instructions for 8 products. */
#define TINYQ_S16_QUAD_2X1                     \
    "ldrd r0, r8, [%[w]], #8\n\t"              \
    "ldrd r2, r3, [%[x0]], #8\n\t"             \
    "sxtb16 r10, r0\n\t"                       \
    "smlad %[a0], r10, r2, %[a0]\n\t"          \
    "sxtb16 r10, r0, ror #8\n\t"               \
    "smlad %[a0], r10, r3, %[a0]\n\t"          \
    "sxtb16 r10, r8\n\t"                       \
    "smlad %[b0], r10, r2, %[b0]\n\t"          \
    "sxtb16 r10, r8, ror #8\n\t"               \
    "smlad %[b0], r10, r3, %[b0]\n\t"

#define TINYQ_S16_TWICE(quad) quad quad
#define TINYQ_S16_LOOP(quads)                                                                                  \
    __asm volatile("1:\n\t" quads                                                                              \
                   "cmp %[x0], %[end]\n\t"                                                                     \
                   "bne 1b"                                                                                    \
                   : [a0] "+r"(a0), [a1] "+r"(a1), [b0] "+r"(b0), [b1] "+r"(b1), [w] "+r"(w), [x0] "+r"(x0),   \
                     [x1] "+r"(x1)                                                                             \
                   : [end] "r"(end)                                                                            \
                   : "r0", "r2", "r3", "r8", "r9", "r10", "cc", "memory")

#if defined(TINYQ_OPTIMIZE_SIZE)
#define TINYQ_S16_QUADS(quad, repeated) \
    (void)(repeated);                   \
    TINYQ_S16_LOOP(quad);
#else
#define TINYQ_S16_QUADS(quad, repeated)                            \
    if ((repeated) == 4) {                                         \
        TINYQ_S16_LOOP(TINYQ_S16_TWICE(TINYQ_S16_TWICE(quad)));    \
    } else if ((repeated) == 2) {                                  \
        TINYQ_S16_LOOP(TINYQ_S16_TWICE(quad));                     \
    } else {                                                       \
        TINYQ_S16_LOOP(quad);                                      \
    }
#endif

/*
 * Adds `quads` quads, `repeated` at a time, of one pixel or, where `both`, of two; returns the weights behind them. All
 * pointers are multiples of 4.
 */
static inline __attribute__((always_inline)) const int8_t *
tinyq_dot_s16(tinyq_sums_s16 *sums, const int8_t *weights, const int16_t *pixel0, const int16_t *pixel1, int32_t quads,
              int32_t repeated, int both)
{
    register int32_t a0 __asm("r4") = sums->a0;
    register int32_t a1 __asm("r5") = sums->a1;
    register int32_t b0 __asm("r6") = sums->b0;
    register int32_t b1 __asm("r7") = sums->b1;
    register const int16_t *end __asm("r11") = pixel0 + 4 * quads;
    register const int8_t *w __asm("r12") = weights;
    register const int16_t *x0 __asm("lr") = pixel0;
    register const int16_t *x1 __asm("r1") = pixel1;
    if (both) {
        TINYQ_S16_QUADS(TINYQ_S16_QUAD_2X2, repeated)
    } else {
        TINYQ_S16_QUADS(TINYQ_S16_QUAD_2X1, repeated)
    }
    sums->a0 = a0;
    sums->a1 = a1;
    sums->b0 = b0;
    sums->b1 = b1;
    return w;
}

/* The high word of sum * multiplier, halves up, clamped: what TFLite's 64-bit requantisation gives of a sum in int32,
 * where the multiplier holds the shift too. */
static inline __attribute__((always_inline)) int16_t tinyq_output_s16(int32_t sum, int32_t multiplier, int32_t low,
                                                                      int32_t high)
{
    int32_t value;
    __asm("smmulr %0, %1, %2" : "=r"(value) : "r"(sum), "r"(multiplier));
    if (high != INT16_MAX) {
        return (int16_t)tinyq_clamp(value, low, high);
    }
    value = low == 0 ? (int32_t)__usat(value, 15) : __ssat(value, 16);
    return (int16_t)(low > 0 || (low < 0 && low > INT16_MIN) ? (value < low ? low : value) : value);
}

#endif
