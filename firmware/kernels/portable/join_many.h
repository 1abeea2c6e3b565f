/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_JOIN_MANY_H
#define TINYQ_PORTABLE_JOIN_MANY_H

#include <string.h>

#include "../tinyq_fixed_point.h"
#include "../tinyq_rows_params.h"

/* CONCATENATION and PACK of many inputs, any type: each output row holds `parts[i]` bytes of input i. */
TINYQ_KERNEL void tinyq_portable_join_many(const tinyq_many_rows_params *p, const int32_t *parts, int8_t *output,
                                           const int8_t *const *inputs)
{
    for (int32_t row = 0; row < p->rows; ++row) {
        for (int32_t i = 0; i < p->count; ++i) {
            memcpy(output, inputs[i] + row * parts[i], (size_t)parts[i]);
            output += parts[i];
        }
    }
}

#endif
