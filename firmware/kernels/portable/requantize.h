/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_REQUANTIZE_H
#define TINYQ_PORTABLE_REQUANTIZE_H

#include "../tinyq_element.h"
#include "../tinyq_fixed_point.h"
#include "../tinyq_requantize_params.h"

/*
 * QUANTIZE between int8, uint8 and int16, elementwise over `size`. Elements are read in order, each before it is
 * written: the output may be the input where it is not wider.
 */
TINYQ_BODY void tinyq_requantize_all(const tinyq_requantize_params *p, const void *input, void *output,
                                     int from_wide, int to_wide)
{
    for (int32_t i = 0; i < p->size; ++i) {
        const int32_t element = tinyq_load(input, i, from_wide);
        const int32_t value = (from_wide ? element : (int8_t)(element ^ p->input_flip)) + p->input_offset;
        const int32_t scaled =
            tinyq_wrapping_add(tinyq_requantize(value, p->multiplier, p->shift), p->output_offset);
        const int32_t result = tinyq_clamp(scaled, tinyq_least(to_wide), tinyq_most(to_wide));
        tinyq_store(output, i, result ^ p->output_flip, to_wide);
    }
}

TINYQ_KERNEL void tinyq_portable_requantize(const tinyq_requantize_params *p, const int8_t *input, int8_t *output)
{
    tinyq_requantize_all(p, input, output, 0, 0);
}

TINYQ_KERNEL void tinyq_portable_requantize_s8_s16(const tinyq_requantize_params *p, const int8_t *input,
                                                   int16_t *output)
{
    tinyq_requantize_all(p, input, output, 0, 1);
}

TINYQ_KERNEL void tinyq_portable_requantize_s16_s8(const tinyq_requantize_params *p, const int16_t *input,
                                                   int8_t *output)
{
    tinyq_requantize_all(p, input, output, 1, 0);
}

TINYQ_KERNEL void tinyq_portable_requantize_s16(const tinyq_requantize_params *p, const int16_t *input,
                                                int16_t *output)
{
    tinyq_requantize_all(p, input, output, 1, 1);
}

#endif
