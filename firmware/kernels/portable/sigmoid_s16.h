/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_SIGMOID_S16_H
#define TINYQ_PORTABLE_SIGMOID_S16_H

#include "../tinyq_fixed_point.h"
#include "../tinyq_sigmoid_params.h"

/* The logistic function of |x| in Q0.16 with `bits` more: so many of x lie between two entries of table [256]. */
static inline uint32_t tinyq_sigmoid_of(uint32_t magnitude, int32_t bits, const uint16_t *table)
{
    const uint32_t index = magnitude >> bits;
    if (index >= 255) {
        return UINT32_MAX; /* beyond the table */
    }
    const uint32_t rest = magnitude & ((1u << bits) - 1u);
    return ((uint32_t)table[index] << bits) + rest * (uint32_t)(table[index + 1] - table[index]);
}

/* x in steps of 1 / (3 * 4096). */
static inline int32_t tinyq_sigmoid_argument(const tinyq_sigmoid_params *p, int32_t x)
{
    const int32_t rounding = p->shift > 0 ? 1 << (p->shift - 1) : 0;
    return (x * p->multiplier + rounding) >> p->shift;
}

/* LOGISTIC, int16 to Q0.15, elementwise over `size`. Each element is read before it is written. */
TINYQ_KERNEL void tinyq_portable_logistic_s16(const tinyq_sigmoid_params *p, const int16_t *input,
                                              const uint16_t *table, int16_t *output)
{
    for (int32_t i = 0; i < p->size; ++i) {
        const int32_t x = tinyq_sigmoid_argument(p, input[i]);
        const uint32_t found = tinyq_sigmoid_of((uint32_t)(x < 0 ? -x : x), 9, table);
        const uint32_t above = found == UINT32_MAX ? 0x7FFFu << 10 : found; /* Q0.25 */
        const uint32_t value = x >= 0 ? above + (1u << 9) : (1u << 25) - above + (1u << 9) - 1u;
        output[i] = (int16_t)(value >> 10);
    }
}

/* TANH, 2 * logistic(2 * x) - 1, int16 to Q0.15, elementwise over `size`. Each element is read before it is written. */
TINYQ_KERNEL void tinyq_portable_tanh_s16(const tinyq_sigmoid_params *p, const int16_t *input, const uint16_t *table,
                                          int16_t *output)
{
    for (int32_t i = 0; i < p->size; ++i) {
        const int32_t x = tinyq_sigmoid_argument(p, input[i]);
        const uint32_t found = tinyq_sigmoid_of((uint32_t)(x < 0 ? -x : x), 8, table);
        const int32_t above = found == UINT32_MAX ? 0xFFFF << 8 : (int32_t)found; /* Q0.24 */
        const int32_t value = x >= 0 ? above - (1 << 23) + (1 << 7) : -above + (1 << 23) + (1 << 7) - 1;
        output[i] = (int16_t)(value >> 8);
    }
}

#endif
