/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_SPACE_TO_BATCH_ND_H
#define TINYQ_PORTABLE_SPACE_TO_BATCH_ND_H

#include <string.h>

#include "../tinyq_fixed_point.h"
#include "../tinyq_space_to_batch_params.h"

/* One output row: every block_width-th pixel of an input row, from column `x` on; null where the row is padding. */
static inline void tinyq_space_to_batch_row(const tinyq_space_to_batch_params *p, const int8_t *row, int32_t x,
                                            int8_t *output)
{
    for (int32_t i = 0; i < p->output_width; ++i, x += p->block_width, output += p->pixel) {
        if (row != NULL && x >= 0 && x < p->width) {
            memcpy(output, row + x * p->pixel, (size_t)p->pixel);
            continue;
        }
        for (int32_t k = 0; k < p->pixel; k += p->element) {
            memcpy(output + k, &p->fill, (size_t)p->element); /* the low bytes come first */
        }
    }
}

/* SPACE_TO_BATCH_ND of [batches,height,width], any type: the images of each place in a block, one after the other. */
TINYQ_KERNEL void tinyq_portable_space_to_batch_nd(const tinyq_space_to_batch_params *p, const int8_t *input,
                                                   int8_t *output)
{
    const int32_t row_bytes = p->width * p->pixel;
    for (int32_t place = 0; place < p->block_height * p->block_width; ++place) {
        const int32_t top = place / p->block_width - p->pad_top, left = place % p->block_width - p->pad_left;
        for (int32_t batch = 0; batch < p->batches; ++batch) {
            for (int32_t i = 0; i < p->output_height; ++i) {
                const int32_t y = i * p->block_height + top;
                const int8_t *row = y < 0 || y >= p->height ? NULL : input + (batch * p->height + y) * row_bytes;
                tinyq_space_to_batch_row(p, row, left, output);
                output += p->output_width * p->pixel;
            }
        }
    }
}

#endif
