/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_SOFTMAX_S16_H
#define TINYQ_PORTABLE_SOFTMAX_S16_H

#include "../tinyq_fixed_point.h"
#include "../tinyq_lookup_s16.h"
#include "../tinyq_softmax_s16_params.h"

/*
 * SOFTMAX, int16 with output scale 1/32768, zero points 0. exponential [513] is e^x over -10..0, reciprocal [513]
 * 1 / (1 + x) over 0..1, both Q0.15. input and output [rows,depth]; they may be the same: the exponentials of a row lie
 * in the output, each over an input that is read.
 */
TINYQ_KERNEL void tinyq_portable_softmax_s16(const tinyq_softmax_s16_params *p, const int16_t *input,
                                             const int16_t *exponential, const int16_t *reciprocal, int16_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->depth) {
        int32_t most = INT16_MIN;
        for (int32_t i = 0; i < p->depth; ++i) {
            most = input[i] > most ? input[i] : most;
        }
        int32_t sum = 0; /* Q16.15 */
        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t below = tinyq_requantize(input[i] - most, p->multiplier, p->shift);
            output[i] = tinyq_lookup_s16(tinyq_clamp(below + INT16_MAX, INT16_MIN, INT16_MAX), exponential);
            sum += output[i];
        }
        int32_t headroom = 0; /* bits above the highest one of the sum but the sign's */
        while (((sum << headroom) & 0x40000000) == 0) {
            ++headroom;
        }
        const int32_t fraction = (int32_t)((((int64_t)sum << headroom) + (1 << 13)) >> 14);
        const int32_t scale =
            tinyq_lookup_s16(tinyq_clamp(fraction - (1 << 15) - (1 << 16), INT16_MIN, INT16_MAX), reciprocal);
        const int32_t right = 30 - headroom;
        for (int32_t i = 0; i < p->depth; ++i) {
            output[i] = (int16_t)tinyq_clamp((output[i] * scale + (1 << (right - 1))) >> right, 0, INT16_MAX);
        }
    }
}

#endif
