/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_BATCH_MATMUL_PARAMS_H
#define TINYQ_BATCH_MATMUL_PARAMS_H

#include <stdint.h>

#define TINYQ_BATCH_AXES 3

/* One BATCH_MATMUL of [rows,depth] by [depth,columns]. Steps are in elements, 0 where an operand stays. */
typedef struct {
    int32_t batch_extent[TINYQ_BATCH_AXES]; /* outermost first, 1 where there are fewer */
    int32_t x_batch_step[TINYQ_BATCH_AXES], y_batch_step[TINYQ_BATCH_AXES];
    int32_t rows, columns, depth;
    int32_t x_row_step, x_step;    /* from row to row, and along the depth */
    int32_t y_column_step, y_step; /* from column to column, and along the depth */
    int32_t x_offset, y_offset, output_offset;
    int32_t output_multiplier, output_shift;
} tinyq_batch_matmul_params;

#endif
