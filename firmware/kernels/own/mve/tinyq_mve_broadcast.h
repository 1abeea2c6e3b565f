/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_BROADCAST_H
#define TINYQ_OWN_MVE_BROADCAST_H
/*
 * Functions of two operands. A kernel says what it makes of a row, along which each operand walks (step 1) or stays
 * (step 0); here are the rows of operands that broadcast.
 */
#include "../../tinyq_broadcast.h"
#include "tinyq_mve.h"

typedef void tinyq_mve_row_of(const void *op, const int8_t *input1, int32_t step1, const int8_t *input2, int32_t step2,
                              int8_t *output, int32_t length);

/* Sixteen elements of an operand. */
TINYQ_MVE_INLINE int8x16_t tinyq_mve_operand(const int8_t *at, int32_t step)
{
    return step != 0 ? vld1q_s8(at) : vdupq_n_s8(*at);
}

/* The first of them, zeros behind. */
TINYQ_MVE_INLINE int8x16_t tinyq_mve_operand_tail(const int8_t *at, int32_t step, mve_pred16_t valid)
{
    return step != 0 ? vld1q_z_s8(at, valid) : vdupq_n_s8(*at);
}

/* Four of them as words. */
TINYQ_MVE_INLINE int32x4_t tinyq_mve_quad_of_operand(const int8_t *at, int32_t step, mve_pred16_t valid)
{
    return step != 0 ? vldrbq_z_s32(at, valid) : vdupq_n_s32(*at);
}

/* All rows, in the order of the output; `row_of` is a constant after inlining. */
TINYQ_MVE_INLINE void tinyq_mve_each_row(tinyq_mve_row_of *row_of, const void *op, const tinyq_rows *rows,
                                         const int8_t *input1, const int8_t *input2, int8_t *output)
{
    tinyq_row row = {0};
    do {
        row_of(op, input1 + row.at1, rows->step1, input2 + row.at2, rows->step2, output, rows->length);
        output += rows->length;
    } while (tinyq_next_row(rows, &row));
}

#endif
