/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_AVERAGE_POOL_2D_H
#define TINYQ_OWN_MVE_AVERAGE_POOL_2D_H

#include "../../tinyq_pool_2d_params.h"
#include "tinyq_mve.h"

typedef tinyq_pool_2d_params tinyq_own_mve_average_pool_2d_params;

/*
 * The mean of four sums of `count` taps, rounded half away from zero: floor((|sum| + count / 2) / count) with the
 * sign of the sum. VQRDMULH by 2^31 / count is off by less than one; the remainder says in which direction.
 */
TINYQ_MVE_INLINE int32x4_t tinyq_mve_mean(int32x4_t sum, int32_t count)
{
    const int32x4_t sign = vshrq_n_s32(sum, 31);
    const int32x4_t total = vaddq_n_s32(vabsq_s32(sum), count / 2);
    int32x4_t mean = total;
    if (count > 1) {
        mean = vqrdmulhq_n_s32(total, (int32_t)(0x80000000u / (uint32_t)count));
        const int32x4_t rest = vmlaq_n_s32(total, mean, -count);
        mean = vaddq_s32(mean, vshrq_n_s32(rest, 31)); /* too large by one */
        mean = vaddq_n_s32(mean, 1);
        const int32x4_t short_by_one = vshrq_n_s32(vmlaq_n_s32(total, mean, -count), 31); /* -1: it was not */
        mean = vaddq_s32(mean, short_by_one);
    }
    return vsubq_s32(veorq_s32(mean, sign), sign);
}

/* AVERAGE_POOL_2D, int8, batch 1. input [H,W,C], output [OH,OW,C]. The mean is over the taps inside the input. */
TINYQ_KERNEL void tinyq_own_mve_average_pool_2d(const tinyq_own_mve_average_pool_2d_params *p, const int8_t *input,
                                                int8_t *output)
{
    for (int32_t out_y = 0; out_y < p->output_height; ++out_y) {
        const int32_t top = out_y * p->stride_height - p->pad_top;
        const int32_t first_y = top > 0 ? top : 0;
        const int32_t end_y = top + p->filter_height < p->input_height ? top + p->filter_height : p->input_height;
        for (int32_t out_x = 0; out_x < p->output_width; ++out_x, output += p->channels) {
            const int32_t left = out_x * p->stride_width - p->pad_left;
            const int32_t first_x = left > 0 ? left : 0;
            const int32_t end_x = left + p->filter_width < p->input_width ? left + p->filter_width : p->input_width;
            const int32_t count = (end_y - first_y) * (end_x - first_x);
            for (int32_t c = 0; c < p->channels; c += TINYQ_MVE_QUAD) {
                const mve_pred16_t valid = vctp32q((uint32_t)(p->channels - c));
                int32x4_t sum = vdupq_n_s32(0);
                for (int32_t y = first_y; y < end_y; ++y) {
                    const int8_t *in = input + (y * p->input_width + first_x) * p->channels + c;
                    for (int32_t x = first_x; x < end_x; ++x, in += p->channels) {
                        sum = vaddq_s32(sum, vldrbq_z_s32(in, valid));
                    }
                }
                const int32x4_t mean = vmaxq_s32(tinyq_mve_mean(sum, count), vdupq_n_s32(p->activation_min));
                vstrbq_p_s32(output + c, vminq_s32(mean, vdupq_n_s32(p->activation_max)), valid);
            }
        }
    }
}

#endif
