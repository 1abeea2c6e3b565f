/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_CONV_2D_PARAMS_H
#define TINYQ_OWN_PLAIN_CONV_2D_PARAMS_H

#include <stdint.h>

/*
 * One CONV_2D of one group. A window is read in runs of `run_taps` neighbouring columns,
 * `run_bytes` bytes of the input: one per filter row, or one per tap where the filter is dilated in
 * width.
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
    int32_t requantization; /* kind and shift of tinyq_own_requantize.h */
    int32_t shift;
} tinyq_own_plain_conv_2d_params;

#endif
