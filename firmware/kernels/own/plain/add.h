/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_ADD_H
#define TINYQ_OWN_PLAIN_ADD_H

#include "../tinyq_own_add_params.h"
#include "../tinyq_own_requantize.h"

/*
 * ADD, int8, elementwise over `size`: two multiply-accumulates, a shift and a saturation each. An element is read
 * before it is written: output may be either input.
 */
TINYQ_KERNEL void tinyq_own_plain_add(const tinyq_own_add_params *p, const int8_t *input1, const int8_t *input2,
                                      int8_t *output)
{
    const int32_t slope1 = p->slope1, slope2 = p->slope2, offset = p->offset, shift = p->shift;
    const int32_t low = p->activation_min, high = p->activation_max;
#pragma GCC unroll 4
    for (int32_t left = p->size; left > 0; --left) {
        const int32_t sum = *input1++ * slope1 + offset + *input2++ * slope2;
        *output++ = (int8_t)tinyq_own_activate(tinyq_shift_saturate(sum, shift), low, high);
    }
}

#endif
