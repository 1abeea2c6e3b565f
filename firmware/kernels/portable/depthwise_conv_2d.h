/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_DEPTHWISE_CONV_2D_H
#define TINYQ_PORTABLE_DEPTHWISE_CONV_2D_H

#include "../tinyq_depthwise_conv_2d_params.h"
#include "../tinyq_element.h"
#include "../tinyq_fixed_point.h"

/*
 * DEPTHWISE_CONV_2D, int8, batch 1. input [H,W,C], filter [KH,KW,C*M], bias, multiplier and shift [C*M],
 * output [OH,OW,C*M]; output channel c*M+m reads input channel c.
 */
TINYQ_BODY void tinyq_depthwise_conv_2d(const tinyq_depthwise_conv_2d_params *p, const int8_t *input,
                                        const int8_t *filter, const int32_t *bias, const int32_t *multiplier,
                                        const int32_t *shift, int8_t *output, int packed)
{
    for (int32_t out_y = 0; out_y < p->output_height; ++out_y) {
        for (int32_t out_x = 0; out_x < p->output_width; ++out_x) {
            for (int32_t out_c = 0; out_c < p->output_channels; ++out_c) {
                const int32_t in_c = out_c / p->depth_multiplier;
                int32_t sum = bias[out_c];
                for (int32_t ky = 0; ky < p->filter_height; ++ky) {
                    const int32_t in_y = out_y * p->stride_height - p->pad_top + ky * p->dilation_height;
                    if (in_y < 0 || in_y >= p->input_height) {
                        continue;
                    }
                    for (int32_t kx = 0; kx < p->filter_width; ++kx) {
                        const int32_t in_x = out_x * p->stride_width - p->pad_left + kx * p->dilation_width;
                        if (in_x < 0 || in_x >= p->input_width) {
                            continue;
                        }
                        const int32_t in = input[(in_y * p->input_width + in_x) * p->input_channels + in_c];
                        const int32_t w = tinyq_weight(
                            filter, (ky * p->filter_width + kx) * p->output_channels + out_c, packed);
                        sum = tinyq_wrapping_add(sum, (in + p->input_offset) * w);
                    }
                }
                const int32_t value = tinyq_wrapping_add(tinyq_requantize(sum, multiplier[out_c], shift[out_c]),
                                                         p->output_offset);
                *output++ = (int8_t)tinyq_clamp(value, p->activation_min, p->activation_max);
            }
        }
    }
}

TINYQ_KERNEL void tinyq_portable_depthwise_conv_2d(const tinyq_depthwise_conv_2d_params *p, const int8_t *input,
                                                   const int8_t *filter, const int32_t *bias,
                                                   const int32_t *multiplier, const int32_t *shift, int8_t *output)
{
    tinyq_depthwise_conv_2d(p, input, filter, bias, multiplier, shift, output, 0);
}

/* The same with int4 weights. */
TINYQ_KERNEL void tinyq_portable_depthwise_conv_2d_s4(const tinyq_depthwise_conv_2d_params *p, const int8_t *input,
                                                      const int8_t *filter, const int32_t *bias,
                                                      const int32_t *multiplier, const int32_t *shift, int8_t *output)
{
    tinyq_depthwise_conv_2d(p, input, filter, bias, multiplier, shift, output, 1);
}

#endif
