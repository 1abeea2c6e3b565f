/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_REDUCE_MIN_H
#define TINYQ_PORTABLE_REDUCE_MIN_H

#include "tinyq_reduce.h"

static inline int32_t tinyq_min_of(int32_t before, int32_t element)
{
    return element < before ? element : before;
}

/* REDUCE_MIN, int8. The output may be the input, as with SUM. */
TINYQ_KERNEL void tinyq_portable_reduce_min(const tinyq_reduce_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t i = 0; i < tinyq_reduce_outputs(p); ++i) {
        output[i] = (int8_t)tinyq_reduce(tinyq_min_of, p, input + tinyq_reduce_first(p, i), INT8_MAX);
    }
}

#endif
