/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_BATCH_MATMUL_H
#define TINYQ_PORTABLE_BATCH_MATMUL_H

#include "../tinyq_batch_matmul_params.h"
#include "../tinyq_element.h"
#include "../tinyq_wide.h"

/* One output: the row of x from element `x_at` on by the column of y from `y_at` on; int16 in 64 bits, zero points 0. */
TINYQ_BODY int32_t tinyq_matmul_value(const tinyq_batch_matmul_params *p, const void *x, int32_t x_at, const void *y,
                                      int32_t y_at, int wide)
{
    if (wide) {
        int64_t sum = 0;
        for (int32_t i = 0; i < p->depth; ++i) {
            sum += tinyq_load(x, x_at + i * p->x_step, wide) * tinyq_load(y, y_at + i * p->y_step, wide);
        }
        return tinyq_requantize_wide(sum, p->output_multiplier, p->output_shift);
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < p->depth; ++i) {
        const int32_t a = tinyq_load(x, x_at + i * p->x_step, wide) + p->x_offset;
        const int32_t b = tinyq_load(y, y_at + i * p->y_step, wide) + p->y_offset;
        sum = tinyq_wrapping_add(sum, a * b);
    }
    return tinyq_wrapping_add(tinyq_requantize(sum, p->output_multiplier, p->output_shift), p->output_offset);
}

/* One product, x [rows,depth] by y [depth,columns], by their steps: to the output from element `at` on. */
TINYQ_BODY void tinyq_matmul(const tinyq_batch_matmul_params *p, const void *x, int32_t x_at, const void *y,
                             int32_t y_at, void *output, int32_t at, int wide)
{
    for (int32_t row = 0; row < p->rows; ++row) {
        for (int32_t column = 0; column < p->columns; ++column) {
            const int32_t value = tinyq_matmul_value(p, x, x_at + row * p->x_row_step, y,
                                                     y_at + column * p->y_column_step, wide);
            tinyq_store(output, at++, tinyq_clamp(value, tinyq_least(wide), tinyq_most(wide)), wide);
        }
    }
}

/* BATCH_MATMUL: one product for each index of the leading axes. */
TINYQ_BODY void tinyq_batch_matmul(const tinyq_batch_matmul_params *p, const void *x, const void *y, void *output,
                                   int wide)
{
    const int32_t *x_steps = p->x_batch_step, *y_steps = p->y_batch_step;
    int32_t at = 0;
    for (int32_t i = 0; i < p->batch_extent[0]; ++i) {
        for (int32_t j = 0; j < p->batch_extent[1]; ++j) {
            for (int32_t k = 0; k < p->batch_extent[2]; ++k) {
                tinyq_matmul(p, x, i * x_steps[0] + j * x_steps[1] + k * x_steps[2], y,
                             i * y_steps[0] + j * y_steps[1] + k * y_steps[2], output, at, wide);
                at += p->rows * p->columns;
            }
        }
    }
}

TINYQ_KERNEL void tinyq_portable_batch_matmul(const tinyq_batch_matmul_params *p, const int8_t *x, const int8_t *y,
                                              int8_t *output)
{
    tinyq_batch_matmul(p, x, y, output, 0);
}

TINYQ_KERNEL void tinyq_portable_batch_matmul_s16(const tinyq_batch_matmul_params *p, const int16_t *x,
                                                  const int16_t *y, int16_t *output)
{
    tinyq_batch_matmul(p, x, y, output, 1);
}

#endif
