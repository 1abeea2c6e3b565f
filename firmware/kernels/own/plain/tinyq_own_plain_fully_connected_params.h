/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_FULLY_CONNECTED_PARAMS_H
#define TINYQ_OWN_PLAIN_FULLY_CONNECTED_PARAMS_H

#include <stdint.h>

/* One FULLY_CONNECTED over `batches` rows. */
typedef struct {
    int32_t batches, input_depth, output_depth;
    int32_t activation_min, activation_max;
    int32_t requantization; /* kind and shift of tinyq_own_requantize.h */
    int32_t shift;
    int32_t uniform; /* 1: all outputs have the same factors, 0: each its own */
} tinyq_own_plain_fully_connected_params;

#endif
