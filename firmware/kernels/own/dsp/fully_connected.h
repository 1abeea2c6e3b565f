/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_DSP_FULLY_CONNECTED_H
#define TINYQ_OWN_DSP_FULLY_CONNECTED_H

#include "../tinyq_own_requantize.h"
#include "tinyq_own_dsp_fully_connected_params.h"

/*
 * 4 inputs times 4 outputs a, b, c, d: 16 instructions for 16 MACs. The weights are BLENDED as in tinyq_dot.h: 256 * a
 * + b of the inputs 0, 2 and 1, 3, then 256 * c + d of the same.
 */
#define TINYQ_ROW_PAIR(mixed, single, even, odd) \
    "smlad " mixed ", r8, " even ", " mixed "\n\t"  \
    "sxtb16 r10, " even "\n\t"                      \
    "smlad " single ", r8, r10, " single "\n\t"     \
    "smlad " mixed ", r9, " odd ", " mixed "\n\t"   \
    "sxtb16 r10, " odd "\n\t"                       \
    "smlad " single ", r9, r10, " single "\n\t"

#define TINYQ_ROW_QUAD                \
    "ldr r9, [%[x]], #4\n\t"          \
    "ldmia %[w]!, {r0-r3}\n\t"        \
    "sxtb16 r8, r9\n\t"               \
    "sxtb16 r9, r9, ror #8\n\t"       \
    TINYQ_ROW_PAIR("r4", "r5", "r0", "r1") \
    TINYQ_ROW_PAIR("r6", "r7", "r2", "r3")

#define TINYQ_ROW_2 TINYQ_ROW_QUAD TINYQ_ROW_QUAD
#define TINYQ_ROW_4 TINYQ_ROW_2 TINYQ_ROW_2
#define TINYQ_ROW_8 TINYQ_ROW_4 TINYQ_ROW_4

#define TINYQ_ROW_LOOP(quads)                                                                            \
    __asm volatile("1:\n\t" quads                                                                        \
                   "cmp %[x], %[end]\n\t"                                                                \
                   "bne 1b"                                                                              \
                   : "+r"(mixed0), "+r"(single0), "+r"(mixed1), "+r"(single1), [w] "+r"(w), [x] "+r"(x)  \
                   : [end] "r"(end)                                                                      \
                   : "r0", "r1", "r2", "r3", "r8", "r9", "r10", "cc", "memory")

/* Adds the dot products of a row with 4 outputs to `sums`, a blend and a single of each pair; returns the weights
 * behind them. */
static inline __attribute__((always_inline)) const int16_t *tinyq_dot_4x1(int32_t sums[4], const int16_t *weights,
                                                                          const int8_t *row, int32_t quads,
                                                                          int32_t repeated)
{
    register int32_t mixed0 __asm("r4") = sums[0];
    register int32_t single0 __asm("r5") = sums[1];
    register int32_t mixed1 __asm("r6") = sums[2];
    register int32_t single1 __asm("r7") = sums[3];
    register const int8_t *end __asm("r11") = (const int8_t *)((uintptr_t)row + 4u * (uintptr_t)quads);
    register const int16_t *w __asm("r12") = weights;
    register const int8_t *x __asm("lr") = row;
#if defined(TINYQ_OPTIMIZE_SIZE)
    (void)repeated;
    TINYQ_ROW_LOOP(TINYQ_ROW_QUAD);
#else
    if (repeated == 8) {
        TINYQ_ROW_LOOP(TINYQ_ROW_8);
    } else if (repeated == 4) {
        TINYQ_ROW_LOOP(TINYQ_ROW_4);
    } else if (repeated == 2) {
        TINYQ_ROW_LOOP(TINYQ_ROW_2);
    } else {
        TINYQ_ROW_LOOP(TINYQ_ROW_QUAD);
    }
#endif
    sums[0] = mixed0;
    sums[1] = single0;
    sums[2] = mixed1;
    sums[3] = single1;
    return w;
}

/* Requantises one sum. `factors` are multiplier, offset and, but for RISING, shift. */
static inline __attribute__((always_inline)) int8_t
tinyq_own_dsp_row_output(const tinyq_own_dsp_fully_connected_params *p, int32_t sum, const int32_t *factors)
{
    const int32_t shift = p->requantization == TINYQ_OWN_RISING ? p->shift : factors[2];
    const int32_t value = tinyq_own_requantize(p->requantization, sum, factors[0], factors[1], shift);
    return (int8_t)tinyq_own_activate(value, p->activation_min, p->activation_max);
}

/*
 * FULLY_CONNECTED, int8. input [B,I], 4-aligned; weights as kernels/own/dsp_fully_connected.py packs them, for a
 * multiple of 4 outputs; biases [O], where those of a and c are 256 * a + b, 256 * c + d; factors of each output or one
 * for all; output [B,O]. Where I is not a multiple of 4, B is 1: the inputs behind the row's end, up to the end of their
 * word, meet weights of 0.
 */
TINYQ_KERNEL void tinyq_own_dsp_fully_connected(const tinyq_own_dsp_fully_connected_params *p, const int8_t *input,
                                                const int16_t *weights, const int32_t *biases,
                                                const int32_t *factors, int8_t *output)
{
    const int32_t words = p->uniform ? 0 : TINYQ_OWN_CHANNEL_WORDS(p->requantization) - 1;
    for (int32_t row = 0; row < p->batches; ++row, input += p->input_depth, output += p->output_depth) {
        const int16_t *w = weights;
        const int32_t *factor = factors;
        for (int32_t out = 0; out < p->output_depth; out += 4) {
            int32_t sums[4] = {biases[out], biases[out + 1], biases[out + 2], biases[out + 3]};
            w = tinyq_dot_4x1(sums, w, input, p->quads, p->repeated);
            sums[0] = (int32_t)((uint32_t)sums[0] - (uint32_t)sums[1]) >> 8;
            sums[2] = (int32_t)((uint32_t)sums[2] - (uint32_t)sums[3]) >> 8;
            for (int32_t i = 0; i < 4; ++i, factor += words) {
                if (p->output_depth % 4 == 0 || out + i < p->output_depth) {
                    output[out + i] = tinyq_own_dsp_row_output(p, sums[i], factor);
                }
            }
        }
    }
}

#endif
