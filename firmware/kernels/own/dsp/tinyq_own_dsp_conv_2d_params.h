/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_DSP_CONV_2D_PARAMS_H
#define TINYQ_OWN_DSP_CONV_2D_PARAMS_H

#include <stdint.h>

#include "../tinyq_own_add_params.h"

/*
 * One CONV_2D whose windows are expanded three at a time. A window is `runs` runs of `run_bytes` neighbouring bytes of
 * the input: one per filter row, or one per tap where the filter is dilated in width. `quads` are the window's taps / 4,
 * rounded up: first the whole words of each run, then the bytes that are left of each.
 */
typedef struct {
    int32_t input_height, input_width, input_channels;
    int32_t filter_height, filter_width;
    int32_t output_height, output_width, output_channels;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point;
    int32_t activation_min, activation_max;
    int32_t run_taps, run_bytes;
    int32_t quads, once, repeated; /* once + a multiple of repeated quads */
    int32_t form;           /* of the weights, as in tinyq_dot.h */
    int32_t requantization; /* kind and shift of tinyq_own_requantize.h */
    int32_t shift;
} tinyq_own_dsp_conv_2d_params;

/* A CONV_2D and the ADD that alone reads it, as its input 1. */
typedef struct {
    tinyq_own_dsp_conv_2d_params conv;
    tinyq_own_add_params add;
} tinyq_own_dsp_conv_2d_add_params;

#endif
