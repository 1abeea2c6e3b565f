/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_DSP_CONV_2D_S16_H
#define TINYQ_OWN_DSP_CONV_2D_S16_H

#include <string.h>

#include "tinyq_dot_s16.h"
#include "tinyq_own_dsp_conv_2d_s16_params.h"

/* One row of a window, [KW,C], into the strip; taps outside the input are 0. */
static inline int16_t *tinyq_strip_row_s16(const tinyq_own_dsp_conv_2d_s16_params *p, const int16_t *input, int32_t y,
                                           int32_t x, int16_t *strip)
{
    const size_t tap = (size_t)p->input_channels * sizeof(int16_t);
    const int16_t *const row = input + y * p->input_width * p->input_channels;
    const int32_t inside = y >= 0 && y < p->input_height;
    if (inside && p->dilation_width == 1 && x >= 0 && x + p->filter_width <= p->input_width) {
        memcpy(strip, row + x * p->input_channels, tap * (size_t)p->filter_width);
        return strip + p->filter_width * p->input_channels;
    }
    for (int32_t kx = 0; kx < p->filter_width; ++kx, x += p->dilation_width, strip += p->input_channels) {
        if (inside && x >= 0 && x < p->input_width) {
            memcpy(strip, row + x * p->input_channels, tap);
        } else {
            memset(strip, 0, tap);
        }
    }
    return strip;
}

/* The window of output number `pixel`, in the order of the weights. */
static inline void tinyq_strip_s16(const tinyq_own_dsp_conv_2d_s16_params *p, const int16_t *input, int32_t pixel,
                                   int16_t *strip)
{
    const int32_t top = pixel / p->output_width * p->stride_height - p->pad_top;
    const int32_t left = pixel % p->output_width * p->stride_width - p->pad_left;
    for (int32_t ky = 0; ky < p->filter_height; ++ky) {
        strip = tinyq_strip_row_s16(p, input, top + ky * p->dilation_height, left, strip);
    }
}

/* All channels of one pixel or, where `both`, of two that follow each other. */
static inline __attribute__((always_inline)) void
tinyq_outputs_s16(const tinyq_own_dsp_conv_2d_s16_params *p, const int16_t *pixel0, const int16_t *pixel1,
                  const int8_t *weights, const int32_t *channels, int16_t *output, int both)
{
    for (int32_t c = 0; c < p->output_channels; c += 2, channels += 4) {
        tinyq_sums_s16 sums = {channels[0], channels[0], channels[2], channels[2]};
        weights = tinyq_dot_s16(&sums, weights, pixel0, pixel1, p->quads, p->repeated, both);
        const int two = p->output_channels % 2 == 0 || c + 1 < p->output_channels;
        output[c] = tinyq_output_s16(sums.a0, channels[1], p->activation_min, p->activation_max);
        if (two) {
            output[c + 1] = tinyq_output_s16(sums.b0, channels[3], p->activation_min, p->activation_max);
        }
        if (both) {
            int16_t *const next = output + p->output_channels;
            next[c] = tinyq_output_s16(sums.a1, channels[1], p->activation_min, p->activation_max);
            if (two) {
                next[c + 1] = tinyq_output_s16(sums.b1, channels[3], p->activation_min, p->activation_max);
            }
        }
    }
}

/*
 * CONV_2D, int16 with int8 weights, batch 1. input [H,W,C], weights as kernels/own/dsp_s16.py packs them, channels
 * [O rounded up to 2,2] bias and multiplier, output [OH,OW,O]; scratch holds two windows, each rounded up to quads,
 * whose rest meets weights of 0. Two pixels a step, across the ends of rows.
 */
TINYQ_KERNEL void tinyq_own_dsp_conv_2d_s16(const tinyq_own_dsp_conv_2d_s16_params *p, const int16_t *input,
                                            const int8_t *weights, const int32_t *channels, void *scratch,
                                            int16_t *output)
{
    const int32_t pixels = p->output_height * p->output_width;
    int16_t *const strips = scratch;
    for (int32_t i = 0; i < pixels; i += 2, output += 2 * p->output_channels) {
        const int both = i + 1 < pixels;
        const int16_t *pixel0 = strips;
        const int16_t *pixel1 = strips + 4 * p->quads;
        if (p->direct) {
            pixel0 = input + i * p->input_channels;
            pixel1 = pixel0 + p->input_channels;
        } else {
            tinyq_strip_s16(p, input, i, strips);
            if (both) {
                tinyq_strip_s16(p, input, i + 1, strips + 4 * p->quads);
            }
        }
        if (both) {
            tinyq_outputs_s16(p, pixel0, pixel1, weights, channels, output, 1);
        } else {
            tinyq_outputs_s16(p, pixel0, pixel0, weights, channels, output, 0);
        }
    }
}

#endif
