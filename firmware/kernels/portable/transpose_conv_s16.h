/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_TRANSPOSE_CONV_S16_H
#define TINYQ_PORTABLE_TRANSPOSE_CONV_S16_H

#include "../tinyq_wide.h"
#include "transpose_conv.h"

/* The products that reach one output. */
static inline int64_t tinyq_transpose_conv_s16_sum(const tinyq_conv_2d_params *p, const int16_t *input,
                                                   const int8_t *filter, int32_t out_y, int32_t out_x,
                                                   int32_t out_c)
{
    const int8_t *taps = filter + out_c * p->filter_height * p->filter_width * p->input_channels;
    int64_t sum = 0;
    for (int32_t ky = 0; ky < p->filter_height; ++ky) {
        const int32_t in_y =
            tinyq_transpose_conv_source(out_y + p->pad_top, ky, p->stride_height, p->input_height);
        for (int32_t kx = 0; in_y >= 0 && kx < p->filter_width; ++kx) {
            const int32_t in_x =
                tinyq_transpose_conv_source(out_x + p->pad_left, kx, p->stride_width, p->input_width);
            if (in_x < 0) {
                continue;
            }
            const int16_t *in = input + (in_y * p->input_width + in_x) * p->input_channels;
            const int8_t *w = taps + (ky * p->filter_width + kx) * p->input_channels;
            for (int32_t c = 0; c < p->input_channels; ++c) {
                sum += in[c] * w[c];
            }
        }
    }
    return sum;
}

/*
 * TRANSPOSE_CONV, int16 with int8 weights, batch 1, zero points 0. input [H,W,C], filter [O,KH,KW,C], bias,
 * multiplier and shift [O], output [OH,OW,O]. Stride and padding are those of the output.
 */
TINYQ_KERNEL void tinyq_portable_transpose_conv_s16(const tinyq_conv_2d_params *p, const int16_t *input,
                                                    const int8_t *filter, const int64_t *bias,
                                                    const int32_t *multiplier, const int32_t *shift,
                                                    int16_t *output)
{
    for (int32_t y = 0; y < p->output_height; ++y) {
        for (int32_t x = 0; x < p->output_width; ++x) {
            for (int32_t c = 0; c < p->output_channels; ++c) {
                const int64_t sum = bias[c] + tinyq_transpose_conv_s16_sum(p, input, filter, y, x, c);
                *output++ = tinyq_wide_result(sum, multiplier[c], shift[c], p->activation_min, p->activation_max);
            }
        }
    }
}

#endif
