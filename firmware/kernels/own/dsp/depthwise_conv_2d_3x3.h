/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_DSP_DEPTHWISE_CONV_2D_3X3_H
#define TINYQ_OWN_DSP_DEPTHWISE_CONV_2D_3X3_H

#include "tinyq_planes.h"

/* Filter rows as (w0,w1) and (w1,w2), and the constants of one output channel. */
typedef struct {
    int32_t left[3], right[3];
    int32_t bias, multiplier, offset, shift;
} tinyq_depthwise_3x3;

TINYQ_INLINE tinyq_depthwise_3x3 tinyq_depthwise_3x3_load(const tinyq_own_depthwise_params *p, const int8_t *filter,
                                                          const int32_t *channel)
{
    tinyq_depthwise_3x3 f;
#pragma GCC unroll 3
    for (int32_t ky = 0; ky < 3; ++ky) {
        const uint32_t row = tinyq_bytes4(filter + 4 * ky);
        f.left[ky] = (int32_t)__sxtb16(row);
        f.right[ky] = tinyq_odd_bytes(row);
    }
    f.bias = channel[0];
    f.multiplier = channel[1];
    f.offset = channel[2];
    f.shift = p->kind == TINYQ_OWN_RISING ? p->shift : channel[3];
    return f;
}

TINYQ_INLINE int8_t tinyq_depthwise_3x3_result(const tinyq_own_depthwise_params *p, const tinyq_depthwise_3x3 *f,
                                               int32_t acc)
{
    const int32_t value = tinyq_own_requantize(p->kind, acc, f->multiplier, f->offset, f->shift);
    return (int8_t)tinyq_own_activate(value, p->activation_min, p->activation_max);
}

/* The window that starts in the low half (`odd` 0) or in the high half (1) of the word at x. */
TINYQ_INLINE int32_t tinyq_depthwise_3x3_one(const tinyq_own_depthwise_params *p, const tinyq_depthwise_3x3 *f,
                                             const int32_t *x, int32_t odd)
{
    int32_t acc = f->bias;
#pragma GCC unroll 3
    for (int32_t ky = 0; ky < 3; ++ky) {
        const tinyq_word_pair in = tinyq_words2(x + ky * p->dilation_height * p->row_words);
        if (odd) {
            acc = __smlatb(in.first, f->left[ky], acc);
            acc = __smlad(in.second, f->right[ky], acc);
        } else {
            acc = __smlad(in.first, f->left[ky], acc);
            acc = __smlabt(in.second, f->right[ky], acc);
        }
    }
    return acc;
}

/* The same with the lone taps of the first two filter rows in one word, which leaves a register more. */
TINYQ_INLINE int32_t tinyq_depthwise_3x3_apart(const tinyq_own_depthwise_params *p, const tinyq_depthwise_3x3 *f,
                                               const int32_t *x, int32_t odd, int32_t lone)
{
    const int32_t row = p->dilation_height * p->row_words;
    const tinyq_word_pair top = tinyq_words2(x), middle = tinyq_words2(x + row), bottom = tinyq_words2(x + 2 * row);
    int32_t acc = f->bias;
    if (odd) {
        acc = __smlatb(top.first, lone, acc);
        acc = __smlad(top.second, f->right[0], acc);
        acc = __smlatt(middle.first, lone, acc);
        acc = __smlad(middle.second, f->right[1], acc);
        acc = __smlatb(bottom.first, f->left[2], acc);
        return __smlad(bottom.second, f->right[2], acc);
    }
    acc = __smlad(top.first, f->left[0], acc);
    acc = __smlabb(top.second, lone, acc);
    acc = __smlad(middle.first, f->left[1], acc);
    acc = __smlabt(middle.second, lone, acc);
    acc = __smlad(bottom.first, f->left[2], acc);
    return __smlabt(bottom.second, f->right[2], acc);
}

/* Both windows that start in the word at x. */
TINYQ_INLINE void tinyq_depthwise_3x3_two(const tinyq_own_depthwise_params *p, const tinyq_depthwise_3x3 *f,
                                          const int32_t *x, int8_t *output, int32_t step)
{
    int32_t even = f->bias, odd = f->bias;
#pragma GCC unroll 3
    for (int32_t ky = 0; ky < 3; ++ky) {
        const tinyq_word_pair in = tinyq_words2(x + ky * p->dilation_height * p->row_words);
        even = __smlad(in.first, f->left[ky], even);
        odd = __smlatb(in.first, f->left[ky], odd);
        even = __smlabt(in.second, f->right[ky], even);
        odd = __smlad(in.second, f->right[ky], odd);
    }
    output[0] = tinyq_depthwise_3x3_result(p, f, even);
    output[step] = tinyq_depthwise_3x3_result(p, f, odd);
}

/* One output row of one channel with stride 2. */
TINYQ_INLINE void tinyq_depthwise_3x3_apart_row(const tinyq_own_depthwise_params *p, const tinyq_depthwise_3x3 *f,
                                                const int32_t *x, int8_t *output, int32_t step, int32_t odd)
{
    const int32_t lone = odd ? tinyq_low_halves(f->left[0], f->left[1]) : tinyq_high_halves(f->right[0], f->right[1]);
#pragma GCC unroll 4
    for (int32_t left = p->output_width; left > 0; --left) {
        *output = tinyq_depthwise_3x3_result(p, f, tinyq_depthwise_3x3_apart(p, f, x++, odd, lone));
        output += step;
    }
}

/* One output row of one channel; `step` is from one output column to the next. */
TINYQ_INLINE void tinyq_depthwise_3x3_row(const tinyq_own_depthwise_params *p, const tinyq_depthwise_3x3 *f,
                                          const int32_t *x, int8_t *output, int32_t step)
{
    int32_t left = p->output_width;
    if (p->stride_width == 2 && p->phase) {
        tinyq_depthwise_3x3_apart_row(p, f, x, output, step, 1);
    } else if (p->stride_width == 2) {
        tinyq_depthwise_3x3_apart_row(p, f, x, output, step, 0);
    } else {
        if (p->phase) {
            *output = tinyq_depthwise_3x3_result(p, f, tinyq_depthwise_3x3_one(p, f, x++, 1));
            output += step;
            --left;
        }
#pragma GCC unroll 2
        for (int32_t pair = left / 2; pair > 0; --pair) {
            tinyq_depthwise_3x3_two(p, f, x++, output, step);
            output += 2 * step;
        }
        if (left % 2) {
            *output = tinyq_depthwise_3x3_result(p, f, tinyq_depthwise_3x3_one(p, f, x, 0));
        }
    }
}

/* All output rows of a strip of one output channel. */
TINYQ_INLINE void tinyq_depthwise_3x3_strip(const tinyq_own_depthwise_params *p, const int32_t *plane,
                                            const int8_t *filter, const int32_t *channels, int32_t channel, int8_t *output,
                                            int32_t rows)
{
    const int32_t step = p->input_channels * p->depth_multiplier;
    const tinyq_depthwise_3x3 f =
        tinyq_depthwise_3x3_load(p, filter + 12 * channel, channels + TINYQ_OWN_CHANNEL_WORDS(p->kind) * channel);
    for (int8_t *end = output + rows * p->output_width * step; output < end; output += p->output_width * step) {
        tinyq_depthwise_3x3_row(p, &f, plane, output, step);
        plane += p->stride_height * p->row_words;
    }
}

/* `count` input channels from `first` on, 1 or 4. */
TINYQ_INLINE void tinyq_depthwise_3x3_channels(const tinyq_own_depthwise_params *p, const int8_t *input,
                                               const int8_t *filter, const int32_t *channels, int32_t *planes,
                                               int8_t *output, int32_t first, int32_t count)
{
    const int32_t outputs = p->input_channels * p->depth_multiplier;
    for (int32_t row = 0; row < p->output_height; row += p->strip_rows) {
        const int32_t left = p->output_height - row, rows = left < p->strip_rows ? left : p->strip_rows;
        tinyq_fill_planes(p, input + first, planes, row, count);
        for (int32_t i = 0; i < count * p->depth_multiplier; ++i) {
            const int32_t channel = first * p->depth_multiplier + i;
            tinyq_depthwise_3x3_strip(p, planes + i / p->depth_multiplier * p->plane_rows * p->row_words, filter,
                                      channels, channel, output + row * p->output_width * outputs + channel, rows);
        }
    }
}

/* All channels; `q` is a copy, so that storing bytes does not make the compiler load it again. */
TINYQ_INLINE void tinyq_depthwise_3x3_all(tinyq_own_depthwise_params q, const int8_t *input, const int8_t *filter,
                                          const int32_t *channels, int32_t *planes, int8_t *output)
{
    int32_t count;
    tinyq_fill(planes, (q.input_channels < TINYQ_PLANES ? 1 : TINYQ_PLANES) * q.plane_rows * q.row_words,
               tinyq_low_halves(q.input_zero_point, q.input_zero_point));
    for (int32_t channel = 0; channel < q.input_channels; channel += count) {
        count = q.input_channels % TINYQ_PLANES == 0 || q.input_channels - channel >= TINYQ_PLANES ? TINYQ_PLANES : 1;
        tinyq_depthwise_3x3_channels(&q, input, filter, channels, planes, output, channel, count);
    }
}

/*
 * DEPTHWISE_CONV_2D, 3 by 3, int8, batch 1, horizontal stride 1 or 2. input [H,W,C]; filter [C*M][3] of
 * (w0,w1,w1,w2); channels [C*M] of bias, multiplier, offset and shift (see tinyq_own_requantize.h); planes
 * [4][plane_rows][row_words]; output [OH,OW,C*M]. The rows that a strip needs are copied to the planes first, so with
 * M = 1 the output may lie over the input where kernels/own/dsp_depthwise_conv_2d.py says so.
 */
TINYQ_KERNEL void tinyq_own_dsp_depthwise_conv_2d_3x3(const tinyq_own_depthwise_params *p, const int8_t *input,
                                                      const int8_t *filter, const int32_t *channels, void *scratch,
                                                      int8_t *output)
{
    tinyq_depthwise_3x3_all(*p, input, filter, channels, scratch, output);
}

/* The same for the commonest layers, whose kind and strides are constants even where one function serves them all. */
TINYQ_KERNEL void tinyq_own_dsp_depthwise_conv_2d_3x3_rising_stride1(const tinyq_own_depthwise_params *p,
                                                                     const int8_t *input, const int8_t *filter,
                                                                     const int32_t *channels, void *scratch,
                                                                     int8_t *output)
{
    tinyq_own_depthwise_params q = *p;
    q.kind = TINYQ_OWN_RISING;
    q.stride_height = q.stride_width = q.dilation_height = q.depth_multiplier = 1;
    q.activation_min = INT8_MIN;
    q.activation_max = INT8_MAX;
    tinyq_depthwise_3x3_all(q, input, filter, channels, scratch, output);
}

TINYQ_KERNEL void tinyq_own_dsp_depthwise_conv_2d_3x3_rising_stride2(const tinyq_own_depthwise_params *p,
                                                                     const int8_t *input, const int8_t *filter,
                                                                     const int32_t *channels, void *scratch,
                                                                     int8_t *output)
{
    tinyq_own_depthwise_params q = *p;
    q.kind = TINYQ_OWN_RISING;
    q.stride_height = q.stride_width = 2;
    q.dilation_height = q.depth_multiplier = 1;
    q.activation_min = INT8_MIN;
    q.activation_max = INT8_MAX;
    tinyq_depthwise_3x3_all(q, input, filter, channels, scratch, output);
}

#endif
