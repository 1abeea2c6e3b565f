/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_REQUANTIZE_PARAMS_H
#define TINYQ_REQUANTIZE_PARAMS_H

#include <stdint.h>

/* From one quantisation to another. The flips are 128 for uint8, as in tinyq_affine_params.h, and 0 for int8. */
typedef struct {
    int32_t size;
    int32_t input_offset, output_offset;
    int32_t multiplier, shift;
    int32_t input_flip, output_flip;
} tinyq_requantize_params;

#endif
