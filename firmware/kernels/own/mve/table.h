/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_TABLE_H
#define TINYQ_OWN_MVE_TABLE_H

#include "../../tinyq_table_params.h"
#include "tinyq_mve.h"

typedef tinyq_table_params tinyq_own_mve_table_params;

/* Any function of one int8, elementwise over `size`, as in portable/table.h. The output may be the input. */
TINYQ_KERNEL void tinyq_own_mve_table(const tinyq_own_mve_table_params *p, const int8_t *input, const int8_t *table,
                                      int8_t *output)
{
    int32_t left = p->size;
    for (; left >= TINYQ_MVE_VECTOR; left -= TINYQ_MVE_VECTOR) {
        const uint8x16_t at = vld1q_u8((const uint8_t *)input);
        vst1q_s8(output, vldrbq_gather_offset_s8(table, at));
        input += TINYQ_MVE_VECTOR;
        output += TINYQ_MVE_VECTOR;
    }
    if (left > 0) {
        const mve_pred16_t valid = vctp8q((uint32_t)left);
        const uint8x16_t at = vld1q_z_u8((const uint8_t *)input, valid);
        vst1q_p_s8(output, vldrbq_gather_offset_z_s8(table, at, valid), valid);
    }
}

#endif
