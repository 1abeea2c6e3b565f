/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_MINIMUM_H
#define TINYQ_PORTABLE_MINIMUM_H

#include "../tinyq_broadcast.h"
#include "../tinyq_fixed_point.h"
#include "../tinyq_maximum_params.h"

/* One result. */
static inline int8_t tinyq_minimum_value(int32_t input1, int32_t input2)
{
    return (int8_t)(input1 < input2 ? input1 : input2);
}

/* MINIMUM, int8, elementwise over `size`. Each element is read before it is written: output may be either input. */
TINYQ_KERNEL void tinyq_portable_minimum(const tinyq_maximum_params *p, const int8_t *input1, const int8_t *input2,
                                         int8_t *output)
{
    for (int32_t i = 0; i < p->size; ++i) {
        output[i] = tinyq_minimum_value(input1[i], input2[i]);
    }
}

typedef struct {
    tinyq_maximum_params op;
    tinyq_rows rows;
} tinyq_minimum_rows_params;

/* The same where the inputs broadcast. The output may be an input of its own size. */
TINYQ_KERNEL void tinyq_portable_minimum_rows(const tinyq_minimum_rows_params *p, const int8_t *input1,
                                              const int8_t *input2, int8_t *output)
{
    tinyq_row row = {0};
    do {
        for (int32_t i = 0; i < p->rows.length; ++i) {
            const int32_t a = input1[row.at1 + i * p->rows.step1];
            const int32_t b = input2[row.at2 + i * p->rows.step2];
            *output++ = tinyq_minimum_value(a, b);
        }
    } while (tinyq_next_row(&p->rows, &row));
}

#endif
