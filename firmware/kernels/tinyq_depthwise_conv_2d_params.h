/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_DEPTHWISE_CONV_2D_PARAMS_H
#define TINYQ_DEPTHWISE_CONV_2D_PARAMS_H

#include <stdint.h>

/* Shape and quantisation of one DEPTHWISE_CONV_2D; output_channels = input_channels * depth_multiplier. */
typedef struct {
    int32_t input_height, input_width, input_channels;
    int32_t filter_height, filter_width, depth_multiplier;
    int32_t output_height, output_width, output_channels;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_offset, output_offset;
    int32_t activation_min, activation_max;
} tinyq_depthwise_conv_2d_params;

#endif
