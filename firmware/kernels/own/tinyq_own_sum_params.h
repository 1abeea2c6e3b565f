/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_SUM_PARAMS_H
#define TINYQ_OWN_SUM_PARAMS_H

#include <stdint.h>

/*
 * One SUM or MEAN: loops over what stays (blocks of channels) and over what goes (rows of columns),
 * with their steps through the input. `words`: four elements along the innermost axis always begin
 * at a whole word. Sums begin at `start` and are requantised as tinyq_own_requantize.h says;
 * kernels/own/plain_sum.py has proven that for all sums.
 */
typedef struct {
    int32_t blocks, block_step;
    int32_t channels, channel_step;
    int32_t rows, row_step;
    int32_t columns, column_step;
    int32_t words;
    int32_t kind, start, multiplier, offset, shift;
} tinyq_own_sum_params;

#endif
