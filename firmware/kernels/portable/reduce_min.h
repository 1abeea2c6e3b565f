/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_REDUCE_MIN_H
#define TINYQ_PORTABLE_REDUCE_MIN_H

#include "tinyq_reduce.h"

static inline int32_t tinyq_min_of(int32_t before, int32_t element)
{
    return element < before ? element : before;
}

/* REDUCE_MIN. The output may be the input, as with SUM. */
TINYQ_BODY void tinyq_reduce_min(const tinyq_reduce_params *p, const void *input, void *output, int wide)
{
    for (int32_t i = 0; i < tinyq_reduce_outputs(p); ++i) {
        const int32_t value = tinyq_reduce(tinyq_min_of, p, input, tinyq_reduce_first(p, i), tinyq_most(wide), wide);
        tinyq_store(output, i, value, wide);
    }
}

TINYQ_KERNEL void tinyq_portable_reduce_min(const tinyq_reduce_params *p, const int8_t *input, int8_t *output)
{
    tinyq_reduce_min(p, input, output, 0);
}

TINYQ_KERNEL void tinyq_portable_reduce_min_s16(const tinyq_reduce_params *p, const int16_t *input, int16_t *output)
{
    tinyq_reduce_min(p, input, output, 1);
}

#endif
