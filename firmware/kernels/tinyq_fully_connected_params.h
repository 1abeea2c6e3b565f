/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_FULLY_CONNECTED_PARAMS_H
#define TINYQ_FULLY_CONNECTED_PARAMS_H

#include <stdint.h>

/* Shape and quantisation of one FULLY_CONNECTED over `batches` rows. */
typedef struct {
    int32_t batches, input_depth, output_depth;
    int32_t input_offset, filter_offset, output_offset;
    int32_t activation_min, activation_max;
    int32_t per_channel; /* 1: one multiplier and shift per output, 0: one for all */
} tinyq_fully_connected_params;

#endif
