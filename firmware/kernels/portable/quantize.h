/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_QUANTIZE_H
#define TINYQ_PORTABLE_QUANTIZE_H

#include <string.h>

#include "../tinyq_affine_params.h"
#include "../tinyq_element.h"
#include "../tinyq_fixed_point.h"

/* round(real / scale), halves away from zero, plus the zero point, clamped. NaN gives the lowest value. */
TINYQ_BODY int32_t tinyq_quantize_real(float real, float scale, int32_t zero_point, int wide)
{
    const float beyond = wide ? 131072.0f : 512.0f; /* outside whatever the zero point is */
    const float q = real / scale;
    if (!(q > -beyond)) {
        return tinyq_least(wide);
    }
    if (q > beyond) {
        return tinyq_most(wide);
    }
    const int32_t whole = (int32_t)q;
    const float rest = q - (float)whole; /* exact */
    const int32_t rounded = whole + (rest >= 0.5f ? 1 : (rest <= -0.5f ? -1 : 0));
    return tinyq_clamp(rounded + zero_point, tinyq_least(wide), tinyq_most(wide));
}

/*
 * QUANTIZE of `size` float32 values, aligned to 4. Each is read before any byte of it is written: the output may lie
 * where the input does.
 */
TINYQ_BODY void tinyq_quantize(const tinyq_affine_params *p, const int8_t *input, void *output, int wide)
{
    const int8_t *reals = __builtin_assume_aligned(input, 4);
    for (int32_t i = 0; i < p->size; ++i) {
        float real;
        memcpy(&real, reals + 4 * i, sizeof real);
        tinyq_store(output, i, tinyq_quantize_real(real, p->scale, p->zero_point, wide) ^ p->flip, wide);
    }
}

TINYQ_KERNEL void tinyq_portable_quantize(const tinyq_affine_params *p, const int8_t *input, int8_t *output)
{
    tinyq_quantize(p, input, output, 0);
}

TINYQ_KERNEL void tinyq_portable_quantize_s16(const tinyq_affine_params *p, const int8_t *input, int16_t *output)
{
    tinyq_quantize(p, input, output, 1);
}

#endif
