/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_JOIN_H
#define TINYQ_OWN_MVE_JOIN_H

#include "../../tinyq_rows_params.h"
#include "tinyq_mve_move.h"

typedef tinyq_rows_params tinyq_own_mve_join_params;

/* CONCATENATION and PACK, any type: each output row holds a part of every input; null for an input that is not there. */
TINYQ_KERNEL void tinyq_own_mve_join(const tinyq_own_mve_join_params *p, const int8_t *in0, const int8_t *in1,
                                     const int8_t *in2, const int8_t *in3, const int8_t *in4, const int8_t *in5,
                                     const int8_t *in6, const int8_t *in7, const int8_t *in8, const int8_t *in9,
                                     int8_t *output)
{
    const int8_t *inputs[TINYQ_MOST_PARTS] = {in0, in1, in2, in3, in4, in5, in6, in7, in8, in9};
    for (int32_t row = 0; row < p->rows; ++row) {
        TINYQ_MVE_EACH_PART
        for (int32_t i = 0; i < TINYQ_MOST_PARTS; ++i) {
            if (p->parts[i] <= 0) {
                break;
            }
            tinyq_mve_run(output, inputs[i], p->parts[i]);
            inputs[i] += p->parts[i];
            output += p->parts[i];
        }
    }
}

#endif
