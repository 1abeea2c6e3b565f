/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_CONV_2D_H
#define TINYQ_OWN_PLAIN_CONV_2D_H

#include <string.h>

#include "tinyq_own_plain_conv_2d_params.h"
#include "tinyq_plain_dot.h"
#include "tinyq_plain_outputs.h"

/* The place of a window: its first row and column in the input. */
typedef struct {
    int32_t y, x;
} tinyq_plain_place;

/* `count` bytes of two windows as words, four words apart. */
static inline void tinyq_plain_interleave(const int8_t *first, const int8_t *second, int32_t count,
                                          uint32_t *words)
{
#pragma GCC unroll 4
    for (int32_t i = 0; i < count; ++i) {
        *words = (uint32_t)*first++ + ((uint32_t)*second++ << 16);
        words += 4;
    }
}

/* Whether a window lies inside the input; a constant where all of them do. */
static inline int tinyq_plain_inside(const tinyq_own_plain_conv_2d_params *p, tinyq_plain_place at)
{
    const int32_t height = (p->filter_height - 1) * p->dilation_height + 1;
    const int32_t width = (p->filter_width - 1) * p->dilation_width + 1;
    const int all = p->pad_top == 0 && p->pad_left == 0 &&
                    (p->output_height - 1) * p->stride_height + height <= p->input_height &&
                    (p->output_width - 1) * p->stride_width + width <= p->input_width;
    return all || (at.y >= 0 && at.y + height <= p->input_height && at.x >= 0 &&
                   at.x + width <= p->input_width);
}

/* The run at a place, put together in `border` where it leaves the input. */
static inline const int8_t *tinyq_plain_run(const tinyq_own_plain_conv_2d_params *p,
                                            const int8_t *input, tinyq_plain_place at,
                                            int8_t *border)
{
    const int32_t rest = p->input_width - at.x;
    const int32_t first = at.x < 0 ? -at.x : 0, last = rest < p->run_taps ? rest : p->run_taps;
    const int row_inside = at.y >= 0 && at.y < p->input_height;
    if (row_inside && first == 0 && last == p->run_taps) {
        return input + (at.y * p->input_width + at.x) * p->input_channels;
    }
    memset(border, (int)p->input_zero_point, (size_t)p->run_bytes);
    if (row_inside && first < last) {
        memcpy(border + first * p->input_channels,
               input + (at.y * p->input_width + at.x + first) * p->input_channels,
               (size_t)((last - first) * p->input_channels));
    }
    return border;
}

/* Two windows as one word per tap; `border` holds two runs. */
static inline void tinyq_plain_expand(const tinyq_own_plain_conv_2d_params *p, const int8_t *input,
                                      const tinyq_plain_place at[2], int8_t *border,
                                      uint32_t *words)
{
    const int32_t steps = p->filter_width / p->run_taps;
    const int inside = tinyq_plain_inside(p, at[0]) && tinyq_plain_inside(p, at[1]);
    for (int32_t ky = 0; ky < p->filter_height; ++ky) {
        for (int32_t kx = 0; kx < steps; ++kx) {
            const int8_t *run[2];
            for (int32_t i = 0; i < 2; ++i) {
                const tinyq_plain_place place = {at[i].y + ky * p->dilation_height,
                                                 at[i].x + kx * p->dilation_width};
                run[i] = inside ? input + (place.y * p->input_width + place.x) * p->input_channels
                                : tinyq_plain_run(p, input, place, border + i * p->run_bytes);
            }
            tinyq_plain_interleave(run[0], run[1], p->run_bytes, words);
            words += 4 * p->run_bytes;
        }
    }
}

/*
 * All output channels of the first `wanted` of the windows in the strip, which follow each other in
 * the output.
 */
static inline __attribute__((always_inline)) void
tinyq_plain_tile(const tinyq_own_plain_conv_2d_params *p, const uint32_t *strip,
                 const int8_t *filters, const int32_t *channels, int32_t wanted, int8_t *output)
{
    const tinyq_plain_finish finish = {p->requantization, p->shift, p->activation_min,
                                       p->activation_max};
    const int32_t count = p->output_channels;
    for (int32_t c = 0; c < count;
         ++c, channels += TINYQ_OWN_CHANNEL_WORDS(p->requantization) + 1) {
        const uint32_t first = (uint32_t)channels[0], second = (uint32_t)channels[1];
        tinyq_plain_sums sums = {{first, first, second, second, first, first, second, second}};
        filters = tinyq_plain_dot(filters, strip, &sums);
        int32_t values[TINYQ_PLAIN_WINDOWS];
        for (int32_t i = 0; i < TINYQ_PLAIN_WINDOWS; ++i) {
            values[i] =
                i & 1 ? tinyq_plain_second(&sums, i >> 1) : tinyq_plain_first(&sums, i >> 1);
        }
        tinyq_plain_outputs(finish, values, wanted, channels + 2, output++, count);
    }
}

/*
 * CONV_2D, int8, batch 1, one group. input [H,W,C], filters and channels as
 * kernels/own/plain_conv_2d.py packs them, output [OH,OW,O]. Eight neighbouring pixels a step,
 * across the ends of rows: their windows are read before they are written, and none is read again.
 * scratch: 16 bytes per tap and two runs, 4-aligned.
 */
TINYQ_KERNEL void tinyq_own_plain_conv_2d(const tinyq_own_plain_conv_2d_params *p,
                                          const int8_t *input, const int8_t *filters,
                                          const int32_t *channels, uint8_t *scratch, int8_t *output)
{
    uint32_t *const strip = (uint32_t *)(void *)scratch;
    const int32_t taps = p->filter_height * (p->filter_width / p->run_taps) * p->run_bytes;
    int8_t *const border = (int8_t *)(strip + 4 * taps);
    const int32_t count = p->output_height * p->output_width;
    int32_t y = 0, x = 0;
    for (int32_t pixel = 0; pixel < count; pixel += TINYQ_PLAIN_WINDOWS) {
        for (int32_t pair = 0; pair < TINYQ_PLAIN_WINDOWS / 2; ++pair) {
            tinyq_plain_place at[2];
            for (int32_t i = 0; i < 2; ++i) {
                at[i].y = y * p->stride_height - p->pad_top;
                at[i].x = x * p->stride_width - p->pad_left;
                if (pixel + 2 * pair + i + 1 < count && ++x == p->output_width) {
                    x = 0;
                    ++y;
                }
            }
            tinyq_plain_expand(p, input, at, border, strip + pair);
        }
        if (count % TINYQ_PLAIN_WINDOWS == 0 || pixel + TINYQ_PLAIN_WINDOWS <= count) {
            tinyq_plain_tile(p, strip, filters, channels, TINYQ_PLAIN_WINDOWS, output);
        } else {
            tinyq_plain_tile(p, strip, filters, channels, count - pixel, output);
        }
        output += TINYQ_PLAIN_WINDOWS * p->output_channels;
    }
}

#endif
