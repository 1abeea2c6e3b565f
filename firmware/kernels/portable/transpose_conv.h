/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_TRANSPOSE_CONV_H
#define TINYQ_PORTABLE_TRANSPOSE_CONV_H

#include "../tinyq_conv_2d_params.h"
#include "../tinyq_fixed_point.h"

/*
 * The place in the input, along one axis, that the filter's `tap` brings to `output`; -1 where that lies between two
 * elements or outside.
 */
static inline int32_t tinyq_transpose_conv_source(int32_t output, int32_t tap, int32_t stride, int32_t size)
{
    const int32_t place = output - tap;
    return place >= 0 && place % stride == 0 && place / stride < size ? place / stride : -1;
}

/*
 * TRANSPOSE_CONV, int8, batch 1. input [H,W,C], filter [O,KH,KW,C], bias, multiplier and shift [O], output [OH,OW,O].
 * Stride and padding are those of the output. Each output gathers what all inputs add to it.
 */
TINYQ_KERNEL void tinyq_portable_transpose_conv(const tinyq_conv_2d_params *p, const int8_t *input,
                                                const int8_t *filter, const int32_t *bias,
                                                const int32_t *multiplier, const int32_t *shift, int8_t *output)
{
    for (int32_t out_y = 0; out_y < p->output_height; ++out_y) {
        for (int32_t out_x = 0; out_x < p->output_width; ++out_x) {
            for (int32_t out_c = 0; out_c < p->output_channels; ++out_c) {
                int32_t sum = bias[out_c];
                for (int32_t ky = 0; ky < p->filter_height; ++ky) {
                    const int32_t in_y = tinyq_transpose_conv_source(out_y + p->pad_top, ky, p->stride_height,
                                                                     p->input_height);
                    for (int32_t kx = 0; in_y >= 0 && kx < p->filter_width; ++kx) {
                        const int32_t in_x = tinyq_transpose_conv_source(out_x + p->pad_left, kx, p->stride_width,
                                                                         p->input_width);
                        if (in_x < 0) {
                            continue;
                        }
                        const int8_t *in = input + (in_y * p->input_width + in_x) * p->input_channels;
                        const int8_t *w =
                            filter + ((out_c * p->filter_height + ky) * p->filter_width + kx) * p->input_channels;
                        for (int32_t c = 0; c < p->input_channels; ++c) {
                            sum = tinyq_wrapping_add(sum, (in[c] + p->input_offset) * w[c]);
                        }
                    }
                }
                const int32_t value = tinyq_wrapping_add(tinyq_requantize(sum, multiplier[out_c], shift[out_c]),
                                                         p->output_offset);
                *output++ = (int8_t)tinyq_clamp(value, p->activation_min, p->activation_max);
            }
        }
    }
}

#endif
