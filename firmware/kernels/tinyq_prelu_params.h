/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PRELU_PARAMS_H
#define TINYQ_PRELU_PARAMS_H

#include <stdint.h>

/*
 * Quantisation of one PRELU of `size` elements: the factor above the zero point, and that of the
 * product with alpha below.
 */
typedef struct {
    int32_t size;
    int32_t input_offset, alpha_offset, output_offset;
    int32_t above_multiplier, above_shift;
    int32_t below_multiplier, below_shift;
} tinyq_prelu_params;

#endif
