/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_WINDOW_H
#define TINYQ_WINDOW_H
/* What the pooling kernels share: a window clipped to the input, and four channels in one word. */
#include <string.h>

#include "../../tinyq_fixed_point.h"
#include "../../tinyq_pool_2d_params.h"

#if defined(__ARM_FEATURE_DSP)
#include <arm_acle.h>
#endif

/* The part of a pooling window that lies inside the input: its first element and its extents. */
typedef struct {
    const int8_t *first;
    int32_t height, width;
} tinyq_window;

/* The inside of [start, start + length) in [0, size): `start` becomes its beginning. */
static inline int32_t tinyq_clip(int32_t *start, int32_t length, int32_t size)
{
    const int32_t end = *start + length < size ? *start + length : size;
    *start = *start > 0 ? *start : 0;
    return end - *start;
}

static inline tinyq_window tinyq_pool_window(const tinyq_pool_2d_params *p, const int8_t *input, int32_t out_y,
                                             int32_t out_x)
{
    int32_t y = out_y * p->stride_height - p->pad_top, x = out_x * p->stride_width - p->pad_left;
    const int32_t height = tinyq_clip(&y, p->filter_height, p->input_height);
    const int32_t width = tinyq_clip(&x, p->filter_width, p->input_width);
    const tinyq_window window = {input + (y * p->input_width + x) * p->channels, height, width};
    return window;
}

static inline uint32_t tinyq_four_channels(const int8_t *from)
{
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

#endif
