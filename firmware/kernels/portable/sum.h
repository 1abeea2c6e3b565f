/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_SUM_H
#define TINYQ_PORTABLE_SUM_H

#include "tinyq_reduce.h"

/*
 * SUM and MEAN. An output never lies behind the first of its elements, and these are read before it is written:
 * the output may be the input.
 */
TINYQ_BODY void tinyq_sum(const tinyq_reduce_params *p, const void *input, void *output, int wide)
{
    for (int32_t i = 0; i < tinyq_reduce_outputs(p); ++i) {
        const int32_t first = tinyq_reduce_first(p, i);
        const int32_t sum = tinyq_reduce(tinyq_wrapping_add, p, input, first, p->start, wide);
        const int32_t value =
            tinyq_wrapping_add(tinyq_requantize(sum, p->multiplier, p->shift), p->output_offset);
        tinyq_store(output, i, tinyq_clamp(value, tinyq_least(wide), tinyq_most(wide)), wide);
    }
}

TINYQ_KERNEL void tinyq_portable_sum(const tinyq_reduce_params *p, const int8_t *input, int8_t *output)
{
    tinyq_sum(p, input, output, 0);
}

TINYQ_KERNEL void tinyq_portable_sum_s16(const tinyq_reduce_params *p, const int16_t *input, int16_t *output)
{
    tinyq_sum(p, input, output, 1);
}

#endif
