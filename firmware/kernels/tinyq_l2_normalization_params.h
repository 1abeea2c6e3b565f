/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_L2_NORMALIZATION_PARAMS_H
#define TINYQ_L2_NORMALIZATION_PARAMS_H

#include <stdint.h>

/* Shape of one L2_NORMALIZATION: `rows` independent rows of `depth`. */
typedef struct {
    int32_t rows, depth;
    int32_t input_offset;
} tinyq_l2_normalization_params;

#endif
