/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_DOT_H
#define TINYQ_DOT_H
/*
 * Dot products of 2 output channels with 3 pixels at once: the inner loop of convolutions on cores with the DSP
 * extension. All 14 registers are taken, which compilers do not manage without spilling, hence the assembly.
 *
 * A quad is 4 taps. The strip holds, per quad as int16, taps 0, 2 of pixel 0, 1 and 2, then taps 1, 3 of them: that is
 * how SXTB16 parts a word of bytes. Weights of the channels a and b lie per quad in one of these forms:
 *
 * PLAIN   int8, 4 taps of a, 4 of b: 21 instructions per 24 MACs.
 * BLENDED int16, taps 0, 2, 1, 3, each 256 * a + b: 17 instructions. One sum is 256 * (sum of a) + (sum of b); SXTB16
 *         gives b for the other. As everything wraps alike, the difference is 256 * (sum of a), which must stay below
 *         2^31; and 256 * a + b must fit int16.
 * WIDE    int16, a taps 0, 2, b taps 0, 2, a taps 1, 3, b taps 1, 3: 16 instructions.
 */
#include <stdint.h>

enum { TINYQ_WEIGHTS_PLAIN, TINYQ_WEIGHTS_BLENDED, TINYQ_WEIGHTS_WIDE };

#define TINYQ_STRIP_PIXELS 3
#define TINYQ_STRIP_QUAD_BYTES 24

/* Sums of pixel 0, 1, 2 with channel a, then with channel b. */
typedef struct {
    int32_t a[3], b[3];
} tinyq_sums;

/* Two taps of three pixels, in x0 to x2, with the weights of a and b. */
#define TINYQ_HALF_QUAD(x0, x1, x2, a, b)   \
    "smlad r4, " x0 ", " a ", r4\n\t"       \
    "smlad r5, " x1 ", " a ", r5\n\t"       \
    "smlad r6, " x2 ", " a ", r6\n\t"       \
    "smlad r7, " x0 ", " b ", r7\n\t"       \
    "smlad r8, " x1 ", " b ", r8\n\t"       \
    "smlad r9, " x2 ", " b ", r9\n\t"

#define TINYQ_QUAD_BLENDED                           \
    "ldrd r0, r2, [%[w]], #8\n\t"                    \
    "ldmia %[x]!, {r3, r10, r11}\n\t"                \
    "sxtb16 r1, r0\n\t"                              \
    TINYQ_HALF_QUAD("r3", "r10", "r11", "r0", "r1")  \
    "ldmia %[x]!, {r3, r10, r11}\n\t"                \
    "sxtb16 r1, r2\n\t"                              \
    TINYQ_HALF_QUAD("r3", "r10", "r11", "r2", "r1")

/* Without a register for the third pixel. */
#define TINYQ_HALF_PLAIN               \
    "ldrd r10, r11, [%[x]], #8\n\t"    \
    "smlad r4, r10, r0, r4\n\t"        \
    "smlad r7, r10, r1, r7\n\t"        \
    "ldr r10, [%[x]], #4\n\t"          \
    "smlad r5, r11, r0, r5\n\t"        \
    "smlad r8, r11, r1, r8\n\t"        \
    "smlad r6, r10, r0, r6\n\t"        \
    "smlad r9, r10, r1, r9\n\t"

#define TINYQ_QUAD_PLAIN              \
    "ldrd r2, r3, [%[w]], #8\n\t"     \
    "sxtb16 r0, r2\n\t"               \
    "sxtb16 r1, r3\n\t"               \
    TINYQ_HALF_PLAIN                  \
    "sxtb16 r0, r2, ror #8\n\t"       \
    "sxtb16 r1, r3, ror #8\n\t"       \
    TINYQ_HALF_PLAIN

#define TINYQ_HALF_WIDE                             \
    "ldrd r0, r1, [%[w]], #8\n\t"                   \
    "ldmia %[x]!, {r2, r3, r10}\n\t"                \
    TINYQ_HALF_QUAD("r2", "r3", "r10", "r0", "r1")

#define TINYQ_QUAD_WIDE TINYQ_HALF_WIDE TINYQ_HALF_WIDE

#define TINYQ_1(quad) quad
#define TINYQ_2(quad) quad quad
#define TINYQ_3(quad) quad quad quad
#define TINYQ_4(quad) TINYQ_2(quad) TINYQ_2(quad)
#define TINYQ_5(quad) TINYQ_4(quad) quad
#define TINYQ_6(quad) TINYQ_4(quad) TINYQ_2(quad)
#define TINYQ_7(quad) TINYQ_4(quad) TINYQ_3(quad)
#define TINYQ_8(quad) TINYQ_4(quad) TINYQ_4(quad)

#define TINYQ_OPERANDS                                                                             \
    "+r"(c00), "+r"(c01), "+r"(c02), "+r"(c10), "+r"(c11), "+r"(c12), [w] "+r"(w), [x] "+r"(x)
#define TINYQ_CLOBBERS "r0", "r1", "r2", "r3", "r11", "cc", "memory"

#define TINYQ_ONCE(quads) __asm volatile(quads : TINYQ_OPERANDS : : "r10", TINYQ_CLOBBERS)

/* Repeats `quads` until the strip ends; the end waits on the stack, for want of a register. */
#define TINYQ_REPEAT(quads)                                              \
    do {                                                                 \
        register const int16_t *end __asm("r10") = behind;               \
        __asm volatile("push {r10}\n"                                    \
                       "1:\n\t" quads                                    \
                       "ldr r10, [sp]\n\t"                              \
                       "cmp %[x], r10\n\t"                              \
                       "bne 1b\n\t"                                     \
                       "add sp, sp, #4"                                  \
                       : TINYQ_OPERANDS, "+r"(end)                       \
                       :                                                 \
                       : TINYQ_CLOBBERS);                                \
    } while (0)

#if defined(TINYQ_OPTIMIZE_SIZE)
#define TINYQ_QUADS(quad)    \
    (void)once;              \
    (void)repeated;          \
    TINYQ_REPEAT(quad);
#else
/* The quads before the loop, up to 8 without one, or the loop for a number of quads per iteration. */
#define TINYQ_QUADS(quad)            \
    if (once == 1) {                 \
        TINYQ_ONCE(quad);            \
    } else if (once == 2) {          \
        TINYQ_ONCE(TINYQ_2(quad));   \
    } else if (once == 3) {          \
        TINYQ_ONCE(TINYQ_3(quad));   \
    } else if (once == 4) {          \
        TINYQ_ONCE(TINYQ_4(quad));   \
    } else if (once == 5) {          \
        TINYQ_ONCE(TINYQ_5(quad));   \
    } else if (once == 6) {          \
        TINYQ_ONCE(TINYQ_6(quad));   \
    } else if (once == 7) {          \
        TINYQ_ONCE(TINYQ_7(quad));   \
    } else if (once == 8) {          \
        TINYQ_ONCE(TINYQ_8(quad));   \
    }                                \
    if (repeated == 4) {             \
        TINYQ_REPEAT(TINYQ_4(quad)); \
    } else if (repeated == 6) {      \
        TINYQ_REPEAT(TINYQ_6(quad)); \
    }
#endif

/*
 * Adds `quads` quads to the sums: `once` (0 to 8) of them first, then `repeated` (0, 4 or 6) at a time; returns the
 * weights behind them. Everything lies at multiples of 4. With BLENDED weights the sums of channel a come, as they go
 * in, as 256 * a + b.
 */
static inline __attribute__((always_inline)) const void *tinyq_dot_2x3(tinyq_sums *sums, const void *weights,
                                                                       const int16_t *strip, int32_t quads,
                                                                       int32_t once, int32_t repeated, int32_t form)
{
    const int16_t *const behind = strip + quads * (TINYQ_STRIP_QUAD_BYTES / 2);
    register int32_t c00 __asm("r4") = sums->a[0];
    register int32_t c01 __asm("r5") = sums->a[1];
    register int32_t c02 __asm("r6") = sums->a[2];
    register int32_t c10 __asm("r7") = sums->b[0];
    register int32_t c11 __asm("r8") = sums->b[1];
    register int32_t c12 __asm("r9") = sums->b[2];
    register const void *w __asm("r12") = weights;
    register const int16_t *x __asm("lr") = strip;
    if (form == TINYQ_WEIGHTS_WIDE) {
        TINYQ_QUADS(TINYQ_QUAD_WIDE)
    } else if (form == TINYQ_WEIGHTS_BLENDED) {
        TINYQ_QUADS(TINYQ_QUAD_BLENDED)
    } else {
        TINYQ_QUADS(TINYQ_QUAD_PLAIN)
    }
    sums->a[0] = c00;
    sums->a[1] = c01;
    sums->a[2] = c02;
    sums->b[0] = c10;
    sums->b[1] = c11;
    sums->b[2] = c12;
    return w;
}

#endif
