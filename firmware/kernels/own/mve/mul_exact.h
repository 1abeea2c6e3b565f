/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_MUL_EXACT_H
#define TINYQ_OWN_MVE_MUL_EXACT_H

#include "../../tinyq_mul_params.h"
#include "tinyq_mve_broadcast.h"

typedef tinyq_mul_params tinyq_own_mve_mul_exact_params;

typedef struct {
    tinyq_own_mve_mul_exact_params op;
    tinyq_rows rows;
} tinyq_own_mve_mul_exact_rows_params;

TINYQ_MVE_INLINE void tinyq_mve_mul_exact_row(const void *op, const int8_t *input1, int32_t step1,
                                              const int8_t *input2, int32_t step2, int8_t *output, int32_t length)
{
    const tinyq_mul_params *const p = op;
    for (int32_t i = 0; i < length; i += TINYQ_MVE_QUAD) {
        const mve_pred16_t valid = vctp32q((uint32_t)(length - i));
        const int32x4_t a = vaddq_n_s32(tinyq_mve_quad_of_operand(input1 + i * step1, step1, valid), p->input1_offset);
        const int32x4_t b = vaddq_n_s32(tinyq_mve_quad_of_operand(input2 + i * step2, step2, valid), p->input2_offset);
        int32x4_t value = tinyq_mve_requantize(vmulq_s32(a, b), vdupq_n_s32(p->output_multiplier),
                                               vdupq_n_s32(p->output_shift));
        value = vmaxq_s32(vaddq_n_s32(value, p->output_offset), vdupq_n_s32(p->activation_min));
        vstrbq_p_s32(output + i, vminq_s32(value, vdupq_n_s32(p->activation_max)), valid);
    }
}

/* MUL, int8, elementwise over `size`, by TFLite's roundings. The output may take the place of either input. */
TINYQ_KERNEL void tinyq_own_mve_mul_exact(const tinyq_own_mve_mul_exact_params *p, const int8_t *input1,
                                          const int8_t *input2, int8_t *output)
{
    tinyq_mve_mul_exact_row(p, input1, 1, input2, 1, output, p->size);
}

/* The same where the inputs broadcast. The output may be an input of its own size. */
TINYQ_KERNEL void tinyq_own_mve_mul_exact_rows(const tinyq_own_mve_mul_exact_rows_params *p, const int8_t *input1,
                                               const int8_t *input2, int8_t *output)
{
    tinyq_mve_each_row(tinyq_mve_mul_exact_row, &p->op, &p->rows, input1, input2, output);
}

#endif
