/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_DIV_H
#define TINYQ_PORTABLE_DIV_H

#include "../tinyq_broadcast.h"
#include "../tinyq_fixed_functions.h"
#include "../tinyq_mul_params.h"

/* One bit less than an int32 has sign bits. */
static inline int32_t tinyq_headroom(int32_t value)
{
    const uint32_t magnitude = (uint32_t)(value < 0 ? ~value : value);
    return magnitude == 0 ? 31 : tinyq_count_leading_zeros(magnitude) - 1;
}

/*
 * One quotient: the numerator with all the bits there is room for, times the reciprocal of the
 * denominator. What has to be shifted by more than 31 bits is below half a step. x / 0 is the end
 * of the range.
 */
static inline int8_t tinyq_div_value(const tinyq_mul_params *p, int32_t input1, int32_t input2)
{
    int32_t numerator = input1 + p->input1_offset;
    int32_t denominator = input2 + p->input2_offset;
    int32_t quotient = numerator > 0 ? 256 : (numerator < 0 ? -256 : 0);
    if (denominator < 0) {
        numerator = -numerator;
        denominator = -denominator;
    }
    if (denominator > 0) {
        const int32_t zeros = tinyq_count_leading_zeros((uint32_t)denominator);
        const int32_t reciprocal =
            tinyq_reciprocal_of_one_plus((int32_t)(((uint32_t)denominator << zeros) - 0x80000000u));
        const int32_t headroom = tinyq_headroom(numerator);
        const int32_t whole = (int32_t)((uint32_t)numerator << headroom);
        const int32_t right = 31 - zeros + headroom - p->output_shift;
        quotient = tinyq_doubling_high_multiply(tinyq_doubling_high_multiply(whole, reciprocal),
                                                p->output_multiplier);
        quotient = right > 31 ? 0 : tinyq_rounding_shift_right(quotient, right);
    }
    const int32_t value = tinyq_wrapping_add(quotient, p->output_offset);
    return (int8_t)tinyq_clamp(value, p->activation_min, p->activation_max);
}

/*
 * DIV, int8, elementwise over `size`. Each element is read before it is
 * written: output may be either input.
 */
TINYQ_KERNEL void tinyq_portable_div(const tinyq_mul_params *p, const int8_t *input1,
                                     const int8_t *input2, int8_t *output)
{
    for (int32_t i = 0; i < p->size; ++i) {
        output[i] = tinyq_div_value(p, input1[i], input2[i]);
    }
}

typedef struct {
    tinyq_mul_params op;
    tinyq_rows rows;
} tinyq_div_rows_params;

/* The same where the inputs broadcast. The output may be an input of its own size. */
TINYQ_KERNEL void tinyq_portable_div_rows(const tinyq_div_rows_params *p,
                                          const int8_t *input1, const int8_t *input2,
                                          int8_t *output)
{
    tinyq_row row = {0};
    do {
        for (int32_t i = 0; i < p->rows.length; ++i) {
            const int32_t a = input1[row.at1 + i * p->rows.step1];
            const int32_t b = input2[row.at2 + i * p->rows.step2];
            *output++ = tinyq_div_value(&p->op, a, b);
        }
    } while (tinyq_next_row(&p->rows, &row));
}

#endif
