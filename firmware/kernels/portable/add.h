/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_ADD_H
#define TINYQ_PORTABLE_ADD_H

#include "../tinyq_add_params.h"
#include "../tinyq_fixed_point.h"

/* ADD, int8, elementwise over `size`. Each element is read before it is written: output may be either input. */
TINYQ_KERNEL void tinyq_portable_add(const tinyq_add_params *p, const int8_t *input1, const int8_t *input2,
                                     int8_t *output)
{
    for (int32_t i = 0; i < p->size; ++i) {
        const int32_t a = (input1[i] + p->input1_offset) * (1 << p->left_shift);
        const int32_t b = (input2[i] + p->input2_offset) * (1 << p->left_shift);
        const int32_t sum = tinyq_requantize(a, p->input1_multiplier, p->input1_shift) +
                            tinyq_requantize(b, p->input2_multiplier, p->input2_shift);
        const int32_t value = tinyq_wrapping_add(tinyq_requantize(sum, p->output_multiplier, p->output_shift),
                                                 p->output_offset);
        output[i] = (int8_t)tinyq_clamp(value, p->activation_min, p->activation_max);
    }
}

#endif
