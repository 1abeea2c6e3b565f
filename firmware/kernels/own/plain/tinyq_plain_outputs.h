/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PLAIN_OUTPUTS_H
#define TINYQ_PLAIN_OUTPUTS_H
/* Sums of one channel to int8 outputs. */
#include "../tinyq_own_requantize.h"

#if defined(__thumb__)
#if defined(__clang__)
#define TINYQ_PLAIN_ASSEMBLY static __attribute__((naked, noinline, unused))
#else
#define TINYQ_PLAIN_ASSEMBLY static __attribute__((naked, noipa, unused))
#endif
#endif

/* How a layer requantises: kind and shared shift of tinyq_own_requantize.h, and the activation's
 * clamp. */
typedef struct {
    int32_t kind, shift;
    int32_t low, high;
} tinyq_plain_finish;

/* `factors` are multiplier, offset and, but for RISING, shift. */
static inline __attribute__((always_inline)) int8_t tinyq_plain_output(tinyq_plain_finish finish,
                                                                       int32_t sum,
                                                                       const int32_t *factors)
{
    const int32_t shift = finish.kind == TINYQ_OWN_RISING ? finish.shift : factors[2];
    const int32_t value = tinyq_own_requantize(finish.kind, sum, factors[0], factors[1], shift);
    return (int8_t)tinyq_own_activate(value, finish.low, finish.high);
}

#if TINYQ_BY_HALVES
/*
 * RISING for sums from `sums` to `end`, at least one, as tinyq_multiply_high_by_halves() does it:
 * 27 instructions each, for which compilers need 36 and more, as they do not keep the halves in the
 * eight low registers.
 */
TINYQ_PLAIN_ASSEMBLY void tinyq_plain_rising(const int32_t *sums __attribute__((unused)),
                                             const int32_t *end __attribute__((unused)),
                                             const int32_t *factors __attribute__((unused)),
                                             int32_t shift __attribute__((unused)),
                                             int8_t *output __attribute__((unused)),
                                             int32_t stride __attribute__((unused)))
{
    /* r0 sums, r1 output, r2 and r3 the multiplier's halves, r8 offset, r9 stride, r10 shift, r11
     * end. */
    __asm(".syntax unified\n\t"
          "push {r4-r7, lr}\n\t"
          "mov r4, r8\n\t"
          "mov r5, r9\n\t"
          "mov r6, r10\n\t"
          "mov r7, r11\n\t"
          "push {r4-r7}\n\t"
          "mov r10, r3\n\t"
          "mov r11, r1\n\t"
          "ldr r1, [sp, #36]\n\t"
          "ldr r4, [sp, #40]\n\t"
          "mov r9, r4\n\t"
          "ldr r4, [r2, #4]\n\t"
          "mov r8, r4\n\t"
          "ldr r2, [r2]\n\t"
          "lsrs r3, r2, #16\n\t"
          "uxth r2, r2\n"
          "1:\n\t"
          "ldmia r0!, {r4}\n\t"
          "asrs r5, r4, #16\n\t"
          "uxth r4, r4\n\t"
          "movs r6, r4\n\t"
          "muls r6, r2, r6\n\t"
          "lsrs r6, r6, #16\n\t"
          "movs r7, r5\n\t"
          "muls r7, r2, r7\n\t"
          "adds r6, r6, r7\n\t"
          "asrs r7, r6, #16\n\t"
          "uxth r6, r6\n\t"
          "muls r4, r3, r4\n\t"
          "adds r6, r6, r4\n\t"
          "lsrs r6, r6, #16\n\t"
          "adds r6, r6, r7\n\t"
          "muls r5, r3, r5\n\t"
          "adds r6, r6, r5\n\t"
          "add r6, r8\n\t"
          "mov r7, r10\n\t"
          "asrs r6, r6, r7\n\t"
          "sxtb r7, r6\n\t"
          "cmp r7, r6\n\t"
          "bne 3f\n"
          "2:\n\t"
          "strb r6, [r1]\n\t"
          "add r1, r9\n\t"
          "cmp r0, r11\n\t"
          "bne 1b\n\t"
          "pop {r4-r7}\n\t"
          "mov r8, r4\n\t"
          "mov r9, r5\n\t"
          "mov r10, r6\n\t"
          "mov r11, r7\n\t"
          "pop {r4-r7, pc}\n"
          "3:\n\t" /* 127, or -128 below it */
          "asrs r6, r6, #31\n\t"
          "movs r7, #127\n\t"
          "eors r6, r6, r7\n\t"
          "b 2b\n");
}
#endif

/* The outputs of `count` sums of one channel, `stride` bytes apart. */
static inline __attribute__((always_inline)) void
tinyq_plain_outputs(tinyq_plain_finish finish, const int32_t *sums, int32_t count,
                    const int32_t *factors, int8_t *output, int32_t stride)
{
#if TINYQ_BY_HALVES
    const int rising = finish.kind == TINYQ_OWN_RISING || finish.kind == TINYQ_OWN_RISING_EACH;
    if (rising && finish.low == INT8_MIN && finish.high == INT8_MAX) {
        const int32_t shift = finish.kind == TINYQ_OWN_RISING ? finish.shift : factors[2];
        tinyq_plain_rising(sums, sums + count, factors, shift, output, stride);
        return;
    }
#endif
    for (int32_t i = 0; i < count; ++i, output += stride) {
        *output = tinyq_plain_output(finish, sums[i], factors);
    }
}

#endif
