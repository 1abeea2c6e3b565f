/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_CONV_2D_PARAMS_H
#define TINYQ_CONV_2D_PARAMS_H

#include <stdint.h>

/* Shape and quantisation of one CONV_2D. Offsets as in TFLite: input_offset = -zero point, output_offset = +zero point. */
typedef struct {
    int32_t input_height, input_width, input_channels;
    int32_t filter_height, filter_width, filter_channels;
    int32_t output_height, output_width, output_channels;
    int32_t groups;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_offset, output_offset;
    int32_t activation_min, activation_max;
} tinyq_conv_2d_params;

#endif
