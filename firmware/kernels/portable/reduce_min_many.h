/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_REDUCE_MIN_MANY_H
#define TINYQ_PORTABLE_REDUCE_MIN_MANY_H

#include "reduce_min.h"
#include "tinyq_reduce_many.h"

/* REDUCE_MIN, int8, over axes that lie apart. The output may be the input. */
TINYQ_KERNEL void tinyq_portable_reduce_min_many(const tinyq_reduce_many_params *p, const int8_t *input,
                                                 const int32_t *axes, int8_t *output)
{
    for (int32_t i = 0; i < p->outputs; ++i) {
        output[i] = (int8_t)tinyq_reduce_many(tinyq_min_of, p, input, axes, i, INT8_MAX);
    }
}

#endif
