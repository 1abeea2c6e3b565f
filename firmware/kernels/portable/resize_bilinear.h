/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_RESIZE_BILINEAR_H
#define TINYQ_PORTABLE_RESIZE_BILINEAR_H

#include "../tinyq_fixed_point.h"
#include "../tinyq_resize_bilinear_params.h"

#define TINYQ_RESIZE_ONE 1024 /* steps from one input pixel to the next */

/* The two input indices next to a place, and their weights, which add up to TINYQ_RESIZE_ONE. */
typedef struct {
    int32_t first, second;
    int32_t first_weight, second_weight;
} tinyq_resize_pair;

/* A place before the first pixel, above -TINYQ_RESIZE_ONE, or behind the last one, has that pixel twice. */
static inline tinyq_resize_pair tinyq_resize_at(int32_t place, int32_t size)
{
    const int32_t first = place < 0 ? 0 : place / TINYQ_RESIZE_ONE;
    const int32_t second = (place + TINYQ_RESIZE_ONE - 1) / TINYQ_RESIZE_ONE;
    const int32_t weight = place - first * TINYQ_RESIZE_ONE;
    return (tinyq_resize_pair){first, second < size ? second : size - 1, TINYQ_RESIZE_ONE - weight, weight};
}

/* All channels of one output pixel. `upper` and `lower` are the input rows. */
static inline void tinyq_resize_pixel(const tinyq_resize_bilinear_params *p, const int8_t *upper, const int8_t *lower,
                                      tinyq_resize_pair row, tinyq_resize_pair column, int8_t *output)
{
    const int32_t left = column.first * p->channels, right = column.second * p->channels;
    for (int32_t c = 0; c < p->channels; ++c) {
        const int32_t above = upper[left + c] * column.first_weight + upper[right + c] * column.second_weight;
        const int32_t below = lower[left + c] * column.first_weight + lower[right + c] * column.second_weight;
        const int32_t sum = above * row.first_weight + below * row.second_weight;
        const int32_t one = TINYQ_RESIZE_ONE * TINYQ_RESIZE_ONE;
        output[c] = (int8_t)((sum + (sum > 0 ? one / 2 : -one / 2)) / one);
    }
}

/*
 * RESIZE_BILINEAR, int8. Weights lie between -512 and 1536, so that sums fit: the two of a side add up to 1024 times at
 * most 128, and where one of them is below 0 both pixels are the same.
 */
TINYQ_KERNEL void tinyq_portable_resize_bilinear(const tinyq_resize_bilinear_params *p, const int8_t *input,
                                                 int8_t *output)
{
    const int32_t row_bytes = p->input_width * p->channels;
    for (int32_t batch = 0; batch < p->batches; ++batch) {
        for (int32_t y = 0; y < p->output_height; ++y) {
            const tinyq_resize_pair row = tinyq_resize_at(y * p->row_scale + p->row_start, p->input_height);
            const int8_t *upper = input + row.first * row_bytes, *lower = input + row.second * row_bytes;
            for (int32_t x = 0; x < p->output_width; ++x) {
                const tinyq_resize_pair column =
                    tinyq_resize_at(x * p->column_scale + p->column_start, p->input_width);
                tinyq_resize_pixel(p, upper, lower, row, column, output);
                output += p->channels;
            }
        }
        input += p->input_height * row_bytes;
    }
}

#endif
