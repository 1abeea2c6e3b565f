/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_SPACE_TO_BATCH_PARAMS_H
#define TINYQ_SPACE_TO_BATCH_PARAMS_H

#include <stdint.h>

/* Images of pixels of `pixel` bytes. What lies outside the input holds elements `fill` of `element` bytes. */
typedef struct {
    int32_t batches, height, width, pixel;
    int32_t output_height, output_width;
    int32_t block_height, block_width;
    int32_t pad_top, pad_left;
    int32_t element, fill;
} tinyq_space_to_batch_params;

#endif
