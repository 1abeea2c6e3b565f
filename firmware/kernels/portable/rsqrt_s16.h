/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_RSQRT_S16_H
#define TINYQ_PORTABLE_RSQRT_S16_H

#include "../tinyq_fixed_functions.h"
#include "../tinyq_rsqrt_params.h"

/*
 * RSQRT, int16, zero points 0, elementwise over `size`: a root with 20 bits of fraction, rescaled. What is not above 0
 * gives the largest output. Each element is read before it is written.
 */
TINYQ_KERNEL void tinyq_portable_rsqrt_s16(const tinyq_rsqrt_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->size; ++i) {
        int32_t value = INT16_MAX;
        if (input[i] > 0) {
            const tinyq_factor inverse = tinyq_inverse_sqrt(input[i]);
            const int32_t root = tinyq_requantize(1, inverse.mantissa, inverse.shift + 20);
            value = tinyq_requantize(root, p->multiplier, p->shift);
        }
        output[i] = (int16_t)tinyq_clamp(value, INT16_MIN, INT16_MAX);
    }
}

#endif
