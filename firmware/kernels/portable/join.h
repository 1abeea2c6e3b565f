/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_JOIN_H
#define TINYQ_PORTABLE_JOIN_H

#include <string.h>

#include "../tinyq_fixed_point.h"
#include "../tinyq_rows_params.h"

/* CONCATENATION and PACK, any type: each output row holds a part of every input; null for an input that is not there. */
TINYQ_KERNEL void tinyq_portable_join(const tinyq_rows_params *p, const int8_t *in0, const int8_t *in1,
                                      const int8_t *in2, const int8_t *in3, const int8_t *in4,
                                      const int8_t *in5, const int8_t *in6, const int8_t *in7,
                                      const int8_t *in8, const int8_t *in9, int8_t *output)
{
    const int8_t *const inputs[TINYQ_MOST_PARTS] = {in0, in1, in2, in3, in4, in5, in6, in7, in8, in9};
    for (int32_t row = 0; row < p->rows; ++row) {
        for (int32_t i = 0; i < TINYQ_MOST_PARTS && p->parts[i] > 0; ++i) {
            memcpy(output, inputs[i] + row * p->parts[i], (size_t)p->parts[i]);
            output += p->parts[i];
        }
    }
}

#endif
