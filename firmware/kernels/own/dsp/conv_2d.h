/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_DSP_CONV_2D_H
#define TINYQ_OWN_DSP_CONV_2D_H

#include "../tinyq_own_requantize.h"
#include "tinyq_dot.h"
#include "tinyq_output.h"
#include "tinyq_own_dsp_conv_2d_params.h"
#include "tinyq_strip.h"

/* The fused ADD of the outputs of one or two channels, which the compiler shall not mix with their requantisation: it
 * would load the constants of both again and again. */
static inline __attribute__((always_inline)) void tinyq_own_dsp_conv_2d_sums(tinyq_epilogue e, const tinyq_sums *outputs,
                                                                            int32_t pixels, int32_t count, int both,
                                                                            const int8_t *other, int8_t *output)
{
    __asm volatile("" ::: "memory");
    for (int32_t i = 0; i < pixels; ++i) {
        output[i * count] = tinyq_output_add(e, outputs->a[i], other + i * count);
        if (both) {
            output[i * count + 1] = tinyq_output_add(e, outputs->b[i], other + i * count + 1);
        }
    }
}

/*
 * All output channels of the `pixels` (1, 2 or 3) pixels in the strip, which follow each other in the output; `other`
 * is the same place in the other input of a fused ADD. `channels` are, for each pair a and b, the two biases, the
 * factors of a and the factors of b.
 */
static inline __attribute__((always_inline)) void
tinyq_own_dsp_conv_2d_tile(const tinyq_own_dsp_conv_2d_params *p, const tinyq_own_add_params *add, const int16_t *strip,
                           const void *weights, const int32_t *channels, int32_t pixels, const int8_t *other,
                           int8_t *output)
{
    const tinyq_epilogue epilogue = {p->requantization, p->shift, p->activation_min, p->activation_max, add};
    const int32_t words = TINYQ_OWN_CHANNEL_WORDS(p->requantization) - 1;
    const int32_t count = p->output_channels;
    for (int32_t c = 0; c < count; c += 2, channels += 2 + 2 * words) {
        const int32_t a = channels[0], b = channels[1];
        tinyq_sums sums = {{a, a, a}, {b, b, b}};
        weights = tinyq_dot_2x3(&sums, weights, strip, p->quads, p->once, p->repeated, p->form);
        for (int32_t i = 0; i < pixels && p->form == TINYQ_WEIGHTS_BLENDED; ++i) {
            sums.a[i] = (int32_t)((uint32_t)sums.a[i] - (uint32_t)sums.b[i]) >> 8;
        }
        tinyq_outputs(&epilogue, sums.a, pixels, channels + 2, output + c, count);
        if (c + 1 < count) {
            tinyq_outputs(&epilogue, sums.b, pixels, channels + 2 + words, output + c + 1, count);
        }
        if (add) {
            tinyq_own_dsp_conv_2d_sums(epilogue, &sums, pixels, count, c + 1 < count, other + c, output + c);
        }
    }
}

/*
 * Three neighbouring pixels a step, across the ends of rows: their windows are read before they are written, and none is
 * read again. What the last step computes beyond the output goes to the scratch. `add` and `other` are null where no ADD
 * is fused.
 */
static inline __attribute__((always_inline)) void
tinyq_own_dsp_conv_2d_pixels(const tinyq_own_dsp_conv_2d_params *p, const tinyq_own_add_params *add,
                             const int8_t *input, const int8_t *other, const void *weights, const int32_t *channels,
                             uint8_t *scratch, int8_t *output)
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
        const int8_t *source = other;
        if (add && target != output) {
            source = memcpy(s.beyond, other, (size_t)(wanted * p->output_channels));
        }
        tinyq_own_dsp_conv_2d_tile(p, add, s.strip, weights, channels, pixels, source, target);
        if (target != output) {
            memcpy(output, target, (size_t)(wanted * p->output_channels));
        }
        other = add ? other + pixels * p->output_channels : 0;
    }
}

/*
 * CONV_2D, int8, batch 1, one group. input [H,W,C], weights and channels as kernels/own/dsp_conv_2d.py packs them;
 * scratch 4-aligned; output [OH,OW,O].
 */
TINYQ_KERNEL void tinyq_own_dsp_conv_2d(const tinyq_own_dsp_conv_2d_params *p, const int8_t *input,
                                        const void *weights, const int32_t *channels, uint8_t *scratch,
                                        int8_t *output)
{
    tinyq_own_dsp_conv_2d_pixels(p, 0, input, 0, weights, channels, scratch, output);
}

#endif
