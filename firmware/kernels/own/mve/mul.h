/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_MUL_H
#define TINYQ_OWN_MVE_MUL_H

#include "tinyq_mve_broadcast.h"

/*
 * MUL. A product becomes an output as tinyq_mve_output says: NARROW shifts each operand, zero point included, by
 * TINYQ_MVE_MUL_SHIFT first, and adds `offset`; SIGNED shifts the product by `shift`.
 */
typedef struct {
    int32_t size;
    int32_t zero1, zero2;
    int32_t kind, fraction;
    int32_t multiplier, offset, shift;
    int32_t output_offset, activation_min, activation_max;
} tinyq_own_mve_mul_params;

typedef struct {
    tinyq_own_mve_mul_params op;
    tinyq_rows rows;
} tinyq_own_mve_mul_rows_params;

/* Nine bits and seven are sixteen. */
#define TINYQ_MVE_MUL_SHIFT 7

/* The even or odd eight of an operand, less its zero point. */
TINYQ_MVE_INLINE int16x8_t tinyq_mve_factor_even(int8x16_t value, int32_t zero, int32_t kind)
{
    return kind == TINYQ_MVE_NARROW
               ? vsubq_n_s16(vshllbq_n_s8(value, TINYQ_MVE_MUL_SHIFT), (int16_t)(zero * (1 << TINYQ_MVE_MUL_SHIFT)))
               : vsubq_n_s16(vmovlbq_s8(value), (int16_t)zero);
}

TINYQ_MVE_INLINE int16x8_t tinyq_mve_factor_odd(int8x16_t value, int32_t zero, int32_t kind)
{
    return kind == TINYQ_MVE_NARROW
               ? vsubq_n_s16(vshlltq_n_s8(value, TINYQ_MVE_MUL_SHIFT), (int16_t)(zero * (1 << TINYQ_MVE_MUL_SHIFT)))
               : vsubq_n_s16(vmovltq_s8(value), (int16_t)zero);
}

/* tinyq_mve_scale with the same constants for all four. */
TINYQ_MVE_INLINE int32x4_t tinyq_mve_product(const tinyq_own_mve_mul_params *p, int32x4_t product)
{
    const int32x4_t high = vqrdmulhq_n_s32(product, p->multiplier);
    if (p->kind == TINYQ_MVE_NARROW) {
        return vqaddq_n_s32(high, p->offset);
    }
    return vrshlq_n_s32(vaddq_s32(high, vshrq_n_s32(high, 31)), p->shift);
}

/* Eight results of eight products. */
TINYQ_MVE_INLINE int16x8_t tinyq_mve_mul_8(const tinyq_own_mve_mul_params *p, int16x8_t a, int16x8_t b,
                                           tinyq_mve_output out)
{
    const int32x4_t even = tinyq_mve_product(p, vmullbq_int_s16(a, b));
    return tinyq_mve_results(even, tinyq_mve_product(p, vmulltq_int_s16(a, b)), out);
}

TINYQ_MVE_INLINE int8x16_t tinyq_mve_mul_16(const tinyq_own_mve_mul_params *p, int8x16_t a, int8x16_t b)
{
    const tinyq_mve_output out = {p->kind,          0, p->fraction, p->output_offset, p->activation_min,
                                  p->activation_max};
    const int16x8_t even = tinyq_mve_mul_8(p, tinyq_mve_factor_even(a, p->zero1, p->kind),
                                           tinyq_mve_factor_even(b, p->zero2, p->kind), out);
    const int8x16_t bytes = tinyq_mve_even_bytes(even, out);
    const int16x8_t odd = tinyq_mve_mul_8(p, tinyq_mve_factor_odd(a, p->zero1, p->kind),
                                          tinyq_mve_factor_odd(b, p->zero2, p->kind), out);
    return tinyq_mve_activate(tinyq_mve_odd_bytes(bytes, odd, out), out);
}

TINYQ_MVE_INLINE void tinyq_mve_mul_row(const void *op, const int8_t *input1, int32_t step1, const int8_t *input2,
                                        int32_t step2, int8_t *output, int32_t left)
{
    for (; left >= TINYQ_MVE_VECTOR; left -= TINYQ_MVE_VECTOR) {
        const int8x16_t b = tinyq_mve_operand(input2, step2);
        vst1q_s8(output, tinyq_mve_mul_16(op, tinyq_mve_operand(input1, step1), b));
        input1 += step1 * TINYQ_MVE_VECTOR;
        input2 += step2 * TINYQ_MVE_VECTOR;
        output += TINYQ_MVE_VECTOR;
    }
    if (left > 0) {
        const mve_pred16_t valid = vctp8q((uint32_t)left);
        const int8x16_t b = tinyq_mve_operand_tail(input2, step2, valid);
        vst1q_p_s8(output, tinyq_mve_mul_16(op, tinyq_mve_operand_tail(input1, step1, valid), b), valid);
    }
}

/* MUL, int8, elementwise over `size`. The output may take the place of either input. */
TINYQ_KERNEL void tinyq_own_mve_mul(const tinyq_own_mve_mul_params *p, const int8_t *input1, const int8_t *input2,
                                    int8_t *output)
{
    tinyq_mve_mul_row(p, input1, 1, input2, 1, output, p->size);
}

/* The same where the inputs broadcast. The output may be an input of its own size. */
TINYQ_KERNEL void tinyq_own_mve_mul_rows(const tinyq_own_mve_mul_rows_params *p, const int8_t *input1,
                                         const int8_t *input2, int8_t *output)
{
    tinyq_mve_each_row(tinyq_mve_mul_row, &p->op, &p->rows, input1, input2, output);
}

#endif
