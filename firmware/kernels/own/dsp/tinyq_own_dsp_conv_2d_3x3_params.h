/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_DSP_CONV_2D_3X3_PARAMS_H
#define TINYQ_OWN_DSP_CONV_2D_3X3_PARAMS_H

#include <stdint.h>

#include "../tinyq_own_add_params.h"

/*
 * One CONV_2D of 3x3 taps and stride 1, computed in tiles of 2x2 output pixels, three tiles a
 * group; see tinyq_tiles.h. A quad is four input channels.
 */
typedef struct {
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t pad_top, pad_left;
    int32_t input_zero_point;
    int32_t activation_min, activation_max;
    int32_t chunk_quads, chunks; /* so many chunks of so many quads, no loop inside a chunk */
    int32_t groups;              /* transformed before any of their outputs is written */
    int32_t transform;           /* 1: weights are int8, which the kernel transforms */
    int32_t requantization, shift; /* kind and shift of tinyq_own_requantize.h */
} tinyq_own_dsp_conv_2d_3x3_params;

/* Such a CONV_2D and the ADD that alone reads it, as its input 1. */
typedef struct {
    tinyq_own_dsp_conv_2d_3x3_params conv;
    tinyq_own_add_params add;
} tinyq_own_dsp_conv_2d_3x3_add_params;

#endif
