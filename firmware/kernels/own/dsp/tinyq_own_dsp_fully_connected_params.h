/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_DSP_FULLY_CONNECTED_PARAMS_H
#define TINYQ_OWN_DSP_FULLY_CONNECTED_PARAMS_H

#include <stdint.h>

/* One FULLY_CONNECTED over `batches` rows of `quads` * 4 inputs; `repeated` (8, 4, 2 or 1) divides `quads`. */
typedef struct {
    int32_t batches, input_depth, output_depth;
    int32_t quads, repeated;
    int32_t activation_min, activation_max;
    int32_t requantization; /* kind and shift of tinyq_own_requantize.h */
    int32_t shift;
    int32_t uniform;        /* 1: all outputs have the same factors, 0: each its own */
} tinyq_own_dsp_fully_connected_params;

#endif
