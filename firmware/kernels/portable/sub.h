/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_SUB_H
#define TINYQ_PORTABLE_SUB_H

#include "add.h"

/* SUB, elementwise over `size`. Each element is read before it is written: output may be either input. */
TINYQ_BODY void tinyq_sub(const tinyq_add_params *p, const void *input1, const void *input2, void *output, int wide)
{
    for (int32_t i = 0; i < p->size; ++i) {
        tinyq_store(output, i, tinyq_add_value(p, tinyq_load(input1, i, wide), tinyq_load(input2, i, wide), -1), wide);
    }
}

typedef struct {
    tinyq_add_params op;
    tinyq_rows rows;
} tinyq_sub_rows_params;

/* The same where the inputs broadcast. The output may be an input of its own size. */
TINYQ_BODY void tinyq_sub_rows(const tinyq_sub_rows_params *p, const void *input1, const void *input2, void *output,
                               int wide)
{
    tinyq_row row = {0};
    int32_t at = 0;
    do {
        for (int32_t i = 0; i < p->rows.length; ++i) {
            const int32_t a = tinyq_load(input1, row.at1 + i * p->rows.step1, wide);
            const int32_t b = tinyq_load(input2, row.at2 + i * p->rows.step2, wide);
            tinyq_store(output, at++, tinyq_add_value(&p->op, a, b, -1), wide);
        }
    } while (tinyq_next_row(&p->rows, &row));
}

TINYQ_KERNEL void tinyq_portable_sub(const tinyq_add_params *p, const int8_t *input1, const int8_t *input2,
                                     int8_t *output)
{
    tinyq_sub(p, input1, input2, output, 0);
}

TINYQ_KERNEL void tinyq_portable_sub_rows(const tinyq_sub_rows_params *p, const int8_t *input1,
                                          const int8_t *input2, int8_t *output)
{
    tinyq_sub_rows(p, input1, input2, output, 0);
}

TINYQ_KERNEL void tinyq_portable_sub_s16(const tinyq_add_params *p, const int16_t *input1, const int16_t *input2,
                                         int16_t *output)
{
    tinyq_sub(p, input1, input2, output, 1);
}

TINYQ_KERNEL void tinyq_portable_sub_rows_s16(const tinyq_sub_rows_params *p, const int16_t *input1,
                                              const int16_t *input2, int16_t *output)
{
    tinyq_sub_rows(p, input1, input2, output, 1);
}

#endif
