/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MUL_PARAMS_H
#define TINYQ_OWN_MUL_PARAMS_H

#include <stdint.h>

/*
 * One MUL of `size` elements: (input1 - zero1) * (input2 - zero2) + start, requantised as
 * tinyq_own_requantize.h says. kernels/own/plain_mul.py has proven that for all pairs of inputs.
 * `even`: so is the multiplier, the kind is not generic, and no product has more than 16 bits and a
 * sign.
 */
typedef struct {
    int32_t size;
    int32_t zero1, zero2;
    int32_t kind, start, multiplier, offset, shift, even;
    int32_t activation_min, activation_max;
} tinyq_own_mul_params;

#endif
