/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_DSP_DEPTHWISE_CONV_2D_FEW_H
#define TINYQ_OWN_DSP_DEPTHWISE_CONV_2D_FEW_H

#include "tinyq_planes.h"

TINYQ_INLINE int8_t tinyq_depthwise_few_result(const tinyq_own_depthwise_params *p, const int32_t *channel, int32_t acc)
{
    const int32_t shift = p->kind == TINYQ_OWN_RISING ? p->shift : channel[3];
    const int32_t value = tinyq_own_requantize(p->kind, acc, channel[1], channel[2], shift);
    return (int8_t)tinyq_own_activate(value, p->activation_min, p->activation_max);
}

/* One output pixel of one channel. */
TINYQ_INLINE int8_t tinyq_depthwise_few_1(const tinyq_own_depthwise_params *p, const int8_t *x, const int8_t *w,
                                          const int32_t *channel)
{
    int32_t acc = channel[0];
    for (int32_t ky = 0; ky < p->filter_height; ++ky) {
        for (int32_t kx = 0; kx < p->filter_width; ++kx, w += p->input_channels) {
            acc = tinyq_wrapping_add(acc, x[kx * p->input_channels] * *w);
        }
        x += p->dilation_height * p->input_width * p->input_channels;
    }
    return tinyq_depthwise_few_result(p, channel, acc);
}

/* One output pixel of four channels. */
TINYQ_INLINE void tinyq_depthwise_few_4(const tinyq_own_depthwise_params *p, const int8_t *x, const int8_t *w,
                                        const int32_t *channel, int8_t *output)
{
    const int32_t words = TINYQ_OWN_CHANNEL_WORDS(p->kind);
    int32_t a = channel[0], b = channel[words], c = channel[2 * words], d = channel[3 * words];
    for (int32_t ky = 0; ky < p->filter_height; ++ky) {
        const int8_t *in = x;
#pragma GCC unroll 4
        for (int32_t kx = p->filter_width; kx > 0; --kx) {
            const uint32_t four = tinyq_bytes4(in), taps = tinyq_bytes4(w);
            const int32_t even = (int32_t)__sxtb16(four), odd = tinyq_odd_bytes(four);
            const int32_t even_taps = (int32_t)__sxtb16(taps), odd_taps = tinyq_odd_bytes(taps);
            a = __smlabb(even, even_taps, a);
            b = __smlabb(odd, odd_taps, b);
            c = __smlatt(even, even_taps, c);
            d = __smlatt(odd, odd_taps, d);
            in += p->input_channels;
            w += p->input_channels;
        }
        x += p->dilation_height * p->input_width * p->input_channels;
    }
    output[0] = tinyq_depthwise_few_result(p, channel, a);
    output[1] = tinyq_depthwise_few_result(p, channel + words, b);
    output[2] = tinyq_depthwise_few_result(p, channel + 2 * words, c);
    output[3] = tinyq_depthwise_few_result(p, channel + 3 * words, d);
}

/*
 * DEPTHWISE_CONV_2D with M = 1, no padding and few output pixels, int8, batch 1: too few to pay for planes. input
 * [H,W,C]; filter [KH,KW,C]; channels [C] of bias, multiplier, offset and shift (see tinyq_own_requantize.h); output
 * [OH,OW,C].
 */
TINYQ_KERNEL void tinyq_own_dsp_depthwise_conv_2d_few(const tinyq_own_depthwise_params *p, const int8_t *input,
                                                      const int8_t *filter, const int32_t *channels, int8_t *output)
{
    const tinyq_own_depthwise_params copy = *p; /* bytes that are stored may not lie in it */
    const int32_t words = TINYQ_OWN_CHANNEL_WORDS(copy.kind), depth = copy.input_channels;
    const int32_t fours = depth - depth % 4;
    for (int32_t y = 0; y < copy.output_height; ++y) {
        for (int32_t x = 0; x < copy.output_width; ++x, output += depth) {
            const int8_t *in = input + (y * copy.stride_height * copy.input_width + x * copy.stride_width) * depth;
            for (int32_t i = 0; i < fours; i += 4) {
                tinyq_depthwise_few_4(&copy, in + i, filter + i, channels + i * words, output + i);
            }
            for (int32_t i = fours; i < depth; ++i) {
                output[i] = tinyq_depthwise_few_1(&copy, in + i, filter + i, channels + i * words);
            }
        }
    }
}

#endif
