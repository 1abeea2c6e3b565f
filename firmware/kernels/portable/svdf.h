/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_SVDF_H
#define TINYQ_PORTABLE_SVDF_H

#include "../tinyq_fixed_point.h"
#include "../tinyq_svdf_params.h"

/* Element i of int8, or with `wide`, a constant after inlining, of int16. */
static inline __attribute__((always_inline)) int32_t tinyq_svdf_element(const void *values, int32_t i, int wide)
{
    return wide ? ((const int16_t *)values)[i] : ((const int8_t *)values)[i];
}

/* The feature that a filter makes of one input, in the state's steps from its zero point. */
static inline int32_t tinyq_svdf_feature(const tinyq_svdf_params *p, const int8_t *input, const int8_t *filter,
                                         int wide)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < p->inputs; ++i) {
        sum = tinyq_wrapping_add(sum, (input[i] + p->input_offset) * filter[i]);
    }
    const int32_t value = tinyq_requantize(sum, p->feature_multiplier, p->feature_shift);
    return tinyq_clamp(value, wide ? INT16_MIN : INT8_MIN, wide ? INT16_MAX : INT8_MAX);
}

/*
 * The sum over time of one filter, whose state from element `at` on moves by one and takes in `feature`. Each element is
 * read before the one at its place is written.
 */
static inline __attribute__((always_inline)) int32_t
tinyq_svdf_remember(const tinyq_svdf_params *p, const void *state, const void *time, int32_t weight, int32_t at,
                    int32_t feature, void *next, int wide)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < p->memory; ++i) {
        const int32_t value =
            i + 1 < p->memory ? tinyq_svdf_element(state, at + i + 1, wide) : p->state_zero_point + feature;
        if (wide) {
            ((int16_t *)next)[at + i] = (int16_t)value;
        } else {
            ((int8_t *)next)[at + i] = (int8_t)value;
        }
        const int32_t kept = tinyq_svdf_element(next, at + i, wide) - p->state_zero_point;
        sum = tinyq_wrapping_add(sum, kept * tinyq_svdf_element(time, weight + i, wide));
    }
    return sum;
}

static inline __attribute__((always_inline)) void
tinyq_svdf(const tinyq_svdf_params *p, const int8_t *input, const int8_t *feature, const void *time,
           const int32_t *bias, const void *state, int8_t *output, void *next, int wide)
{
    int32_t at = 0;
    for (int32_t batch = 0; batch < p->batches; ++batch, input += p->inputs) {
        for (int32_t unit = 0; unit < p->units; ++unit) {
            int32_t sum = bias[unit];
            for (int32_t filter = unit * p->rank; filter < (unit + 1) * p->rank; ++filter, at += p->memory) {
                const int32_t value = tinyq_svdf_feature(p, input, feature + filter * p->inputs, wide);
                const int32_t weight = filter * p->memory;
                sum = tinyq_wrapping_add(sum, tinyq_svdf_remember(p, state, time, weight, at, value, next, wide));
            }
            const int32_t value = tinyq_wrapping_add(tinyq_requantize(sum, p->output_multiplier, p->output_shift),
                                                     p->output_offset);
            *output++ = (int8_t)tinyq_clamp(value, INT8_MIN, INT8_MAX);
        }
    }
}

/*
 * SVDF, int8. input [N,I], feature [U*rank,I], time [U*rank,M], bias [U], state and next [N,U*rank,M], which may be the
 * same, output [N,U]. time, state and next are int8.
 */
TINYQ_KERNEL void tinyq_portable_svdf(const tinyq_svdf_params *p, const int8_t *input, const int8_t *feature,
                                      const void *time, const int32_t *bias, const void *state, int8_t *output,
                                      void *next)
{
    tinyq_svdf(p, input, feature, time, bias, state, output, next, 0);
}

/* The same with time, state and next in int16. */
TINYQ_KERNEL void tinyq_portable_svdf_s16(const tinyq_svdf_params *p, const int8_t *input, const int8_t *feature,
                                          const void *time, const int32_t *bias, const void *state, int8_t *output,
                                          void *next)
{
    tinyq_svdf(p, input, feature, time, bias, state, output, next, 1);
}

#endif
