/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_DEPTHWISE_PARAMS_H
#define TINYQ_OWN_PLAIN_DEPTHWISE_PARAMS_H

#include <stdint.h>

/*
 * One DEPTHWISE_CONV_2D over a plane: the rows of one channel, surrounded by the input's zero
 * point. kernels/own/plain_depthwise_conv_2d.py computes the layout.
 */
typedef struct {
    int32_t input_height, input_width, input_channels;
    int32_t depth_multiplier;
    int32_t output_height, output_width;
    int32_t filter_height, filter_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t plane_width; /* bytes */
    int32_t plane_rows;  /* enough for one strip of the output */
    int32_t plane_bytes; /* and what the last step reads behind them; a multiple of 4 */
    int32_t strip_rows;  /* output rows computed from one filling of the plane */
    int32_t step;        /* outputs that are computed together, 1 to 5; size builds: 4 */
    int32_t input_zero_point;
    int32_t activation_min, activation_max;
    int32_t requantization; /* kind and shift of tinyq_own_requantize.h */
    int32_t shift;
} tinyq_own_plain_depthwise_params;

#endif
