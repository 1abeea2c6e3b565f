/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_DEPTHWISE_CONV_2D_H
#define TINYQ_OWN_PLAIN_DEPTHWISE_CONV_2D_H

#include <string.h>

#include "tinyq_own_plain_depthwise_params.h"
#include "tinyq_plain_outputs.h"

/*
 * The input plus 128: Armv6-M loads unsigned bytes at an offset by one instruction, signed ones by
 * two.
 */
#define TINYQ_PLAIN_OFFSET 0x80

/*
 * Keeps gcc from loading all the inputs of a window before it multiplies, for which Armv6-M has no
 * registers.
 */
#if TINYQ_BY_HALVES
#define TINYQ_PLAIN_IN_ORDER() __asm volatile("" : : : "memory")
#else
#define TINYQ_PLAIN_IN_ORDER() ((void)0)
#endif

#define TINYQ_PLAIN_STEP 5 /* the most outputs that are computed together */

/* Row `row` of the plane from an input row of one channel; `from` is null in the padding. */
static inline void tinyq_plain_plane_row(const tinyq_own_plain_depthwise_params *p,
                                         const int8_t *from, uint8_t *to)
{
    if (from == 0) {
        memset(to, (int)(p->input_zero_point + TINYQ_PLAIN_OFFSET), (size_t)p->plane_width);
        return;
    }
    to += p->pad_left;
#pragma GCC unroll 4
    for (int32_t left = p->input_width; left > 0; --left, from += p->input_channels) {
        *to++ = (uint8_t)(*from ^ TINYQ_PLAIN_OFFSET);
    }
}

/* Fills the plane of a channel with what the output rows from `out_row` on need. */
static inline void tinyq_plain_fill_plane(const tinyq_own_plain_depthwise_params *p,
                                          const int8_t *input, int32_t out_row, uint8_t *plane)
{
    const int32_t pitch = p->input_width * p->input_channels;
    for (int32_t row = 0; row < p->plane_rows; ++row, plane += p->plane_width) {
        const int32_t y = out_row * p->stride_height - p->pad_top + row;
        if (y >= 0 && y < p->input_height) {
            tinyq_plain_plane_row(p, input + y * pitch, plane);
        } else if (p->strip_rows < p->output_height) { /* else the padding is in place */
            tinyq_plain_plane_row(p, 0, plane);
        }
    }
}

/*
 * The first `wanted` of `step` outputs side by side, of one channel. `window` is the plane at the
 * first one's window; `channel` is bias and requantisation.
 */
static inline __attribute__((always_inline)) void
tinyq_plain_depthwise_step(const tinyq_own_plain_depthwise_params *p, const uint8_t *window,
                           const int32_t *filter, const int32_t *channel, int32_t step,
                           int32_t wanted, int8_t *output)
{
    uint32_t sums[TINYQ_PLAIN_STEP];
    int32_t values[TINYQ_PLAIN_STEP];
    for (int32_t i = 0; i < step; ++i) {
        sums[i] = (uint32_t)channel[0];
    }
    for (int32_t ky = 0; ky < p->filter_height;
         ++ky, window += p->dilation_height * p->plane_width) {
        const uint8_t *in = window;
#pragma GCC unroll 5
        for (int32_t kx = 0; kx < p->filter_width; ++kx, in += p->dilation_width) {
            const uint32_t weight = (uint32_t)*filter++;
            TINYQ_PLAIN_IN_ORDER();
#pragma GCC unroll 5
            for (int32_t i = 0; i < step; ++i) {
                sums[i] += in[i * p->stride_width] * weight;
            }
        }
    }
    const tinyq_plain_finish finish = {p->requantization, p->shift, p->activation_min,
                                       p->activation_max};
    for (int32_t i = 0; i < step; ++i) {
        values[i] = (int32_t)sums[i];
    }
    tinyq_plain_outputs(finish, values, wanted, channel + 1, output,
                        p->input_channels * p->depth_multiplier);
}

/* A strip of one output channel from its plane. */
static inline void tinyq_plain_depthwise_strip(const tinyq_own_plain_depthwise_params *p,
                                               const uint8_t *plane, const int32_t *filter,
                                               const int32_t *channel, int32_t rows, int8_t *output)
{
#if defined(TINYQ_OPTIMIZE_SIZE)
    const int32_t step = 4;
#else
    const int32_t step = p->step;
#endif
    const int32_t pixel = p->input_channels * p->depth_multiplier, rest = p->output_width % step;
    for (; rows > 0; --rows, plane += p->stride_height * p->plane_width) {
        const uint8_t *window = plane;
        for (int32_t x = step; x <= p->output_width; x += step) {
            tinyq_plain_depthwise_step(p, window, filter, channel, step, step, output);
            window += step * p->stride_width;
            output += step * pixel;
        }
        if (rest > 0) {
            tinyq_plain_depthwise_step(p, window, filter, channel, step, rest, output);
            output += rest * pixel;
        }
    }
}

/*
 * DEPTHWISE_CONV_2D, int8, batch 1. input [H,W,C], filters [C*M,KH,KW], channels as kernels/own/
 * plain_depthwise_conv_2d.py packs them, output [OH,OW,C*M]. scratch, 4-aligned: the plane, then
 * the taps of a channel as words. A channel is read, strip by strip, before it is written.
 */
TINYQ_KERNEL void tinyq_own_plain_depthwise_conv_2d(const tinyq_own_plain_depthwise_params *p,
                                                    const int8_t *input, const int8_t *filters,
                                                    const int32_t *channels, uint8_t *scratch,
                                                    int8_t *output)
{
    const int32_t outputs = p->input_channels * p->depth_multiplier,
                  taps = p->filter_height * p->filter_width;
    int32_t *const filter = (int32_t *)(void *)(scratch + p->plane_bytes);
    memset(scratch, (int)(p->input_zero_point + TINYQ_PLAIN_OFFSET), (size_t)p->plane_bytes);
    for (int32_t row = 0; row < p->output_height; row += p->strip_rows) {
        const int32_t rest = p->output_height - row,
                      rows = rest < p->strip_rows ? rest : p->strip_rows;
        const int8_t *weights = filters;
        const int32_t *channel = channels;
        int8_t *to = output + row * p->output_width * outputs;
        for (int32_t c = 0; c < p->input_channels; ++c) {
            tinyq_plain_fill_plane(p, input + c, row, scratch);
            for (int32_t m = 0; m < p->depth_multiplier; ++m, ++to) {
                for (int32_t i = 0; i < taps; ++i) {
                    filter[i] = *weights++;
                }
                tinyq_plain_depthwise_strip(p, scratch, filter, channel, rows, to);
                channel += TINYQ_OWN_CHANNEL_WORDS(p->requantization);
            }
        }
    }
}

#endif
