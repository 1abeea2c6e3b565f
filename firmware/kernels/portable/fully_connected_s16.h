/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_FULLY_CONNECTED_S16_H
#define TINYQ_PORTABLE_FULLY_CONNECTED_S16_H

#include "../tinyq_fully_connected_params.h"
#include "../tinyq_wide.h"

static inline int64_t tinyq_fully_connected_s16_sum(int32_t depth, const int16_t *input, const int8_t *filter)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < depth; ++i) {
        sum += input[i] * filter[i];
    }
    return sum;
}

/*
 * FULLY_CONNECTED, int16 with int8 weights, zero points 0. input [B,I], filter [O,I], bias [O], multiplier and shift [O]
 * or [1], output [B,O].
 */
TINYQ_KERNEL void tinyq_portable_fully_connected_s16(const tinyq_fully_connected_params *p, const int16_t *input,
                                                     const int8_t *filter, const int64_t *bias,
                                                     const int32_t *multiplier, const int32_t *shift, int16_t *output)
{
    for (int32_t row = 0; row < p->batches; ++row, input += p->input_depth) {
        for (int32_t out = 0; out < p->output_depth; ++out) {
            const int32_t c = p->per_channel ? out : 0;
            const int8_t *w = filter + out * p->input_depth;
            const int64_t sum = bias[out] + tinyq_fully_connected_s16_sum(p->input_depth, input, w);
            *output++ = tinyq_wide_result(sum, multiplier[c], shift[c], p->activation_min, p->activation_max);
        }
    }
}

/* The same with 32-bit sums. */
TINYQ_KERNEL void tinyq_portable_fully_connected_s16_b32(const tinyq_fully_connected_params *p, const int16_t *input,
                                                         const int8_t *filter, const int32_t *bias,
                                                         const int32_t *multiplier, const int32_t *shift,
                                                         int16_t *output)
{
    for (int32_t row = 0; row < p->batches; ++row, input += p->input_depth) {
        for (int32_t out = 0; out < p->output_depth; ++out) {
            const int32_t c = p->per_channel ? out : 0;
            const int8_t *w = filter + out * p->input_depth;
            const int64_t sum = bias[out] + tinyq_fully_connected_s16_sum(p->input_depth, input, w);
            *output++ = tinyq_narrow_result(sum, multiplier[c], shift[c], p->activation_min, p->activation_max);
        }
    }
}

#endif
