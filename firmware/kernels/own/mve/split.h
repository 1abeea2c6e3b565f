/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_SPLIT_H
#define TINYQ_OWN_MVE_SPLIT_H

#include "../../tinyq_rows_params.h"
#include "tinyq_mve_move.h"

typedef tinyq_rows_params tinyq_own_mve_split_params;

/* SPLIT, SPLIT_V and UNPACK, any type: each input row holds a part of every output; null for one that is not there. */
TINYQ_KERNEL void tinyq_own_mve_split(const tinyq_own_mve_split_params *p, const int8_t *input, int8_t *out0,
                                      int8_t *out1, int8_t *out2, int8_t *out3, int8_t *out4, int8_t *out5,
                                      int8_t *out6, int8_t *out7, int8_t *out8, int8_t *out9)
{
    int8_t *outputs[TINYQ_MOST_PARTS] = {out0, out1, out2, out3, out4, out5, out6, out7, out8, out9};
    for (int32_t row = 0; row < p->rows; ++row) {
        TINYQ_MVE_EACH_PART
        for (int32_t i = 0; i < TINYQ_MOST_PARTS; ++i) {
            if (p->parts[i] <= 0) {
                break;
            }
            tinyq_mve_run(outputs[i], input, p->parts[i]);
            outputs[i] += p->parts[i];
            input += p->parts[i];
        }
    }
}

#endif
