/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_POOL_2D_PARAMS_H
#define TINYQ_POOL_2D_PARAMS_H

#include <stdint.h>

/* Shape of one AVERAGE_POOL_2D or MAX_POOL_2D; input and output share their quantisation. */
typedef struct {
    int32_t input_height, input_width, channels;
    int32_t filter_height, filter_width;
    int32_t output_height, output_width;
    int32_t stride_height, stride_width;
    int32_t pad_top, pad_left;
    int32_t activation_min, activation_max;
} tinyq_pool_2d_params;

#endif
