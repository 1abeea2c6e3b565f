/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_SUM_MANY_H
#define TINYQ_PORTABLE_SUM_MANY_H

#include "tinyq_reduce_many.h"

/* SUM and MEAN over axes that lie apart. The output may be the input, as with SUM over few. */
TINYQ_BODY void tinyq_sum_many(const tinyq_reduce_many_params *p, const void *input, const int32_t *axes, void *output,
                               int wide)
{
    for (int32_t i = 0; i < p->outputs; ++i) {
        const int32_t sum = tinyq_reduce_many(tinyq_wrapping_add, p, input, axes, i, p->start, wide);
        const int32_t value =
            tinyq_wrapping_add(tinyq_requantize(sum, p->multiplier, p->shift), p->output_offset);
        tinyq_store(output, i, tinyq_clamp(value, tinyq_least(wide), tinyq_most(wide)), wide);
    }
}

TINYQ_KERNEL void tinyq_portable_sum_many(const tinyq_reduce_many_params *p, const int8_t *input,
                                          const int32_t *axes, int8_t *output)
{
    tinyq_sum_many(p, input, axes, output, 0);
}

TINYQ_KERNEL void tinyq_portable_sum_many_s16(const tinyq_reduce_many_params *p, const int16_t *input,
                                              const int32_t *axes, int16_t *output)
{
    tinyq_sum_many(p, input, axes, output, 1);
}

#endif
