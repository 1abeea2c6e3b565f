/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_SVDF_PARAMS_H
#define TINYQ_SVDF_PARAMS_H

#include <stdint.h>

/* One SVDF of `units` outputs, each from `rank` filters that remember `memory` features. */
typedef struct {
    int32_t batches, inputs, units, rank, memory;
    int32_t input_offset;
    int32_t state_zero_point, feature_multiplier, feature_shift;
    int32_t output_offset, output_multiplier, output_shift;
} tinyq_svdf_params;

#endif
