/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_DSP_DEPTHWISE_CONV_2D_S16_H
#define TINYQ_OWN_DSP_DEPTHWISE_CONV_2D_S16_H

#include <string.h>

#include "../../tinyq_depthwise_conv_2d_params.h"
#include "tinyq_dot_s16.h"

static inline uint32_t tinyq_two_s16(const int16_t *from)
{
    uint32_t word;
    memcpy(&word, __builtin_assume_aligned(from, 4), sizeof word);
    return word;
}

/* Taps [ky0,ky1) x [kx0,kx1) of all channels of one pixel, whose window begins at `window`. */
static inline __attribute__((always_inline)) void
tinyq_depthwise_pixel_s16(const tinyq_depthwise_conv_2d_params *p, const int16_t *window, const int16_t *weights,
                          const int32_t *channels, int16_t *output, int32_t ky0, int32_t ky1, int32_t kx0, int32_t kx1)
{
    const int32_t depth = p->input_channels;
    for (int32_t c = 0; c < depth; c += 2, channels += 4) {
        int32_t even = channels[0], odd = channels[2];
        for (int32_t ky = ky0; ky < ky1; ++ky) {
            for (int32_t kx = kx0; kx < kx1; ++kx) {
                const int32_t at = ky * p->dilation_height * p->input_width + kx * p->dilation_width;
                const int32_t x = (int32_t)tinyq_two_s16(window + at * depth + c);
                const int32_t w = (int32_t)tinyq_two_s16(weights + (ky * p->filter_width + kx) * depth + c);
                even = __smlabb(x, w, even);
                odd = __smlatt(x, w, odd);
            }
        }
        output[c] = tinyq_output_s16(even, channels[1], p->activation_min, p->activation_max);
        output[c + 1] = tinyq_output_s16(odd, channels[3], p->activation_min, p->activation_max);
    }
}

/* The first tap at or behind `size` places from `start` on, or behind the last. */
static inline int32_t tinyq_taps_s16(int32_t start, int32_t size, int32_t dilation, int32_t taps)
{
    int32_t count = 0;
    while (count < taps && start + count * dilation < size) {
        ++count;
    }
    return count;
}

/*
 * DEPTHWISE_CONV_2D, int16 with int8 weights, batch 1, an even number of channels and as many outputs. input [H,W,C],
 * weights [KH,KW,C] as int16, channels [C,2] bias and multiplier, output [OH,OW,C]. Taps outside the input count as 0.
 */
TINYQ_KERNEL void tinyq_own_dsp_depthwise_conv_2d_s16(const tinyq_depthwise_conv_2d_params *p, const int16_t *input,
                                                      const int16_t *weights, const int32_t *channels, int16_t *output)
{
    const int32_t depth = p->input_channels;
    const int fits = (p->filter_height - 1) * p->dilation_height < p->input_height &&
                     (p->filter_width - 1) * p->dilation_width < p->input_width;
    for (int32_t out_y = 0; out_y < p->output_height; ++out_y) {
        const int32_t y = out_y * p->stride_height - p->pad_top;
        const int32_t ky0 = tinyq_taps_s16(y, 0, p->dilation_height, p->filter_height);
        const int32_t ky1 = tinyq_taps_s16(y, p->input_height, p->dilation_height, p->filter_height);
        for (int32_t out_x = 0; out_x < p->output_width; ++out_x, output += depth) {
            const int32_t x = out_x * p->stride_width - p->pad_left;
            const int32_t kx0 = tinyq_taps_s16(x, 0, p->dilation_width, p->filter_width);
            const int32_t kx1 = tinyq_taps_s16(x, p->input_width, p->dilation_width, p->filter_width);
            const int16_t *const window = input + (y * p->input_width + x) * depth;
            if (fits && ky0 == 0 && kx0 == 0 && ky1 == p->filter_height && kx1 == p->filter_width) {
                tinyq_depthwise_pixel_s16(p, window, weights, channels, output, 0, p->filter_height, 0, p->filter_width);
            } else {
                tinyq_depthwise_pixel_s16(p, window, weights, channels, output, ky0, ky1, kx0, kx1);
            }
        }
    }
}

#endif
