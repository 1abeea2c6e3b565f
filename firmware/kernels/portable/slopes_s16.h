/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_SLOPES_S16_H
#define TINYQ_PORTABLE_SLOPES_S16_H

#include "../tinyq_fixed_point.h"
#include "../tinyq_slopes_params.h"

/* Two straight lines that meet at 0, elementwise over `size`. Each element is read before it is written. */
TINYQ_KERNEL void tinyq_portable_slopes_s16(const tinyq_slopes_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->size; ++i) {
        const int32_t x = input[i];
        const int32_t above = tinyq_requantize(x, p->above_multiplier, p->above_shift);
        const int32_t below = tinyq_requantize(p->sign_before * x, p->below_multiplier, p->below_shift);
        const int32_t value = x < 0 ? p->sign_after * below : above;
        output[i] = (int16_t)tinyq_clamp(value, p->output_min, p->output_max);
    }
}

#endif
