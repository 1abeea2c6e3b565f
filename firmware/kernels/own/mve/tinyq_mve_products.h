/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_PRODUCTS_H
#define TINYQ_OWN_MVE_PRODUCTS_H
/*
 * Dot products of two pixels with eight channels. The eight are two quads of lanes, 0 2 4 6 and 1 3 5 7, which come
 * out in order when their results are interleaved. Weights lie in the order in which they are read: for each two
 * channels, vector by vector, [2,16]. The two are lanes 0 and 2 or 1 and 3 of a quad, which one instruction sets; in
 * `size` builds, where sums go through memory, they are neighbours.
 */
#include "tinyq_mve.h"

#define TINYQ_MVE_GROUP 8

/* Where the inputs of one pixel lie: `lines` times `parts` runs of `vectors` vectors. */
typedef struct {
    int32_t lines, line_step, parts, part_step, vectors;
    int32_t tail;    /* bytes of the last vector that may be read; 0: all, what is beyond has weights 0 */
    int32_t aligned; /* 1: every run begins at a multiple of four bytes */
} tinyq_mve_inputs;

typedef struct {
    int32_t s00, s01, s10, s11; /* pixel, channel */
} tinyq_mve_tile;

TINYQ_MVE_INLINE int8x16_t tinyq_mve_weights_walk(const int8_t **w)
{
    const int8x16_t value = tinyq_mve_load_words(*w);
    *w += TINYQ_MVE_VECTOR;
    TINYQ_MVE_HERE(*w);
    return value;
}

/* One vector of each pixel with two channels. */
TINYQ_MVE_INLINE void tinyq_mve_tile_add(tinyq_mve_tile *t, int8x16_t a, int8x16_t b, const int8_t **w)
{
    const int8x16_t w0 = tinyq_mve_weights_walk(w);
    t->s00 = vmladavaq_s8(t->s00, a, w0);
    t->s10 = vmladavaq_s8(t->s10, b, w0);
    const int8x16_t w1 = tinyq_mve_weights_walk(w);
    t->s01 = vmladavaq_s8(t->s01, a, w1);
    t->s11 = vmladavaq_s8(t->s11, b, w1);
}

#if defined(TINYQ_OPTIMIZE_SIZE)

/* Two pixels with two channels. In `size` builds the inputs of a pixel are one run of whole vectors. */
TINYQ_MVE_INLINE tinyq_mve_tile tinyq_mve_tile_sums(const int8_t **x, int32_t step, const int8_t **w,
                                                    const tinyq_mve_inputs *in)
{
    tinyq_mve_tile t = {0, 0, 0, 0};
    const int8_t *x0 = *x, *x1 = *x + step;
    int32_t left = in->vectors;
    do {
        const int8x16_t a = vld1q_s8(x0), b = vld1q_s8(x1);
        x0 += TINYQ_MVE_VECTOR;
        x1 += TINYQ_MVE_VECTOR;
        tinyq_mve_tile_add(&t, a, b, w);
    } while (--left > 0);
    return t;
}
#else
/* Sixteen bytes of each pixel, at x and x + step, with two channels. */
TINYQ_MVE_INLINE void tinyq_mve_tile_step(tinyq_mve_tile *t, const int8_t *x, int32_t step, const int8_t **w,
                                          const tinyq_mve_inputs *in, int32_t tail, int first)
{
    int8x16_t a, b;
    if (tail != 0) {
        const mve_pred16_t valid = vctp8q((uint32_t)tail);
        a = vld1q_z_s8(x, valid);
        b = vld1q_z_s8(x + step, valid);
    } else if (in->aligned != 0) {
        a = tinyq_mve_load_words(x);
        b = tinyq_mve_load_words(x + step);
    } else {
        a = vld1q_s8(x);
        b = vld1q_s8(x + step);
    }
    if (first) {
        const int8x16_t w0 = tinyq_mve_weights_walk(w);
        t->s00 = vmladavq_s8(a, w0);
        t->s10 = vmladavq_s8(b, w0);
        const int8x16_t w1 = tinyq_mve_weights_walk(w);
        t->s01 = vmladavq_s8(a, w1);
        t->s11 = vmladavq_s8(b, w1);
    } else {
        tinyq_mve_tile_add(t, a, b, w);
    }
}

/* The vectors of one run, but for its first when `from` is 1. */
TINYQ_MVE_INLINE void tinyq_mve_tile_run(tinyq_mve_tile *t, const int8_t *x, int32_t step, const int8_t **w,
                                         const tinyq_mve_inputs *in, int32_t from)
{
    const int32_t whole = in->vectors - (in->tail != 0 ? 1 : 0);
    TINYQ_MVE_UNROLL
    for (int32_t v = from; v < whole; ++v) {
        tinyq_mve_tile_step(t, x + v * TINYQ_MVE_VECTOR, step, w, in, 0, 0);
    }
    if (in->tail != 0 && from < in->vectors) {
        tinyq_mve_tile_step(t, x + whole * TINYQ_MVE_VECTOR, step, w, in, in->tail, 0);
    }
}

/* Two pixels with two channels. */
TINYQ_MVE_INLINE tinyq_mve_tile tinyq_mve_tile_sums(const int8_t **x, int32_t step, const int8_t **w,
                                                    const tinyq_mve_inputs *in)
{
    tinyq_mve_tile t;
    TINYQ_MVE_EVEN_FREE();
    if (in->vectors * in->parts * in->lines > 8) {
        TINYQ_MVE_HERE(*x); /* or gcc keeps the address of every vector */
    }
    tinyq_mve_tile_step(&t, *x, step, w, in, in->vectors == 1 ? in->tail : 0, 1);
    tinyq_mve_tile_run(&t, *x, step, w, in, 1);
    TINYQ_MVE_UNROLL
    for (int32_t run = 1; run < in->lines * in->parts; ++run) {
        const int8_t *at = *x + run / in->parts * in->line_step + run % in->parts * in->part_step;
        TINYQ_MVE_HERE(at);
        tinyq_mve_tile_run(&t, at, step, w, in, 0);
    }
    if (in->vectors * in->parts * in->lines > 1) {
        TINYQ_MVE_FENCE(); /* the next channels load the pixels again instead of spilling them */
    }
    return t;
}
#endif

/* Quads of two pixels with a group. */
typedef struct {
    int32x4_t even0, odd0, even1, odd1;
} tinyq_mve_group;

#if defined(TINYQ_OPTIMIZE_SIZE)
/* [pixel, quad, 4] sums. Returns the weights of the next group. */
TINYQ_KERNEL const int8_t *tinyq_mve_group_sums(int32_t *sums, const int8_t *x, int32_t step, const int8_t *w,
                                                const tinyq_mve_inputs *in)
{
    int32_t channel = 0;
    do {
        const tinyq_mve_tile t = tinyq_mve_tile_sums(&x, step, &w, in);
        sums[channel] = t.s00;
        sums[channel + 1] = t.s01;
        sums[TINYQ_MVE_GROUP + channel] = t.s10;
        sums[TINYQ_MVE_GROUP + channel + 1] = t.s11;
        channel += 2;
    } while (channel < TINYQ_MVE_GROUP);
    return w;
}

TINYQ_MVE_INLINE tinyq_mve_group tinyq_mve_group_of(const int8_t *x, int32_t step, const int8_t **w,
                                                    const tinyq_mve_inputs *in)
{
    int32_t sums[2 * TINYQ_MVE_GROUP];
    *w = tinyq_mve_group_sums(sums, x, step, *w, in);
    return (tinyq_mve_group){vld1q_s32(sums), vld1q_s32(sums + 4), vld1q_s32(sums + 8), vld1q_s32(sums + 12)};
}
#else
TINYQ_MVE_INLINE void tinyq_mve_quad_of(int32x4_t *q0, int32x4_t *q1, const int8_t **x, int32_t step, const int8_t **w,
                                        const tinyq_mve_inputs *in)
{
    tinyq_mve_tile t = tinyq_mve_tile_sums(x, step, w, in);
    *q0 = tinyq_mve_set_lanes_0_2(tinyq_mve_any(), t.s00, t.s01);
    *q1 = tinyq_mve_set_lanes_0_2(tinyq_mve_any(), t.s10, t.s11);
    t = tinyq_mve_tile_sums(x, step, w, in);
    *q0 = tinyq_mve_set_lanes_1_3(*q0, t.s00, t.s01);
    *q1 = tinyq_mve_set_lanes_1_3(*q1, t.s10, t.s11);
    TINYQ_MVE_DONE(*q0);
    TINYQ_MVE_DONE(*q1);
}

TINYQ_MVE_INLINE tinyq_mve_group tinyq_mve_group_of(const int8_t *x, int32_t step, const int8_t **w,
                                                    const tinyq_mve_inputs *in)
{
    tinyq_mve_group group;
    tinyq_mve_quad_of(&group.even0, &group.even1, &x, step, w, in);
    tinyq_mve_quad_of(&group.odd0, &group.odd1, &x, step, w, in);
    return group;
}
#endif

/* tinyq_mve_scale for a quad of two pixels, which share their constants. */
TINYQ_MVE_INLINE void tinyq_mve_scale_two(int32x4_t *q0, int32x4_t *q1, const int32_t **constants, tinyq_mve_output out)
{
    if (out.kind == TINYQ_MVE_NARROW) {
        const int32x4_t multiplier = tinyq_mve_next(constants);
        *q0 = vqrdmulhq_s32(vqshlq_r_s32(*q0, out.left), multiplier);
        *q1 = vqrdmulhq_s32(vqshlq_r_s32(*q1, out.left), multiplier);
        const int32x4_t offset = tinyq_mve_next(constants);
        *q0 = vqaddq_s32(*q0, offset);
        *q1 = vqaddq_s32(*q1, offset);
        return;
    }
    if (out.kind == TINYQ_MVE_SIGNED) {
        const int32x4_t bias = tinyq_mve_next(constants);
        *q0 = vaddq_s32(*q0, bias);
        *q1 = vaddq_s32(*q1, bias);
        const int32x4_t multiplier = tinyq_mve_next(constants);
        *q0 = vqrdmulhq_s32(*q0, multiplier);
        *q1 = vqrdmulhq_s32(*q1, multiplier);
        const int32x4_t shift = tinyq_mve_next(constants);
        *q0 = vrshlq_s32(vaddq_s32(*q0, vshrq_n_s32(*q0, 31)), shift);
        *q1 = vrshlq_s32(vaddq_s32(*q1, vshrq_n_s32(*q1, 31)), shift);
        return;
    }
    const int32_t *again = *constants;
    *q0 = tinyq_mve_scale(*q0, &again, out, 0);
    *q1 = tinyq_mve_scale(*q1, constants, out, 0);
}

/* Eight results, of which `count` are channels, as bytes. */
TINYQ_MVE_INLINE void tinyq_mve_store_group(int8_t *output, int16x8_t results, tinyq_mve_output out, int32_t count)
{
    const int8x16_t bytes = tinyq_mve_activate(tinyq_mve_even_bytes(results, out), out);
    if (count >= TINYQ_MVE_GROUP) {
        vstrbq_s16(output, vreinterpretq_s16_s8(bytes));
    } else {
        vstrbq_p_s16(output, vreinterpretq_s16_s8(bytes), vctp16q((uint32_t)count));
    }
}

/* All channels of the pixels at x and x + step; output1 may be output0, which is then written last. */
TINYQ_MVE_INLINE void tinyq_mve_pixels(const int8_t *x, int32_t step, const int8_t *w, const int32_t *constants,
                                       int8_t *output0, int8_t *output1, int32_t channels, const tinyq_mve_inputs *in,
                                       tinyq_mve_output out)
{
    for (int32_t left = channels; left > 0; left -= TINYQ_MVE_GROUP) {
        tinyq_mve_group group = tinyq_mve_group_of(x, step, &w, in);
        tinyq_mve_scale_two(&group.even0, &group.even1, &constants, out);
        tinyq_mve_scale_two(&group.odd0, &group.odd1, &constants, out);
        const int32_t count = channels % TINYQ_MVE_GROUP == 0 ? TINYQ_MVE_GROUP : left;
        tinyq_mve_store_group(output1, tinyq_mve_results(group.even1, group.odd1, out), out, count);
        tinyq_mve_store_group(output0, tinyq_mve_results(group.even0, group.odd0, out), out, count);
        output0 += TINYQ_MVE_GROUP;
        output1 += TINYQ_MVE_GROUP;
    }
}

#endif
