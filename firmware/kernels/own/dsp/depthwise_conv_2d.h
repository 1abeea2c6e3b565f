/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_DSP_DEPTHWISE_CONV_2D_H
#define TINYQ_OWN_DSP_DEPTHWISE_CONV_2D_H

#include "tinyq_planes.h"

/*
 * The taps of one channel, [KH][filter_words][2] in scratch: for windows that start in the low half of a word (w0,w1),
 * (w2,w3) ..., and for those that start in the high half (0,w0), (w1,w2) ...
 */
typedef struct {
    const int32_t *taps;
    int32_t bias, multiplier, offset, shift;
} tinyq_depthwise;

TINYQ_INLINE void tinyq_depthwise_decode(const tinyq_own_depthwise_params *p, const int8_t *filter, int32_t *taps)
{
    for (int32_t ky = 0; ky < p->filter_height; ++ky) {
        int32_t before = 0;
        for (int32_t i = 0; i < p->filter_words; ++i) {
            const int32_t x = 2 * i;
            const int32_t low = x < p->filter_width ? filter[x] : 0;
            const int32_t high = x + 1 < p->filter_width ? filter[x + 1] : 0;
            taps[0] = tinyq_low_halves(low, high);
            taps[1] = tinyq_low_halves(before, low);
            before = high;
            taps += 2;
        }
        filter += p->filter_width;
    }
}

TINYQ_INLINE int8_t tinyq_depthwise_result(const tinyq_own_depthwise_params *p, const tinyq_depthwise *f, int32_t acc)
{
    const int32_t value = tinyq_own_requantize(p->kind, acc, f->multiplier, f->offset, f->shift);
    return (int8_t)tinyq_own_activate(value, p->activation_min, p->activation_max);
}

/* The window that starts in the low (`odd` 0) or high half (1) of the word at x. */
TINYQ_INLINE int8_t tinyq_depthwise_one(const tinyq_own_depthwise_params *p, const tinyq_depthwise *f, const int32_t *x,
                                        int32_t odd)
{
    const int32_t *taps = f->taps + odd;
    int32_t acc = f->bias;
    for (int32_t ky = 0; ky < p->filter_height; ++ky) {
        for (int32_t i = 0; i < p->filter_words; ++i) {
            acc = __smlad(x[i], *taps, acc);
            taps += 2;
        }
        x += p->dilation_height * p->row_words;
    }
    return tinyq_depthwise_result(p, f, acc);
}

/* The four windows that start in the words at x and x + 1, which share taps and most of the input. */
TINYQ_INLINE void tinyq_depthwise_four(const tinyq_own_depthwise_params *p, const tinyq_depthwise *f, const int32_t *x,
                                       int8_t *output, int32_t step)
{
    const int32_t *taps = f->taps;
    int32_t a = f->bias, b = f->bias, c = f->bias, d = f->bias;
    for (int32_t ky = 0; ky < p->filter_height; ++ky) {
        int32_t first = x[0];
        for (int32_t i = 0; i < p->filter_words; ++i) {
            const tinyq_word_pair w = tinyq_words2(taps);
            const int32_t second = x[i + 1];
            a = __smlad(first, w.first, a);
            b = __smlad(first, w.second, b);
            c = __smlad(second, w.first, c);
            d = __smlad(second, w.second, d);
            first = second;
            taps += 2;
        }
        x += p->dilation_height * p->row_words;
    }
    output[0] = tinyq_depthwise_result(p, f, a);
    output[step] = tinyq_depthwise_result(p, f, b);
    output[2 * step] = tinyq_depthwise_result(p, f, c);
    output[3 * step] = tinyq_depthwise_result(p, f, d);
}

/* One output row of one channel; `step` is from one output column to the next. */
TINYQ_INLINE void tinyq_depthwise_row(const tinyq_own_depthwise_params *p, const tinyq_depthwise *f, const int32_t *x,
                                      int8_t *output, int32_t step)
{
    int32_t column = p->phase, left = p->output_width;
    if (p->stride_width == 1) {
        if (column) {
            *output = tinyq_depthwise_one(p, f, x++, 1);
            output += step;
            --left;
        }
        for (; left >= 4; left -= 4) {
            tinyq_depthwise_four(p, f, x, output, step);
            x += 2;
            output += 4 * step;
        }
        column = 0;
    }
    for (; left > 0; --left) {
        *output = tinyq_depthwise_one(p, f, x + column / 2, column % 2);
        column += p->stride_width;
        output += step;
    }
}

/* `count` input channels from `first` on, 1 or 4. */
TINYQ_INLINE void tinyq_depthwise_channels(const tinyq_own_depthwise_params *p, const int8_t *input, const int8_t *filter,
                                           const int32_t *channels, int32_t *planes, int32_t *taps, int8_t *output,
                                           int32_t first, int32_t count)
{
    const int32_t outputs = p->input_channels * p->depth_multiplier, words = TINYQ_OWN_CHANNEL_WORDS(p->kind);
    for (int32_t row = 0; row < p->output_height; row += p->strip_rows) {
        const int32_t left = p->output_height - row, rows = left < p->strip_rows ? left : p->strip_rows;
        tinyq_fill_planes(p, input + first, planes, row, count);
        for (int32_t i = 0; i < count * p->depth_multiplier; ++i) {
            const int32_t channel = first * p->depth_multiplier + i;
            const int32_t *k = channels + words * channel;
            const tinyq_depthwise f = {taps, k[0], k[1], k[2], p->kind == TINYQ_OWN_RISING ? p->shift : k[words - 1]};
            const int32_t *x = planes + i / p->depth_multiplier * p->plane_rows * p->row_words;
            tinyq_depthwise_decode(p, filter + channel * p->filter_height * p->filter_width, taps);
            for (int32_t y = row; y < row + rows; ++y) {
                tinyq_depthwise_row(p, &f, x, output + y * p->output_width * outputs + channel, outputs);
                x += p->stride_height * p->row_words;
            }
        }
    }
}

/*
 * DEPTHWISE_CONV_2D, any filter, stride and multiplier, int8, batch 1. input [H,W,C]; filter [C*M][KH][KW], with zeros
 * for horizontal dilation; channels [C*M] of bias, multiplier, offset and shift (see tinyq_own_requantize.h); scratch:
 * planes [4][plane_rows][row_words], taps; output [OH,OW,C*M], which may lie over the input as with 3 by 3.
 */
TINYQ_KERNEL void tinyq_own_dsp_depthwise_conv_2d(const tinyq_own_depthwise_params *p, const int8_t *input,
                                                  const int8_t *filter, const int32_t *channels, void *scratch,
                                                  int8_t *output)
{
    const tinyq_own_depthwise_params copy = *p; /* bytes that are stored may not lie in it */
    int32_t *planes = scratch;
    p = &copy;
    const int32_t words = (p->input_channels < TINYQ_PLANES ? 1 : TINYQ_PLANES) * p->plane_rows * p->row_words;
    int32_t count;
    tinyq_fill(planes, words, tinyq_low_halves(p->input_zero_point, p->input_zero_point));
    for (int32_t channel = 0; channel < p->input_channels; channel += count) {
        count = p->input_channels % TINYQ_PLANES == 0 || p->input_channels - channel >= TINYQ_PLANES ? TINYQ_PLANES : 1;
        tinyq_depthwise_channels(p, input, filter, channels, planes, planes + words, output, channel, count);
    }
}

#endif
