/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_COMPARE_H
#define TINYQ_PORTABLE_COMPARE_H

#include "../tinyq_broadcast.h"
#include "../tinyq_compare_params.h"
#include "../tinyq_fixed_point.h"

/* One result: 256 times both values in real numbers, rounded, are compared. */
static inline int8_t tinyq_compare_value(const tinyq_compare_params *p, int32_t input1,
                                         int32_t input2)
{
    const int32_t a = tinyq_requantize((input1 + p->input1_offset) * 256, p->input1_multiplier,
                                       p->input1_shift);
    const int32_t b = tinyq_requantize((input2 + p->input2_offset) * 256, p->input2_multiplier,
                                       p->input2_shift);
    return (int8_t)(a < b ? p->less : (a > b ? p->greater : p->equal));
}

/*
 * EQUAL, LESS and their kin, int8 or bool to bool, elementwise over `size`. Each element is read
 * before it is written: output may be either input.
 */
TINYQ_KERNEL void tinyq_portable_compare(const tinyq_compare_params *p, const int8_t *input1,
                                         const int8_t *input2, int8_t *output)
{
    for (int32_t i = 0; i < p->size; ++i) {
        output[i] = tinyq_compare_value(p, input1[i], input2[i]);
    }
}

typedef struct {
    tinyq_compare_params op;
    tinyq_rows rows;
} tinyq_compare_rows_params;

/* The same where the inputs broadcast. The output may be an input of its own size. */
TINYQ_KERNEL void tinyq_portable_compare_rows(const tinyq_compare_rows_params *p,
                                              const int8_t *input1, const int8_t *input2,
                                              int8_t *output)
{
    tinyq_row row = {0};
    do {
        for (int32_t i = 0; i < p->rows.length; ++i) {
            const int32_t a = input1[row.at1 + i * p->rows.step1];
            const int32_t b = input2[row.at2 + i * p->rows.step2];
            *output++ = tinyq_compare_value(&p->op, a, b);
        }
    } while (tinyq_next_row(&p->rows, &row));
}

#endif
