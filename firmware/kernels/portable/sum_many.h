/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_SUM_MANY_H
#define TINYQ_PORTABLE_SUM_MANY_H

#include "tinyq_reduce_many.h"

/* SUM and MEAN, int8, over axes that lie apart. The output may be the input, as with SUM over few. */
TINYQ_KERNEL void tinyq_portable_sum_many(const tinyq_reduce_many_params *p, const int8_t *input, const int32_t *axes,
                                          int8_t *output)
{
    for (int32_t i = 0; i < p->outputs; ++i) {
        const int32_t sum = tinyq_reduce_many(tinyq_wrapping_add, p, input, axes, i, p->start);
        const int32_t value =
            tinyq_wrapping_add(tinyq_requantize(sum, p->multiplier, p->shift), p->output_offset);
        output[i] = (int8_t)tinyq_clamp(value, INT8_MIN, INT8_MAX);
    }
}

#endif
