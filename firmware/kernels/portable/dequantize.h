/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_DEQUANTIZE_H
#define TINYQ_PORTABLE_DEQUANTIZE_H

#include <string.h>

#include "../tinyq_affine_params.h"
#include "../tinyq_fixed_point.h"

/*
 * DEQUANTIZE to `size` float32 values, aligned to 4: the difference has 9 bits and the scale 24, so that one rounded
 * float multiplication is what TFLite rounds from double. Elements are read in order, each before it is written.
 */
TINYQ_KERNEL void tinyq_portable_dequantize(const tinyq_affine_params *p, const int8_t *input, int8_t *output)
{
    int8_t *reals = __builtin_assume_aligned(output, 4);
    for (int32_t i = 0; i < p->size; ++i) {
        const float real = p->scale * (float)((int8_t)(input[i] ^ p->flip) - p->zero_point);
        memcpy(reals + 4 * i, &real, sizeof real);
    }
}

#endif
