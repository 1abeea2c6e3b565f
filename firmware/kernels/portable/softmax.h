/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_SOFTMAX_H
#define TINYQ_PORTABLE_SOFTMAX_H

#include "../tinyq_fixed_functions.h"
#include "../tinyq_softmax_params.h"

/* Bits before the binary point of the sum of exponentials: up to 4096 of them, each at most 1. */
#define TINYQ_SOFTMAX_SUM_INTEGER_BITS 12

/*
 * SOFTMAX, int8 with output scale 1/256 and zero point -128. `exponential[d]` is exp(-d * beta * scale) in
 * Q0.31, made offline with TFLite's fixed-point arithmetic. input and output [rows,depth]; they may be the same.
 */
TINYQ_KERNEL void tinyq_portable_softmax(const tinyq_softmax_params *p, const int8_t *input,
                                         const int32_t *exponential, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->depth) {
        int32_t most = INT8_MIN;
        for (int32_t i = 0; i < p->depth; ++i) {
            most = input[i] > most ? input[i] : most;
        }
        int32_t sum = 0;
        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t below = most - input[i];
            if (-below >= p->diff_min) {
                sum = tinyq_wrapping_add(sum, tinyq_rounding_shift_right(exponential[below],
                                                                         TINYQ_SOFTMAX_SUM_INTEGER_BITS));
            }
        }
        const int32_t headroom = tinyq_count_leading_zeros((uint32_t)sum);
        const int32_t fraction = (int32_t)(((uint32_t)sum << headroom) - 0x80000000u);
        const int32_t scale = tinyq_reciprocal_of_one_plus(fraction);
        const int32_t exponent = TINYQ_SOFTMAX_SUM_INTEGER_BITS - headroom + 31 - 8;
        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t below = most - input[i];
            int32_t value = INT8_MIN;
            if (-below >= p->diff_min && exponent <= 31) { /* beyond, from a sum of 512 on, each is below half a step */
                value += tinyq_rounding_shift_right(tinyq_doubling_high_multiply(scale, exponential[below]), exponent);
            }
            output[i] = (int8_t)tinyq_clamp(value, INT8_MIN, INT8_MAX);
        }
    }
}

#endif
