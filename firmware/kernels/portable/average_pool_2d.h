/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_AVERAGE_POOL_2D_H
#define TINYQ_PORTABLE_AVERAGE_POOL_2D_H

#include "../tinyq_element.h"
#include "../tinyq_fixed_point.h"
#include "../tinyq_pool_2d_params.h"

/*
 * AVERAGE_POOL_2D, batch 1. input [H,W,C], output [OH,OW,C]. The mean is over the taps inside the
 * input, rounded half away from zero.
 */
TINYQ_BODY void tinyq_average_pool_2d(const tinyq_pool_2d_params *p, const void *input, void *output, int wide)
{
    int32_t at = 0;
    for (int32_t out_y = 0; out_y < p->output_height; ++out_y) {
        const int32_t top = out_y * p->stride_height - p->pad_top;
        for (int32_t out_x = 0; out_x < p->output_width; ++out_x) {
            const int32_t left = out_x * p->stride_width - p->pad_left;
            for (int32_t c = 0; c < p->channels; ++c) {
                int32_t sum = 0;
                int32_t count = 0;
                for (int32_t ky = 0; ky < p->filter_height; ++ky) {
                    for (int32_t kx = 0; kx < p->filter_width; ++kx) {
                        const int32_t y = top + ky;
                        const int32_t x = left + kx;
                        if (y < 0 || y >= p->input_height || x < 0 || x >= p->input_width) {
                            continue;
                        }
                        sum += tinyq_load(input, (y * p->input_width + x) * p->channels + c, wide);
                        ++count;
                    }
                }
                const int32_t mean = sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
                tinyq_store(output, at++, tinyq_clamp(mean, p->activation_min, p->activation_max), wide);
            }
        }
    }
}

TINYQ_KERNEL void tinyq_portable_average_pool_2d(const tinyq_pool_2d_params *p, const int8_t *input, int8_t *output)
{
    tinyq_average_pool_2d(p, input, output, 0);
}

TINYQ_KERNEL void tinyq_portable_average_pool_2d_s16(const tinyq_pool_2d_params *p, const int16_t *input,
                                                     int16_t *output)
{
    tinyq_average_pool_2d(p, input, output, 1);
}

#endif
