/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_ADD_H
#define TINYQ_OWN_MVE_ADD_H

#include "tinyq_mve_broadcast.h"

/*
 * ADD where VQRDMULH(a << 24, factor1) + VQRDMULH(b << 24, factor2) + offset, shifted right by TINYQ_MVE_ADD_SHIFT,
 * rounded and saturated, gives TFLite's result for every pair of bytes, as the compiler has tried; SUB where factor2 is
 * negative. It must round: the assembler of binutils 2.40 encodes VQSHRN as VQRSHRN.
 */
typedef struct {
    int32_t size, factor1, factor2, offset;
    int32_t activation_min, activation_max;
} tinyq_own_mve_add_params;

typedef struct {
    tinyq_own_mve_add_params op;
    tinyq_rows rows;
} tinyq_own_mve_add_rows_params;

#define TINYQ_MVE_ADD_SHIFT 22

TINYQ_MVE_INLINE int32x4_t tinyq_mve_add_quad(const tinyq_own_mve_add_params *p, int32x4_t a, int32x4_t b)
{
    const int32x4_t sum = vaddq_s32(vqrdmulhq_n_s32(a, p->factor1), vqrdmulhq_n_s32(b, p->factor2));
    return vaddq_n_s32(sum, p->offset);
}

/* Eight sums, shifted by 16; the bytes are in the upper halves. */
TINYQ_MVE_INLINE int16x8_t tinyq_mve_add_8(const tinyq_own_mve_add_params *p, int16x8_t a, int16x8_t b)
{
    const int32x4_t even = tinyq_mve_add_quad(p, vshllbq_n_s16(a, 16), vshllbq_n_s16(b, 16));
    const int32x4_t odd = tinyq_mve_add_quad(p, vshlltq_n_s16(a, 16), vshlltq_n_s16(b, 16));
    return tinyq_mve_halves(even, odd);
}

TINYQ_MVE_INLINE int8x16_t tinyq_mve_add_16(const tinyq_own_mve_add_params *p, int8x16_t a, int8x16_t b)
{
    const tinyq_mve_output out = {0, 0, 0, 0, p->activation_min, p->activation_max};
    const int16x8_t even = tinyq_mve_add_8(p, vshllbq_n_s8(a, 8), vshllbq_n_s8(b, 8));
    const int16x8_t odd = tinyq_mve_add_8(p, vshlltq_n_s8(a, 8), vshlltq_n_s8(b, 8));
    const int8x16_t low = vqrshrnbq_n_s16(vreinterpretq_s8_s16(even), even, TINYQ_MVE_ADD_SHIFT - 16);
    return tinyq_mve_activate(vqrshrntq_n_s16(low, odd, TINYQ_MVE_ADD_SHIFT - 16), out);
}

TINYQ_MVE_INLINE void tinyq_mve_add_row(const void *op, const int8_t *input1, int32_t step1, const int8_t *input2,
                                        int32_t step2, int8_t *output, int32_t left)
{
    for (; left >= TINYQ_MVE_VECTOR; left -= TINYQ_MVE_VECTOR) {
        const int8x16_t b = tinyq_mve_operand(input2, step2);
        vst1q_s8(output, tinyq_mve_add_16(op, tinyq_mve_operand(input1, step1), b));
        input1 += step1 * TINYQ_MVE_VECTOR;
        input2 += step2 * TINYQ_MVE_VECTOR;
        output += TINYQ_MVE_VECTOR;
    }
    if (left > 0) {
        const mve_pred16_t valid = vctp8q((uint32_t)left);
        const int8x16_t b = tinyq_mve_operand_tail(input2, step2, valid);
        vst1q_p_s8(output, tinyq_mve_add_16(op, tinyq_mve_operand_tail(input1, step1, valid), b), valid);
    }
}

/* ADD and SUB, int8, elementwise over `size`. The output may take the place of either input. */
TINYQ_KERNEL void tinyq_own_mve_add(const tinyq_own_mve_add_params *p, const int8_t *input1, const int8_t *input2,
                                    int8_t *output)
{
    tinyq_mve_add_row(p, input1, 1, input2, 1, output, p->size);
}

/* The same where the inputs broadcast. The output may be an input of its own size. */
TINYQ_KERNEL void tinyq_own_mve_add_rows(const tinyq_own_mve_add_rows_params *p, const int8_t *input1,
                                         const int8_t *input2, int8_t *output)
{
    tinyq_mve_each_row(tinyq_mve_add_row, &p->op, &p->rows, input1, input2, output);
}

#endif
