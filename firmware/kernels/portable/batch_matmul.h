/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_BATCH_MATMUL_H
#define TINYQ_PORTABLE_BATCH_MATMUL_H

#include "../tinyq_batch_matmul_params.h"
#include "../tinyq_fixed_point.h"

/* One product: x [rows,depth] by y [depth,columns], by their steps. */
static inline void tinyq_matmul(const tinyq_batch_matmul_params *p, const int8_t *x, const int8_t *y, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row) {
        for (int32_t column = 0; column < p->columns; ++column) {
            const int8_t *a = x + row * p->x_row_step;
            const int8_t *b = y + column * p->y_column_step;
            int32_t sum = 0;
            for (int32_t i = 0; i < p->depth; ++i) {
                sum = tinyq_wrapping_add(sum, (a[i * p->x_step] + p->x_offset) * (b[i * p->y_step] + p->y_offset));
            }
            const int32_t value = tinyq_wrapping_add(tinyq_requantize(sum, p->output_multiplier, p->output_shift),
                                                     p->output_offset);
            *output++ = (int8_t)tinyq_clamp(value, INT8_MIN, INT8_MAX);
        }
    }
}

/* BATCH_MATMUL, int8: one product for each index of the leading axes. */
TINYQ_KERNEL void tinyq_portable_batch_matmul(const tinyq_batch_matmul_params *p, const int8_t *x, const int8_t *y,
                                              int8_t *output)
{
    for (int32_t i = 0; i < p->batch_extent[0]; ++i) {
        for (int32_t j = 0; j < p->batch_extent[1]; ++j) {
            for (int32_t k = 0; k < p->batch_extent[2]; ++k) {
                tinyq_matmul(p, x + i * p->x_batch_step[0] + j * p->x_batch_step[1] + k * p->x_batch_step[2],
                             y + i * p->y_batch_step[0] + j * p->y_batch_step[1] + k * p->y_batch_step[2], output);
                output += p->rows * p->columns;
            }
        }
    }
}

#endif
