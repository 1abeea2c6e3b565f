/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_REQUANTIZE_H
#define TINYQ_PORTABLE_REQUANTIZE_H

#include "../tinyq_fixed_point.h"
#include "../tinyq_requantize_params.h"

/* QUANTIZE between int8 and uint8, elementwise over `size`: the output may be the input. */
TINYQ_KERNEL void tinyq_portable_requantize(const tinyq_requantize_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t i = 0; i < p->size; ++i) {
        const int32_t value = (int8_t)(input[i] ^ p->input_flip) + p->input_offset;
        const int32_t scaled =
            tinyq_wrapping_add(tinyq_requantize(value, p->multiplier, p->shift), p->output_offset);
        output[i] = (int8_t)(tinyq_clamp(scaled, INT8_MIN, INT8_MAX) ^ p->output_flip);
    }
}

#endif
