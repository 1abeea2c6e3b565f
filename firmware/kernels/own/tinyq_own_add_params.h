/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_ADD_PARAMS_H
#define TINYQ_OWN_ADD_PARAMS_H

#include <stdint.h>

/*
 * One ADD of `size` elements as (input1 * slope1 + input2 * slope2 + offset) >> shift, saturated to int8.
 * kernels/own/plain_add.py has compared it with TFLite's arithmetic for all 65,536 pairs of inputs.
 */
typedef struct {
    int32_t size;
    int32_t slope1, slope2, offset, shift;
    int32_t activation_min, activation_max;
} tinyq_own_add_params;

#endif
