/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_SUB_H
#define TINYQ_PORTABLE_SUB_H

#include "add.h"

/* SUB, int8, elementwise over `size`. Each element is read before it is written: output may be either input. */
TINYQ_KERNEL void tinyq_portable_sub(const tinyq_add_params *p, const int8_t *input1, const int8_t *input2,
                                     int8_t *output)
{
    for (int32_t i = 0; i < p->size; ++i) {
        output[i] = tinyq_add_value(p, input1[i], input2[i], -1);
    }
}

typedef struct {
    tinyq_add_params op;
    tinyq_rows rows;
} tinyq_sub_rows_params;

/* The same where the inputs broadcast. The output may be an input of its own size. */
TINYQ_KERNEL void tinyq_portable_sub_rows(const tinyq_sub_rows_params *p, const int8_t *input1,
                                          const int8_t *input2, int8_t *output)
{
    tinyq_row row = {0};
    do {
        for (int32_t i = 0; i < p->rows.length; ++i) {
            const int32_t a = input1[row.at1 + i * p->rows.step1];
            const int32_t b = input2[row.at2 + i * p->rows.step2];
            *output++ = tinyq_add_value(&p->op, a, b, -1);
        }
    } while (tinyq_next_row(&p->rows, &row));
}

#endif
