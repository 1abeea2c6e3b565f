/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_DEPTHWISE_CONV_2D_H
#define TINYQ_OWN_MVE_DEPTHWISE_CONV_2D_H

#include "tinyq_mve_rows.h"

/*
 * Shape of one DEPTHWISE_CONV_2D. Sixteen outputs are computed at a time. At stride_width 1 these are any sixteen
 * neighbours of a row, [OW,C] seen as one line: `cycle` blocks of weights follow each other, and then repeat.
 * Otherwise they are channels of one pixel, and a pixel has `cycle` blocks.
 */
typedef struct {
    int32_t input_height, input_width, input_channels;
    int32_t filter_height, filter_width;
    int32_t output_height, output_width, output_channels;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point, output_offset;
    int32_t activation_min, activation_max;
    int32_t depth_multiplier;
    int32_t cycle;
    int32_t pair;    /* 1: two products fit 16 bits; 0: a weight of -128 makes them overflow */
    int32_t kind, left, fraction; /* see tinyq_mve_output; in `speed` builds `left` is 0 but for NARROW */
    int32_t direct;    /* 1: no padding, rows are read where they are; 0: they are copied to scratch */
    int32_t row_bytes; /* from row to row, there or here */
    int32_t window;    /* rows from the first tap's to the last one's, as many as scratch holds */
} tinyq_own_mve_depthwise_conv_2d_params;

/* Filters of up to that many taps are unrolled; where taps lie comes from a table in scratch for larger ones. */
#if defined(TINYQ_OPTIMIZE_SIZE)
#define TINYQ_MVE_UNROLLED_TAPS 0
#else
#define TINYQ_MVE_UNROLLED_TAPS 9
#endif

/* Sums of sixteen channels: 0 4 8 12, 2 6 10 14, 1 5 9 13, 3 7 11 15, as widening twice leaves them. */
typedef struct {
    int32x4_t q0, q1, q2, q3;
} tinyq_mve_sums;

/* The even lanes, shifted by `left`: 0, 12, 13 or 14. */
TINYQ_MVE_INLINE int32x4_t tinyq_mve_widen_even(int16x8_t products, int32_t left)
{
    return left == 14   ? vshllbq_n_s16(products, 14)
           : left == 13 ? vshllbq_n_s16(products, 13)
           : left == 12 ? vshllbq_n_s16(products, 12)
                        : vmovlbq_s16(products);
}

TINYQ_MVE_INLINE int32x4_t tinyq_mve_widen_odd(int16x8_t products, int32_t left)
{
    return left == 14   ? vshlltq_n_s16(products, 14)
           : left == 13 ? vshlltq_n_s16(products, 13)
           : left == 12 ? vshlltq_n_s16(products, 12)
                        : vmovltq_s16(products);
}

TINYQ_MVE_INLINE tinyq_mve_sums tinyq_mve_widen(int16x8_t even, int16x8_t odd, int32_t left)
{
    tinyq_mve_sums sums = {tinyq_mve_widen_even(even, left), tinyq_mve_widen_odd(even, left),
                           tinyq_mve_widen_even(odd, left), tinyq_mve_widen_odd(odd, left)};
    TINYQ_MVE_DONE(sums.q0);
    TINYQ_MVE_DONE(sums.q1);
    TINYQ_MVE_DONE(sums.q2);
    TINYQ_MVE_DONE(sums.q3);
    return sums;
}

TINYQ_MVE_INLINE void tinyq_mve_widen_add(tinyq_mve_sums *sums, int16x8_t even, int16x8_t odd, int32_t left)
{
    sums->q0 = vaddq_s32(sums->q0, tinyq_mve_widen_even(even, left));
    TINYQ_MVE_DONE(sums->q0);
    sums->q1 = vaddq_s32(sums->q1, tinyq_mve_widen_odd(even, left));
    TINYQ_MVE_DONE(sums->q1);
    sums->q2 = vaddq_s32(sums->q2, tinyq_mve_widen_even(odd, left));
    TINYQ_MVE_DONE(sums->q2);
    sums->q3 = vaddq_s32(sums->q3, tinyq_mve_widen_odd(odd, left));
    TINYQ_MVE_DONE(sums->q3);
}

/* The next sixteen weights at a pointer that walks. */
TINYQ_MVE_INLINE int8x16_t tinyq_mve_next_weights(const int8_t **w)
{
    const int8x16_t value = tinyq_mve_load_words(*w);
    *w += TINYQ_MVE_VECTOR;
    TINYQ_MVE_HERE(*w);
    return value;
}

/* Products of sixteen inputs with a tap's weights; `pair`: and of sixteen more, `step` on, with the next tap's. The
 * second tap's weights are loaded twice, because there is no ninth vector register. */
TINYQ_MVE_INLINE void tinyq_mve_depthwise_taps(int16x8_t *even, int16x8_t *odd, const int8_t **in, int32_t step,
                                            const int8_t **w, int pair)
{
    const int8x16_t x = vld1q_s8(*in), y = tinyq_mve_next_weights(w);
    *even = vmullbq_int_s8(x, y);
    *odd = vmulltq_int_s8(x, y);
    if (pair) {
        TINYQ_MVE_DONE(*even);
        TINYQ_MVE_DONE(*odd);
        *in += step;
        TINYQ_MVE_HERE(*in);
        TINYQ_MVE_FENCE();
        const int8x16_t z = vld1q_s8(*in);
        *even = vaddq_s16(*even, vmullbq_int_s8(z, tinyq_mve_load_words(*w)));
        TINYQ_MVE_DONE(*even);
        TINYQ_MVE_FENCE();
        *odd = vaddq_s16(*odd, vmulltq_int_s8(z, tinyq_mve_next_weights(w)));
    }
}

/* Bytes from the tap before to `tap`, where the first row is in `slot` of the ring of rows. */
TINYQ_MVE_INLINE int32_t tinyq_mve_tap_step(const tinyq_own_mve_depthwise_conv_2d_params *p, int32_t slot, int32_t tap)
{
    const int32_t column = p->dilation_width * p->output_channels;
    if (tap % p->filter_width != 0) {
        return column;
    }
    const int32_t row = slot + tap / p->filter_width * p->dilation_height;
    const int32_t around = row >= p->window && row - p->dilation_height < p->window ? p->window : 0;
    return (p->dilation_height - around) * p->row_bytes - (p->filter_width - 1) * column;
}

/* tinyq_mve_tap_step from `steps` [KH*KW] where they are in a table. */
TINYQ_MVE_INLINE int32_t tinyq_mve_step_to(const tinyq_own_mve_depthwise_conv_2d_params *p, const int32_t *steps,
                                           int32_t slot, int32_t tap)
{
    return p->filter_height * p->filter_width > TINYQ_MVE_UNROLLED_TAPS ? steps[tap] : tinyq_mve_tap_step(p, slot, tap);
}

/* The sums of sixteen outputs; `in` is the first tap of the first, `w` their weights. */
#if defined(TINYQ_OPTIMIZE_SIZE)
TINYQ_MVE_INLINE tinyq_mve_sums tinyq_mve_depthwise_sums(const tinyq_own_mve_depthwise_conv_2d_params *p,
                                                         const int8_t *in, const int8_t *w, const int32_t *steps,
                                                         int32_t slot)
{
    const int32x4_t zero = vdupq_n_s32(0);
    tinyq_mve_sums sums = {zero, zero, zero, zero};
    int32_t left = p->filter_height * p->filter_width;
    (void)slot;
    ++steps;
    do {
        int16x8_t even, odd;
        const int second = p->pair != 0 && left > 1;
        tinyq_mve_depthwise_taps(&even, &odd, &in, second ? *steps++ : 0, &w, second);
        tinyq_mve_widen_add(&sums, even, odd, 0);
        in += *steps++;
        left -= 1 + second;
    } while (left > 0);
    return sums;
}
#else
TINYQ_MVE_INLINE tinyq_mve_sums tinyq_mve_depthwise_sums(const tinyq_own_mve_depthwise_conv_2d_params *p,
                                                         const int8_t *in, const int8_t *w, const int32_t *steps,
                                                         int32_t slot)
{
    const int32_t taps = p->filter_height * p->filter_width, group = p->pair != 0 ? 2 : 1;
    const int32_t first = taps < group ? taps : group;
    int16x8_t even, odd;
    TINYQ_MVE_HERE(w);
    tinyq_mve_depthwise_taps(&even, &odd, &in, first == 2 ? tinyq_mve_step_to(p, steps, slot, 1) : 0, &w, first == 2);
    tinyq_mve_sums sums = tinyq_mve_widen(even, odd, p->left);
    TINYQ_MVE_UNROLL
    for (int32_t tap = first; tap < taps; tap += group) {
        const int two = group == 2 && tap + 1 < taps;
        in += tinyq_mve_step_to(p, steps, slot, tap);
        TINYQ_MVE_HERE(in);
        TINYQ_MVE_FENCE();
        tinyq_mve_depthwise_taps(&even, &odd, &in, two ? tinyq_mve_step_to(p, steps, slot, tap + 1) : 0, &w, two);
        tinyq_mve_widen_add(&sums, even, odd, p->left);
    }
    TINYQ_MVE_FENCE();
    return sums;
}
#endif

/* The sixteen bytes in order. `speed` builds have shifted NARROW's sums when they widened them. */
TINYQ_MVE_INLINE int8x16_t tinyq_mve_depthwise_finish(tinyq_mve_sums sums, const int32_t *constants,
                                                      tinyq_mve_output out)
{
#if defined(TINYQ_OPTIMIZE_SIZE)
    int32x4_t quads[] = {sums.q0, sums.q1, sums.q2, sums.q3};
    for (int32_t i = 0; i < 4; ++i) {
        quads[i] = tinyq_mve_scale(quads[i], &constants, out, 0);
    }
    sums = (tinyq_mve_sums){quads[0], quads[1], quads[2], quads[3]};
#else
    TINYQ_MVE_HERE(constants);
    sums.q0 = tinyq_mve_scale(sums.q0, &constants, out, 1);
    TINYQ_MVE_FENCE();
    sums.q1 = tinyq_mve_scale(sums.q1, &constants, out, 1);
    TINYQ_MVE_FENCE();
    sums.q2 = tinyq_mve_scale(sums.q2, &constants, out, 1);
    TINYQ_MVE_FENCE();
    sums.q3 = tinyq_mve_scale(sums.q3, &constants, out, 1);
#endif
    const int16x8_t even = tinyq_mve_results(sums.q0, sums.q1, out);
    const int16x8_t odd = tinyq_mve_results(sums.q2, sums.q3, out);
    return tinyq_mve_activate(tinyq_mve_odd_bytes(tinyq_mve_even_bytes(even, out), odd, out), out);
}

/* All outputs of a row that share one block of weights; `left` from the first of them to the end of the row or, where
 * a block is channels of one pixel, of the pixel. */
TINYQ_MVE_INLINE void tinyq_mve_depthwise_block(const tinyq_own_mve_depthwise_conv_2d_params *p, const int8_t *in,
                                                const int8_t *w, const int32_t *constants, const int32_t *steps,
                                                int32_t slot, int8_t *output, int32_t left)
{
    const tinyq_mve_output out = {p->kind, p->left, p->fraction, p->output_offset, p->activation_min,
                                  p->activation_max};
    const int line = p->stride_width == 1;
    const int32_t next = p->cycle * TINYQ_MVE_VECTOR;
    const int32_t in_step = line ? next : p->stride_width * p->output_channels;
    const int32_t out_step = line ? next : p->output_channels;
    const int whole = p->output_channels * (line ? p->output_width : 1) % TINYQ_MVE_VECTOR == 0;
    int32_t count = line ? (left + next - 1) / next : p->output_width;
    do {
        const tinyq_mve_sums sums = tinyq_mve_depthwise_sums(p, in, w, steps, slot);
        const int8x16_t bytes = tinyq_mve_depthwise_finish(sums, constants, out);
        if (whole || left >= TINYQ_MVE_VECTOR) {
            vst1q_s8(output, bytes);
        } else {
            vst1q_p_s8(output, bytes, vctp8q((uint32_t)left));
        }
        in += in_step;
        output += out_step;
        left -= line ? next : 0;
    } while (--count > 0);
}

/*
 * DEPTHWISE_CONV_2D, int8, batch 1. input [H,W,C/M], filter [cycle,KH*KW,16], constants [cycle,4,2 or 3,4] of the
 * quads of tinyq_mve_sums, output [OH,OW,C]. Scratch: the table of KH*KW steps, where there is one; not `direct`:
 * a ring of `window` rows and a vector. Then the output may take the place of rows that have been copied.
 */
TINYQ_KERNEL void tinyq_own_mve_depthwise_conv_2d(const tinyq_own_mve_depthwise_conv_2d_params *p,
                                                  const int8_t *input, const int8_t *filter,
                                                  const int32_t *constants, int8_t *output, uint8_t *scratch)
{
    const tinyq_mve_rows_shape shape = {p->input_height, p->input_width * p->input_channels, p->pad_top,
                                        p->pad_left * p->output_channels, p->row_bytes, p->window, p->stride_height,
                                        p->window, p->depth_multiplier, p->input_zero_point};
    const int32_t taps = p->filter_height * p->filter_width;
    const int32_t table = taps > TINYQ_MVE_UNROLLED_TAPS ? taps : 0;
    const int32_t line = p->output_width * p->output_channels;
    const int32_t words = 4 * TINYQ_MVE_QUAD * (p->kind == TINYQ_MVE_NARROW ? 2 : 3);
    int32_t *const steps = (int32_t *)(void *)scratch;
    int8_t *const rows = (int8_t *)(scratch + 4 * table);
    int32_t slot = 0, filled = 0, row = -p->pad_top; /* where the window begins, where the next row goes, which it is */
    for (int32_t out_y = 0; out_y < p->output_height; ++out_y, output += line) {
        const int32_t first = out_y * p->stride_height - p->pad_top;
        const int8_t *window = input + first * p->row_bytes;
        if (p->direct == 0) {
            if (row < first) { /* a stride beyond the window skips rows */
                row = first;
                filled = slot;
            }
            for (; row < first + p->window; ++row) {
                tinyq_mve_rows_load(&shape, input, row, rows + filled * p->row_bytes);
                filled = filled + 1 == p->window ? 0 : filled + 1;
            }
            window = rows + slot * p->row_bytes;
        }
        for (int32_t tap = 0; tap < table; ++tap) {
            steps[tap] = tinyq_mve_tap_step(p, slot, tap);
        }
        for (int32_t block = 0; block < p->cycle; ++block) {
            const int32_t at = block * TINYQ_MVE_VECTOR;
            tinyq_mve_depthwise_block(p, window + at, filter + at * taps, constants + block * words, steps, slot,
                                      output + at, (p->stride_width == 1 ? line : p->output_channels) - at);
        }
        slot = p->direct != 0 ? 0 : (slot + p->stride_height) % p->window;
    }
}

#endif
