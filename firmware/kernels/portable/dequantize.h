/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_DEQUANTIZE_H
#define TINYQ_PORTABLE_DEQUANTIZE_H

#include <string.h>

#include "../tinyq_affine_params.h"
#include "../tinyq_element.h"
#include "../tinyq_fixed_point.h"

/*
 * DEQUANTIZE to `size` float32 values, aligned to 4: the difference has at most 17 bits and the scale 24, so that one
 * rounded float multiplication is what TFLite rounds from double. Elements are read in order, each before it is written.
 */
TINYQ_BODY void tinyq_dequantize(const tinyq_affine_params *p, const void *input, int8_t *output, int wide)
{
    int8_t *reals = __builtin_assume_aligned(output, 4);
    for (int32_t i = 0; i < p->size; ++i) {
        const int32_t value = tinyq_load(input, i, wide);
        const float real = p->scale * (float)((wide ? value : (int8_t)(value ^ p->flip)) - p->zero_point);
        memcpy(reals + 4 * i, &real, sizeof real);
    }
}

TINYQ_KERNEL void tinyq_portable_dequantize(const tinyq_affine_params *p, const int8_t *input, int8_t *output)
{
    tinyq_dequantize(p, input, output, 0);
}

TINYQ_KERNEL void tinyq_portable_dequantize_s16(const tinyq_affine_params *p, const int16_t *input, int8_t *output)
{
    tinyq_dequantize(p, input, output, 1);
}

#endif
