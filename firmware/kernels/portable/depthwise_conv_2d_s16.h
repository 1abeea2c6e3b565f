/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_DEPTHWISE_CONV_2D_S16_H
#define TINYQ_PORTABLE_DEPTHWISE_CONV_2D_S16_H

#include "../tinyq_depthwise_conv_2d_params.h"
#include "../tinyq_wide.h"

/* The products of one output; taps outside the input count as 0. */
static inline int64_t tinyq_depthwise_conv_2d_s16_sum(const tinyq_depthwise_conv_2d_params *p, const int16_t *input,
                                                      const int8_t *filter, int32_t out_y, int32_t out_x,
                                                      int32_t out_c)
{
    const int32_t in_c = out_c / p->depth_multiplier;
    int64_t sum = 0;
    for (int32_t ky = 0; ky < p->filter_height; ++ky) {
        const int32_t in_y = out_y * p->stride_height - p->pad_top + ky * p->dilation_height;
        if (in_y < 0 || in_y >= p->input_height) {
            continue;
        }
        for (int32_t kx = 0; kx < p->filter_width; ++kx) {
            const int32_t in_x = out_x * p->stride_width - p->pad_left + kx * p->dilation_width;
            if (in_x >= 0 && in_x < p->input_width) {
                sum += input[(in_y * p->input_width + in_x) * p->input_channels + in_c] *
                       filter[(ky * p->filter_width + kx) * p->output_channels + out_c];
            }
        }
    }
    return sum;
}

/*
 * DEPTHWISE_CONV_2D, int16 with int8 weights, batch 1, zero points 0. input [H,W,C], filter [KH,KW,C*M], bias,
 * multiplier and shift [C*M], output [OH,OW,C*M].
 */
TINYQ_KERNEL void tinyq_portable_depthwise_conv_2d_s16(const tinyq_depthwise_conv_2d_params *p, const int16_t *input,
                                                       const int8_t *filter, const int64_t *bias,
                                                       const int32_t *multiplier, const int32_t *shift,
                                                       int16_t *output)
{
    for (int32_t y = 0; y < p->output_height; ++y) {
        for (int32_t x = 0; x < p->output_width; ++x) {
            for (int32_t c = 0; c < p->output_channels; ++c) {
                const int64_t sum = bias[c] + tinyq_depthwise_conv_2d_s16_sum(p, input, filter, y, x, c);
                *output++ = tinyq_wide_result(sum, multiplier[c], shift[c], p->activation_min, p->activation_max);
            }
        }
    }
}

#endif
