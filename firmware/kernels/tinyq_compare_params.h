/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_COMPARE_PARAMS_H
#define TINYQ_COMPARE_PARAMS_H

#include <stdint.h>

/* One comparison of `size` elements: its result where the first input is less, equal, greater. */
typedef struct {
    int32_t size;
    int32_t input1_offset, input1_multiplier, input1_shift;
    int32_t input2_offset, input2_multiplier, input2_shift;
    int32_t less, equal, greater;
} tinyq_compare_params;

#endif
