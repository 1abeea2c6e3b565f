/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_FULLY_CONNECTED_H
#define TINYQ_OWN_MVE_FULLY_CONNECTED_H

#include "tinyq_mve_products.h"

/* Shape of one FULLY_CONNECTED of a single row. */
typedef struct {
    int32_t output_depth, output_offset;
    int32_t activation_min, activation_max;
    int32_t kind, left, fraction; /* see tinyq_mve_output */
    int32_t vectors, tail; /* see tinyq_mve_inputs */
} tinyq_own_mve_fully_connected_params;

/* Four outputs; weights [vectors,4,16] at a pointer that walks. */
TINYQ_MVE_INLINE int32x4_t tinyq_mve_row_quad(const tinyq_own_mve_fully_connected_params *p, const int8_t *x,
                                              const int8_t **w)
{
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    const int32_t whole = p->vectors - (p->tail != 0 ? 1 : 0);
    TINYQ_MVE_UNROLL
    for (int32_t v = 0; v < whole; ++v) {
        const int8x16_t a = vld1q_s8(x);
        x += TINYQ_MVE_VECTOR;
        s0 = vmladavaq_s8(s0, a, tinyq_mve_load_words(*w));
        s1 = vmladavaq_s8(s1, a, tinyq_mve_load_words(*w + TINYQ_MVE_VECTOR));
        s2 = vmladavaq_s8(s2, a, tinyq_mve_load_words(*w + 2 * TINYQ_MVE_VECTOR));
        s3 = vmladavaq_s8(s3, a, tinyq_mve_load_words(*w + 3 * TINYQ_MVE_VECTOR));
        *w += 4 * TINYQ_MVE_VECTOR;
        TINYQ_MVE_HERE(*w);
    }
    if (p->tail != 0) {
        const int8x16_t a = vld1q_z_s8(x, vctp8q((uint32_t)p->tail));
        s0 = vmladavaq_s8(s0, a, tinyq_mve_load_words(*w));
        s1 = vmladavaq_s8(s1, a, tinyq_mve_load_words(*w + TINYQ_MVE_VECTOR));
        s2 = vmladavaq_s8(s2, a, tinyq_mve_load_words(*w + 2 * TINYQ_MVE_VECTOR));
        s3 = vmladavaq_s8(s3, a, tinyq_mve_load_words(*w + 3 * TINYQ_MVE_VECTOR));
        *w += 4 * TINYQ_MVE_VECTOR;
        TINYQ_MVE_HERE(*w);
    }
    int32x4_t quad = tinyq_mve_set_lanes_0_2(tinyq_mve_any(), s0, s2);
    quad = tinyq_mve_set_lanes_1_3(quad, s1, s3);
    TINYQ_MVE_DONE(quad);
    return quad;
}

/*
 * FULLY_CONNECTED, int8. input [I], filter [G,2,vectors,4,16] and constants [G,2,2 or 3,4] for groups of eight outputs
 * as tinyq_mve_products.h has them, output [O].
 */
TINYQ_KERNEL void tinyq_own_mve_fully_connected(const tinyq_own_mve_fully_connected_params *p, const int8_t *input,
                                                const int8_t *filter, const int32_t *constants, int8_t *output)
{
    const tinyq_mve_output out = {p->kind, p->left, p->fraction, p->output_offset, p->activation_min,
                                  p->activation_max};
    for (int32_t left = p->output_depth; left > 0; left -= TINYQ_MVE_GROUP) {
        int32x4_t even = tinyq_mve_row_quad(p, input, &filter);
        int32x4_t odd = tinyq_mve_row_quad(p, input, &filter);
        even = tinyq_mve_scale(even, &constants, out, 0);
        odd = tinyq_mve_scale(odd, &constants, out, 0);
        tinyq_mve_store_group(output, tinyq_mve_results(even, odd, out), out,
                              p->output_depth % TINYQ_MVE_GROUP == 0 ? TINYQ_MVE_GROUP : left);
        output += TINYQ_MVE_GROUP;
    }
}

#endif
