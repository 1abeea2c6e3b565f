/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_SUM_H
#define TINYQ_PORTABLE_SUM_H

#include "tinyq_reduce.h"

/*
 * SUM and MEAN, int8. An output never lies behind the first of its elements, and these are read before it is written:
 * the output may be the input.
 */
TINYQ_KERNEL void tinyq_portable_sum(const tinyq_reduce_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t i = 0; i < tinyq_reduce_outputs(p); ++i) {
        const int32_t sum = tinyq_reduce(tinyq_wrapping_add, p, input + tinyq_reduce_first(p, i), p->start);
        const int32_t value =
            tinyq_wrapping_add(tinyq_requantize(sum, p->multiplier, p->shift), p->output_offset);
        output[i] = (int8_t)tinyq_clamp(value, INT8_MIN, INT8_MAX);
    }
}

#endif
