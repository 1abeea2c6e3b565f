/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_SIGMOID_Q15_H
#define TINYQ_SIGMOID_Q15_H
/*
 * TFLite's logistic function and hyperbolic tangent in Q0.15, by interpolation in a table [256] of the logistic function
 * at multiples of 1/24 in Q0.16. Arguments are in steps of 1 / (3 * 4096).
 */
#include <stdint.h>

/* The logistic function of x >= 0, in Q0.16 with `bits` more: so many of x lie between two entries. */
static inline int32_t tinyq_sigmoid_between(int32_t x, int32_t bits, const uint16_t *table)
{
    const int32_t index = x >> bits, rest = x & ((1 << bits) - 1);
    return ((int32_t)table[index] << bits) + rest * (table[index + 1] - table[index]);
}

static inline int16_t tinyq_logistic_q15(int32_t x, const uint16_t *table)
{
    const int32_t size = x < 0 ? -x : x;
    const int32_t above = size >> 9 < 255 ? tinyq_sigmoid_between(size, 9, table) : INT16_MAX << 10; /* Q0.25 */
    return (int16_t)((x >= 0 ? above + (1 << 9) : (1 << 25) - above + (1 << 9) - 1) >> 10);
}

/* 2 * logistic(2 * x) - 1. */
static inline int16_t tinyq_tanh_q15(int32_t x, const uint16_t *table)
{
    const int32_t size = x < 0 ? -x : x;
    const int32_t above = size >> 8 < 255 ? tinyq_sigmoid_between(size, 8, table) : UINT16_MAX << 8; /* Q0.24 */
    const int32_t half = 1 << 23;
    return (int16_t)((x >= 0 ? above - half + (1 << 7) : half - above + (1 << 7) - 1) >> 8);
}

#endif
