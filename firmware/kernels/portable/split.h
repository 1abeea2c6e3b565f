/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_SPLIT_H
#define TINYQ_PORTABLE_SPLIT_H

#include <string.h>

#include "../tinyq_fixed_point.h"
#include "../tinyq_rows_params.h"

/* SPLIT, SPLIT_V and UNPACK, any type: each input row holds a part of every output; null for one that is not there. */
TINYQ_KERNEL void tinyq_portable_split(const tinyq_rows_params *p, const int8_t *input, int8_t *out0, int8_t *out1,
                                       int8_t *out2, int8_t *out3, int8_t *out4, int8_t *out5,
                                       int8_t *out6, int8_t *out7, int8_t *out8, int8_t *out9)
{
    int8_t *const outputs[TINYQ_MOST_PARTS] = {out0, out1, out2, out3, out4, out5, out6, out7, out8, out9};
    for (int32_t row = 0; row < p->rows; ++row) {
        for (int32_t i = 0; i < TINYQ_MOST_PARTS && p->parts[i] > 0; ++i) {
            memcpy(outputs[i] + row * p->parts[i], input, (size_t)p->parts[i]);
            input += p->parts[i];
        }
    }
}

#endif
