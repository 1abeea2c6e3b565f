/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_SPLIT_MANY_H
#define TINYQ_PORTABLE_SPLIT_MANY_H

#include <string.h>

#include "../tinyq_fixed_point.h"
#include "../tinyq_rows_params.h"

/* SPLIT, SPLIT_V and UNPACK into many outputs, any type: each input row holds `parts[i]` bytes of output i. */
TINYQ_KERNEL void tinyq_portable_split_many(const tinyq_many_rows_params *p, const int32_t *parts, const int8_t *input,
                                            int8_t *const *outputs)
{
    for (int32_t row = 0; row < p->rows; ++row) {
        for (int32_t i = 0; i < p->count; ++i) {
            memcpy(outputs[i] + row * parts[i], input, (size_t)parts[i]);
            input += parts[i];
        }
    }
}

#endif
