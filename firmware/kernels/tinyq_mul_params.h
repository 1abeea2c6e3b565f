/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_MUL_PARAMS_H
#define TINYQ_MUL_PARAMS_H

#include <stdint.h>

/* Quantisation of one MUL of `size` elements; the shift is TFLite's, at most 15. */
typedef struct {
    int32_t size;
    int32_t input1_offset, input2_offset;
    int32_t output_offset, output_multiplier, output_shift;
    int32_t activation_min, activation_max;
} tinyq_mul_params;

#endif
