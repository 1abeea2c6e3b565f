/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_REDUCE_MAX_MANY_H
#define TINYQ_PORTABLE_REDUCE_MAX_MANY_H

#include "reduce_max.h"
#include "tinyq_reduce_many.h"

/* REDUCE_MAX, int8, over axes that lie apart. The output may be the input. */
TINYQ_KERNEL void tinyq_portable_reduce_max_many(const tinyq_reduce_many_params *p, const int8_t *input,
                                                 const int32_t *axes, int8_t *output)
{
    for (int32_t i = 0; i < p->outputs; ++i) {
        output[i] = (int8_t)tinyq_reduce_many(tinyq_max_of, p, input, axes, i, INT8_MIN);
    }
}

#endif
