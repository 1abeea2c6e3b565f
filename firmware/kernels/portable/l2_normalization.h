/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_L2_NORMALIZATION_H
#define TINYQ_PORTABLE_L2_NORMALIZATION_H

#include "../tinyq_fixed_functions.h"
#include "../tinyq_l2_normalization_params.h"

/*
 * L2_NORMALIZATION, int8 with output scale 1/128 and zero point 0. input and output [rows,depth];
 * they may be the same.
 */
TINYQ_KERNEL void tinyq_portable_l2_normalization(const tinyq_l2_normalization_params *p,
                                                  const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->depth) {
        int32_t sum = 0;
        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t value = input[i] + p->input_offset;
            sum += value * value;
        }
        const tinyq_factor factor = tinyq_inverse_sqrt(sum);
        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t value = input[i] + p->input_offset;
            const int32_t scaled = tinyq_requantize(value, factor.mantissa, factor.shift + 7);
            output[i] = (int8_t)tinyq_clamp(scaled, INT8_MIN, INT8_MAX);
        }
    }
}

#endif
