/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_REDUCE_MAX_MANY_H
#define TINYQ_PORTABLE_REDUCE_MAX_MANY_H

#include "reduce_max.h"
#include "tinyq_reduce_many.h"

/* REDUCE_MAX over axes that lie apart. The output may be the input. */
TINYQ_BODY void tinyq_reduce_max_many(const tinyq_reduce_many_params *p, const void *input, const int32_t *axes,
                                      void *output, int wide)
{
    for (int32_t i = 0; i < p->outputs; ++i) {
        const int32_t value = tinyq_reduce_many(tinyq_max_of, p, input, axes, i, tinyq_least(wide), wide);
        tinyq_store(output, i, value, wide);
    }
}

TINYQ_KERNEL void tinyq_portable_reduce_max_many(const tinyq_reduce_many_params *p, const int8_t *input,
                                                 const int32_t *axes, int8_t *output)
{
    tinyq_reduce_max_many(p, input, axes, output, 0);
}

TINYQ_KERNEL void tinyq_portable_reduce_max_many_s16(const tinyq_reduce_many_params *p, const int16_t *input,
                                                     const int32_t *axes, int16_t *output)
{
    tinyq_reduce_max_many(p, input, axes, output, 1);
}

#endif
