/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_ADD_EXACT_H
#define TINYQ_OWN_MVE_ADD_EXACT_H

#include "../../tinyq_add_params.h"
#include "tinyq_mve.h"

typedef tinyq_add_params tinyq_own_mve_add_exact_params;

/* ADD, int8, elementwise over `size`, by TFLite's roundings. The output may take the place of either input. */
TINYQ_KERNEL void tinyq_own_mve_add_exact(const tinyq_own_mve_add_exact_params *p, const int8_t *input1,
                                          const int8_t *input2, int8_t *output)
{
    for (int32_t i = 0; i < p->size; i += TINYQ_MVE_QUAD) {
        const mve_pred16_t valid = vctp32q((uint32_t)(p->size - i));
        const int32x4_t a = vaddq_n_s32(vldrbq_z_s32(input1 + i, valid), p->input1_offset);
        const int32x4_t b = vaddq_n_s32(vldrbq_z_s32(input2 + i, valid), p->input2_offset);
        int32x4_t sum = tinyq_mve_requantize(vshlq_r_s32(a, p->left_shift), vdupq_n_s32(p->input1_multiplier),
                                             vdupq_n_s32(p->input1_shift));
        sum = vaddq_s32(sum, tinyq_mve_requantize(vshlq_r_s32(b, p->left_shift), vdupq_n_s32(p->input2_multiplier),
                                                  vdupq_n_s32(p->input2_shift)));
        sum = tinyq_mve_requantize(sum, vdupq_n_s32(p->output_multiplier), vdupq_n_s32(p->output_shift));
        sum = vmaxq_s32(vaddq_n_s32(sum, p->output_offset), vdupq_n_s32(p->activation_min));
        vstrbq_p_s32(output + i, vminq_s32(sum, vdupq_n_s32(p->activation_max)), valid);
    }
}

#endif
