/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_ADD_PARAMS_H
#define TINYQ_ADD_PARAMS_H

#include <stdint.h>

/* Quantisation of one ADD of `size` elements; shifts are TFLite's, zero or negative. */
typedef struct {
    int32_t size;
    int32_t left_shift;
    int32_t input1_offset, input1_multiplier, input1_shift;
    int32_t input2_offset, input2_multiplier, input2_shift;
    int32_t output_offset, output_multiplier, output_shift;
    int32_t activation_min, activation_max;
} tinyq_add_params;

#endif
