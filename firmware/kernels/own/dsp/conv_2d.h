/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_DSP_CONV_2D_H
#define TINYQ_OWN_DSP_CONV_2D_H

#include "../tinyq_own_requantize.h"
#include "tinyq_dot.h"
#include "tinyq_own_dsp_conv_2d_params.h"
#include "tinyq_strip.h"

/* Requantises one sum. `factors` are multiplier, offset and, but for RISING, shift. */
static inline __attribute__((always_inline)) int8_t tinyq_own_dsp_output(const tinyq_own_dsp_conv_2d_params *p,
                                                                         int32_t sum, const int32_t *factors)
{
    const int32_t shift = p->requantization == TINYQ_OWN_RISING ? p->shift : factors[2];
    const int32_t value = tinyq_own_requantize(p->requantization, sum, factors[0], factors[1], shift);
    return (int8_t)tinyq_own_activate(value, p->activation_min, p->activation_max);
}

/*
 * All output channels of the `pixels` (1, 2 or 3) pixels in the strip, which follow each other in the output.
 * `channels` are, for each pair a and b, the two biases, the factors of a and the factors of b.
 */
static inline __attribute__((always_inline)) void tinyq_own_dsp_conv_2d_tile(const tinyq_own_dsp_conv_2d_params *p,
                                                                             const int16_t *strip,
                                                                             const void *weights,
                                                                             const int32_t *channels, int32_t pixels,
                                                                             int8_t *output)
{
    const int32_t words = TINYQ_OWN_CHANNEL_WORDS(p->requantization) - 1;
    const int32_t count = p->output_channels;
    for (int32_t c = 0; c < count; c += 2, channels += 2 + 2 * words, output += 2) {
        const int32_t a = channels[0], b = channels[1];
        tinyq_sums sums = {{a, a, a}, {b, b, b}};
        weights = tinyq_dot_2x3(&sums, weights, strip, p->quads, p->once, p->repeated, p->form);
        for (int32_t i = 0; i < pixels; ++i) {
            const int32_t difference = (int32_t)((uint32_t)sums.a[i] - (uint32_t)sums.b[i]);
            const int32_t sum = p->form == TINYQ_WEIGHTS_BLENDED ? difference >> 8 : sums.a[i];
            output[i * count] = tinyq_own_dsp_output(p, sum, channels + 2);
        }
        if (c + 1 < count) {
            for (int32_t i = 0; i < pixels; ++i) {
                output[i * count + 1] = tinyq_own_dsp_output(p, sums.b[i], channels + 2 + words);
            }
        }
    }
}

/*
 * CONV_2D, int8, batch 1, one group. input [H,W,C], weights and channels as kernels/own/dsp_conv_2d.py packs them;
 * scratch 4-aligned; output [OH,OW,O]. Three neighbouring pixels a step, across the ends of rows: their windows are read
 * before they are written, and none is read again. What the last step computes beyond the output goes to the scratch.
 */
TINYQ_KERNEL void tinyq_own_dsp_conv_2d(const tinyq_own_dsp_conv_2d_params *p, const int8_t *input,
                                        const void *weights, const int32_t *channels, uint8_t *scratch,
                                        int8_t *output)
{
    const tinyq_strip s = tinyq_strip_begin(p, scratch);
    const int32_t count = p->output_height * p->output_width;
    const int32_t pixels = count < TINYQ_STRIP_PIXELS ? count : TINYQ_STRIP_PIXELS;
    int32_t y = 0, x = 0;
    for (int32_t pixel = 0; pixel < count; pixel += pixels, output += pixels * p->output_channels) {
        const int32_t wanted = count - pixel < pixels ? count - pixel : pixels;
        for (int32_t place = 0; place < wanted; ++place) {
            tinyq_expand_window(p, input, y, x, place, &s);
            if (++x == p->output_width) {
                x = 0;
                ++y;
            }
        }
        int8_t *const target = wanted == pixels ? output : s.beyond;
        tinyq_own_dsp_conv_2d_tile(p, s.strip, weights, channels, pixels, target);
        if (target != output) {
            memcpy(output, target, (size_t)(wanted * p->output_channels));
        }
    }
}

#endif
