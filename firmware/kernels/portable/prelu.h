/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_PRELU_H
#define TINYQ_PORTABLE_PRELU_H

#include "../tinyq_broadcast.h"
#include "../tinyq_fixed_point.h"
#include "../tinyq_prelu_params.h"

/* One result. */
static inline int8_t tinyq_prelu_value(const tinyq_prelu_params *p, int32_t input, int32_t alpha)
{
    const int32_t value = input + p->input_offset;
    const int32_t product = value * (alpha + p->alpha_offset);
    const int32_t scaled = value >= 0
                               ? tinyq_requantize(value, p->above_multiplier, p->above_shift)
                               : tinyq_requantize(product, p->below_multiplier, p->below_shift);
    return (int8_t)tinyq_clamp(scaled + p->output_offset, INT8_MIN, INT8_MAX);
}

/*
 * PRELU, int8, with alpha as second input, elementwise over `size`. Each element is read before it
 * is written: output may be either input.
 */
TINYQ_KERNEL void tinyq_portable_prelu(const tinyq_prelu_params *p, const int8_t *input1,
                                       const int8_t *input2, int8_t *output)
{
    for (int32_t i = 0; i < p->size; ++i) {
        output[i] = tinyq_prelu_value(p, input1[i], input2[i]);
    }
}

typedef struct {
    tinyq_prelu_params op;
    tinyq_rows rows;
} tinyq_prelu_rows_params;

/* The same where the inputs broadcast. The output may be an input of its own size. */
TINYQ_KERNEL void tinyq_portable_prelu_rows(const tinyq_prelu_rows_params *p,
                                            const int8_t *input1, const int8_t *input2,
                                            int8_t *output)
{
    tinyq_row row = {0};
    do {
        for (int32_t i = 0; i < p->rows.length; ++i) {
            const int32_t a = input1[row.at1 + i * p->rows.step1];
            const int32_t b = input2[row.at2 + i * p->rows.step2];
            *output++ = tinyq_prelu_value(&p->op, a, b);
        }
    } while (tinyq_next_row(&p->rows, &row));
}

#endif
