/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_ADD_EXACT_H
#define TINYQ_OWN_MVE_ADD_EXACT_H

#include "../../tinyq_add_params.h"
#include "tinyq_mve_broadcast.h"

/* `sign` -1 subtracts. */
typedef struct {
    tinyq_add_params add;
    int32_t sign;
} tinyq_own_mve_add_exact_params;

typedef struct {
    tinyq_own_mve_add_exact_params op;
    tinyq_rows rows;
} tinyq_own_mve_add_exact_rows_params;

/* Four elements of an operand, at its scale in the sum. */
TINYQ_MVE_INLINE int32x4_t tinyq_mve_addend(const int8_t *at, int32_t step, mve_pred16_t valid, int32_t offset,
                                            int32_t left_shift, int32_t multiplier, int32_t shift)
{
    const int32x4_t value = tinyq_mve_quad_of_operand(at, step, valid);
    return tinyq_mve_requantize(vshlq_r_s32(vaddq_n_s32(value, offset), left_shift), vdupq_n_s32(multiplier),
                                vdupq_n_s32(shift));
}

TINYQ_MVE_INLINE void tinyq_mve_add_exact_row(const void *op, const int8_t *input1, int32_t step1,
                                              const int8_t *input2, int32_t step2, int8_t *output, int32_t length)
{
    const tinyq_add_params *const p = &((const tinyq_own_mve_add_exact_params *)op)->add;
    const int32_t sign = ((const tinyq_own_mve_add_exact_params *)op)->sign;
    for (int32_t i = 0; i < length; i += TINYQ_MVE_QUAD) {
        const mve_pred16_t valid = vctp32q((uint32_t)(length - i));
        const int32x4_t a = tinyq_mve_addend(input1 + i * step1, step1, valid, p->input1_offset, p->left_shift,
                                             p->input1_multiplier, p->input1_shift);
        const int32x4_t b = tinyq_mve_addend(input2 + i * step2, step2, valid, p->input2_offset, p->left_shift,
                                             p->input2_multiplier, p->input2_shift);
        int32x4_t sum = sign < 0 ? vsubq_s32(a, b) : vaddq_s32(a, b);
        sum = tinyq_mve_requantize(sum, vdupq_n_s32(p->output_multiplier), vdupq_n_s32(p->output_shift));
        sum = vmaxq_s32(vaddq_n_s32(sum, p->output_offset), vdupq_n_s32(p->activation_min));
        vstrbq_p_s32(output + i, vminq_s32(sum, vdupq_n_s32(p->activation_max)), valid);
    }
}

/* ADD and SUB, int8, elementwise over `size`, by TFLite's roundings. The output may take the place of either input. */
TINYQ_KERNEL void tinyq_own_mve_add_exact(const tinyq_own_mve_add_exact_params *p, const int8_t *input1,
                                          const int8_t *input2, int8_t *output)
{
    tinyq_mve_add_exact_row(p, input1, 1, input2, 1, output, p->add.size);
}

/* The same where the inputs broadcast. The output may be an input of its own size. */
TINYQ_KERNEL void tinyq_own_mve_add_exact_rows(const tinyq_own_mve_add_exact_rows_params *p, const int8_t *input1,
                                               const int8_t *input2, int8_t *output)
{
    tinyq_mve_each_row(tinyq_mve_add_exact_row, &p->op, &p->rows, input1, input2, output);
}

#endif
