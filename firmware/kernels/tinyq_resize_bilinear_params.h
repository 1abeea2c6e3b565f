/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_RESIZE_BILINEAR_PARAMS_H
#define TINYQ_RESIZE_BILINEAR_PARAMS_H

#include <stdint.h>

/* Images [batches,height,width,channels]. Output pixel i lies at i * scale + start, in steps of 1/1024 input pixel. */
typedef struct {
    int32_t batches, input_height, input_width, channels;
    int32_t output_height, output_width;
    int32_t row_scale, row_start;
    int32_t column_scale, column_start;
} tinyq_resize_bilinear_params;

#endif
