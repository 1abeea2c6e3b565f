/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_SUM_H
#define TINYQ_OWN_MVE_SUM_H

#include "../../tinyq_reduce_params.h"
#include "tinyq_mve_products.h"

typedef tinyq_reduce_params tinyq_own_mve_sum_params;
typedef tinyq_reduce_params tinyq_own_mve_sum_runs_params;

/* Bytes whose sum fits 16 bits: 256 of -128. */
#define TINYQ_MVE_SUM_BYTES 256

/* In `size` builds there is one copy of the loop, for ends too. */
#if defined(TINYQ_OPTIMIZE_SIZE)
#define TINYQ_MVE_SUM_WHOLE 0
#else
#define TINYQ_MVE_SUM_WHOLE 1
#endif

/* Sums of eight neighbours: 0 2 4 6, 1 3 5 7. */
typedef struct {
    int32x4_t even, odd;
} tinyq_mve_eight;

/* Adds `count` times eight neighbours, `step` bytes apart; `whole` 0: those that are valid. */
TINYQ_MVE_INLINE void tinyq_mve_sum_column(tinyq_mve_eight *sums, const int8_t *in, int32_t count, int32_t step,
                                           int whole, mve_pred16_t valid)
{
    while (count > 0) {
        int32_t left = count < TINYQ_MVE_SUM_BYTES ? count : TINYQ_MVE_SUM_BYTES;
        count -= left;
        int16x8_t narrow = vdupq_n_s16(0);
        TINYQ_MVE_UNROLL
        for (; left > 0; --left, in += step) {
            narrow = vaddq_s16(narrow, whole ? vldrbq_s16(in) : vldrbq_z_s16(in, valid));
        }
        sums->even = vaddq_s32(sums->even, vmovlbq_s16(narrow));
        sums->odd = vaddq_s32(sums->odd, vmovltq_s16(narrow));
    }
}

/* Eight neighbouring outputs, of which `count` exist. */
TINYQ_MVE_INLINE void tinyq_mve_sum_8(const tinyq_reduce_params *p, const int8_t *input, int8_t *output, int whole,
                                      int32_t count)
{
    const tinyq_mve_output out = {TINYQ_MVE_GENERAL, 0, 0, 0, INT8_MIN, INT8_MAX};
    const int32x4_t start = vdupq_n_s32(p->start), multiplier = vdupq_n_s32(p->multiplier);
    const int32x4_t shift = vdupq_n_s32(p->shift);
    tinyq_mve_eight sums = {start, start};
    for (int32_t a = 0; a < p->reduced[0]; ++a) {
        for (int32_t b = 0; b < p->reduced[1]; ++b) {
            const int8_t *in = input + a * p->reduced_step[0] + b * p->reduced_step[1];
            tinyq_mve_sum_column(&sums, in, p->reduced[2], p->reduced_step[2], whole, vctp16q((uint32_t)count));
        }
    }
    sums.even = tinyq_mve_general(tinyq_mve_requantize(sums.even, multiplier, shift), p->output_offset);
    sums.odd = tinyq_mve_general(tinyq_mve_requantize(sums.odd, multiplier, shift), p->output_offset);
    tinyq_mve_store_group(output, tinyq_mve_halves(sums.even, sums.odd), out, count);
}

/* Neighbouring outputs. */
TINYQ_MVE_INLINE void tinyq_mve_sum_neighbours(const tinyq_reduce_params *p, const int8_t *input, int8_t *output)
{
    int32_t left = p->kept[2];
    for (; TINYQ_MVE_SUM_WHOLE && left >= TINYQ_MVE_GROUP; left -= TINYQ_MVE_GROUP) {
        tinyq_mve_sum_8(p, input, output, 1, TINYQ_MVE_GROUP);
        input += TINYQ_MVE_GROUP;
        output += TINYQ_MVE_GROUP;
    }
    for (; left > 0; left -= TINYQ_MVE_GROUP) {
        tinyq_mve_sum_8(p, input, output, 0, left);
        input += TINYQ_MVE_GROUP;
        output += TINYQ_MVE_GROUP;
    }
}

/* One output, whose elements are runs of bytes. */
TINYQ_MVE_INLINE int8_t tinyq_mve_sum_of_runs(const tinyq_reduce_params *p, const int8_t *input)
{
    int32_t sum = p->start;
    for (int32_t a = 0; a < p->reduced[0]; ++a) {
        for (int32_t b = 0; b < p->reduced[1]; ++b) {
            const int8_t *in = input + a * p->reduced_step[0] + b * p->reduced_step[1];
            int32_t left = p->reduced[2];
            for (; left >= TINYQ_MVE_VECTOR; left -= TINYQ_MVE_VECTOR, in += TINYQ_MVE_VECTOR) {
                sum = vaddvaq_s8(sum, vld1q_s8(in));
            }
            if (left > 0) {
                sum = vaddvaq_s8(sum, vld1q_z_s8(in, vctp8q((uint32_t)left)));
            }
        }
    }
    const int32_t value = tinyq_wrapping_add(tinyq_requantize(sum, p->multiplier, p->shift), p->output_offset);
    return (int8_t)tinyq_clamp(value, INT8_MIN, INT8_MAX);
}

/*
 * SUM and MEAN, int8, where the innermost axis, whose step is 1, stays. An output never lies behind the first of its
 * elements, and these are read before it is written: the output may be the input.
 */
TINYQ_KERNEL void tinyq_own_mve_sum(const tinyq_own_mve_sum_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t a = 0; a < p->kept[0]; ++a) {
        for (int32_t b = 0; b < p->kept[1]; ++b, output += p->kept[2]) {
            tinyq_mve_sum_neighbours(p, input + a * p->kept_step[0] + b * p->kept_step[1], output);
        }
    }
}

/* The same where the innermost axis goes. */
TINYQ_KERNEL void tinyq_own_mve_sum_runs(const tinyq_own_mve_sum_runs_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t a = 0; a < p->kept[0]; ++a) {
        for (int32_t b = 0; b < p->kept[1]; ++b) {
            const int8_t *in = input + a * p->kept_step[0] + b * p->kept_step[1];
            for (int32_t left = p->kept[2]; left > 0; --left, in += p->kept_step[2]) {
                *output++ = tinyq_mve_sum_of_runs(p, in);
            }
        }
    }
}

#endif
