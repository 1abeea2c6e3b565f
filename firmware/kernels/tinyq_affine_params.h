/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_AFFINE_PARAMS_H
#define TINYQ_AFFINE_PARAMS_H

#include <stdint.h>

/*
 * Between float32 and int8, real = scale * (q - zero_point). For uint8, `flip` is 128 and the zero point is 128 less:
 * with its highest bit flipped, a uint8 value is an int8 value.
 */
typedef struct {
    int32_t size;
    float scale;
    int32_t zero_point, flip;
} tinyq_affine_params;

#endif
