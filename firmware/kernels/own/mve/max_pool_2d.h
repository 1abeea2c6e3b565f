/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_MAX_POOL_2D_H
#define TINYQ_OWN_MVE_MAX_POOL_2D_H

#include "../../tinyq_pool_2d_params.h"
#include "tinyq_mve.h"

typedef tinyq_pool_2d_params tinyq_own_mve_max_pool_2d_params;

/* MAX_POOL_2D, int8, batch 1. input [H,W,C], output [OH,OW,C]; taps outside the input do not count. */
TINYQ_KERNEL void tinyq_own_mve_max_pool_2d(const tinyq_own_mve_max_pool_2d_params *p, const int8_t *input,
                                            int8_t *output)
{
    const tinyq_mve_output out = {0, 0, 0, 0, p->activation_min, p->activation_max};
    for (int32_t out_y = 0; out_y < p->output_height; ++out_y) {
        const int32_t top = out_y * p->stride_height - p->pad_top;
        const int32_t first_y = top > 0 ? top : 0;
        const int32_t end_y = top + p->filter_height < p->input_height ? top + p->filter_height : p->input_height;
        for (int32_t out_x = 0; out_x < p->output_width; ++out_x, output += p->channels) {
            const int32_t left = out_x * p->stride_width - p->pad_left;
            const int32_t first_x = left > 0 ? left : 0;
            const int32_t end_x = left + p->filter_width < p->input_width ? left + p->filter_width : p->input_width;
            for (int32_t c = 0; c < p->channels; c += TINYQ_MVE_VECTOR) {
                const mve_pred16_t valid = vctp8q((uint32_t)(p->channels - c));
                int8x16_t most = vdupq_n_s8(INT8_MIN);
                for (int32_t y = first_y; y < end_y; ++y) {
                    const int8_t *in = input + (y * p->input_width + first_x) * p->channels + c;
                    for (int32_t x = first_x; x < end_x; ++x, in += p->channels) {
                        most = vmaxq_s8(most, vld1q_z_s8(in, valid));
                    }
                }
                vst1q_p_s8(output + c, tinyq_mve_activate(most, out), valid);
            }
        }
    }
}

#endif
