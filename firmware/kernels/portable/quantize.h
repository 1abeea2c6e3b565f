/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_QUANTIZE_H
#define TINYQ_PORTABLE_QUANTIZE_H

#include <string.h>

#include "../tinyq_affine_params.h"
#include "../tinyq_fixed_point.h"

/* round(real / scale), halves away from zero, plus the zero point, in int8. NaN gives the lowest value. */
static inline int8_t tinyq_quantize_real(float real, float scale, int32_t zero_point)
{
    const float q = real / scale;
    if (!(q > -512.0f)) {
        return INT8_MIN;
    }
    if (q > 512.0f) {
        return INT8_MAX;
    }
    const int32_t whole = (int32_t)q;
    const float rest = q - (float)whole; /* exact */
    const int32_t rounded = whole + (rest >= 0.5f ? 1 : (rest <= -0.5f ? -1 : 0));
    return (int8_t)tinyq_clamp(rounded + zero_point, INT8_MIN, INT8_MAX);
}

/*
 * QUANTIZE of `size` float32 values, aligned to 4. Each is read before any byte of it is written: the output may lie
 * where the input does.
 */
TINYQ_KERNEL void tinyq_portable_quantize(const tinyq_affine_params *p, const int8_t *input, int8_t *output)
{
    const int8_t *reals = __builtin_assume_aligned(input, 4);
    for (int32_t i = 0; i < p->size; ++i) {
        float real;
        memcpy(&real, reals + 4 * i, sizeof real);
        output[i] = (int8_t)(tinyq_quantize_real(real, p->scale, p->zero_point) ^ p->flip);
    }
}

#endif
