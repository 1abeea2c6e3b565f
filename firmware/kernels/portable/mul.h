/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_MUL_H
#define TINYQ_PORTABLE_MUL_H

#include "../tinyq_broadcast.h"
#include "../tinyq_element.h"
#include "../tinyq_fixed_point.h"
#include "../tinyq_mul_params.h"

/* One result. */
static inline int32_t tinyq_mul_value(const tinyq_mul_params *p, int32_t input1, int32_t input2)
{
    const int32_t product = (input1 + p->input1_offset) * (input2 + p->input2_offset);
    const int32_t value = tinyq_requantize(product, p->output_multiplier, p->output_shift) + p->output_offset;
    return tinyq_clamp(value, p->activation_min, p->activation_max);
}

/* MUL, elementwise over `size`. Each element is read before it is written: output may be either input. */
TINYQ_BODY void tinyq_mul(const tinyq_mul_params *p, const void *input1, const void *input2, void *output, int wide)
{
    for (int32_t i = 0; i < p->size; ++i) {
        tinyq_store(output, i, tinyq_mul_value(p, tinyq_load(input1, i, wide), tinyq_load(input2, i, wide)), wide);
    }
}

typedef struct {
    tinyq_mul_params op;
    tinyq_rows rows;
} tinyq_mul_rows_params;

/* The same where the inputs broadcast. The output may be an input of its own size. */
TINYQ_BODY void tinyq_mul_rows(const tinyq_mul_rows_params *p, const void *input1, const void *input2, void *output,
                               int wide)
{
    tinyq_row row = {0};
    int32_t at = 0;
    do {
        for (int32_t i = 0; i < p->rows.length; ++i) {
            const int32_t a = tinyq_load(input1, row.at1 + i * p->rows.step1, wide);
            const int32_t b = tinyq_load(input2, row.at2 + i * p->rows.step2, wide);
            tinyq_store(output, at++, tinyq_mul_value(&p->op, a, b), wide);
        }
    } while (tinyq_next_row(&p->rows, &row));
}

TINYQ_KERNEL void tinyq_portable_mul(const tinyq_mul_params *p, const int8_t *input1, const int8_t *input2,
                                     int8_t *output)
{
    tinyq_mul(p, input1, input2, output, 0);
}

TINYQ_KERNEL void tinyq_portable_mul_rows(const tinyq_mul_rows_params *p, const int8_t *input1,
                                          const int8_t *input2, int8_t *output)
{
    tinyq_mul_rows(p, input1, input2, output, 0);
}

TINYQ_KERNEL void tinyq_portable_mul_s16(const tinyq_mul_params *p, const int16_t *input1, const int16_t *input2,
                                         int16_t *output)
{
    tinyq_mul(p, input1, input2, output, 1);
}

TINYQ_KERNEL void tinyq_portable_mul_rows_s16(const tinyq_mul_rows_params *p, const int16_t *input1,
                                              const int16_t *input2, int16_t *output)
{
    tinyq_mul_rows(p, input1, input2, output, 1);
}

#endif
