/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_DSP_CONV_2D_S16_PARAMS_H
#define TINYQ_OWN_DSP_CONV_2D_S16_PARAMS_H

#include <stdint.h>

/* One CONV_2D on int16, or FULLY_CONNECTED with a row a pixel, of `quads` * 4 weights an output channel. */
typedef struct {
    int32_t input_height, input_width, input_channels;
    int32_t filter_height, filter_width;
    int32_t output_height, output_width, output_channels;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t activation_min, activation_max;
    int32_t quads;
    int32_t repeated; /* 4, 2 or 1 quads an iteration, a divisor of `quads` */
    int32_t direct;   /* 1: each window is one pixel, of whole quads, and is read where it lies */
} tinyq_own_dsp_conv_2d_s16_params;

#endif
