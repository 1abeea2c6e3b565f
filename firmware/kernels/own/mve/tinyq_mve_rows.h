/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_ROWS_H
#define TINYQ_OWN_MVE_ROWS_H
/*
 * The input rows under a sliding window, copied to scratch with the input's zero point around them, so that kernels
 * meet no border. Because the rows that a later output row needs are copied already, the output may overwrite them.
 */
#include "tinyq_mve.h"

typedef struct {
    int32_t input_height, input_bytes; /* of a row: width * channels */
    int32_t pad_top, pad_left_bytes;
    int32_t row_bytes;  /* of a row in scratch: padding, input, padding */
    int32_t window;     /* rows that one output row reads, from first to last */
    int32_t stride;     /* rows between two output rows */
    int32_t capacity;   /* rows in scratch, at least `window` */
    int32_t replicate;  /* times that each input byte is repeated: the depth multiplier */
    int32_t zero_point;
} tinyq_mve_rows_shape;

/* The window over rows first.. of scratch; `next` is the input row that follows the last one copied. */
typedef struct {
    int8_t *scratch;
    int32_t first, filled, next;
} tinyq_mve_rows;

TINYQ_MVE_INLINE tinyq_mve_rows tinyq_mve_rows_begin(const tinyq_mve_rows_shape *s, uint8_t *scratch)
{
    const tinyq_mve_rows rows = {(int8_t *)scratch, 0, 0, -s->pad_top};
    return rows;
}

static inline void tinyq_mve_rows_load(const tinyq_mve_rows_shape *s, const int8_t *input, int32_t y, int8_t *to)
{
    if (y < 0 || y >= s->input_height) {
        tinyq_mve_fill(to, s->zero_point, s->row_bytes);
        return;
    }
    const int8_t *from = input + y * s->input_bytes;
    const int32_t middle = s->input_bytes * s->replicate;
    tinyq_mve_fill(to, s->zero_point, s->pad_left_bytes);
    to += s->pad_left_bytes;
    if (s->replicate == 1) {
        tinyq_mve_copy(to, from, middle);
    } else {
        for (int32_t i = 0; i < s->input_bytes; ++i) {
            for (int32_t m = 0; m < s->replicate; ++m) {
                to[i * s->replicate + m] = from[i];
            }
        }
    }
    tinyq_mve_fill(to + middle, s->zero_point, s->row_bytes - s->pad_left_bytes - middle);
}

/* The first row of the window of the next output row; its rows follow each other at row_bytes. */
TINYQ_MVE_INLINE const int8_t *tinyq_mve_rows_next(const tinyq_mve_rows_shape *s, tinyq_mve_rows *rows,
                                                   const int8_t *input)
{
    if (rows->filled > 0) {
        rows->first += s->stride;
    }
    while (rows->first > rows->filled) { /* a stride beyond the window skips rows */
        ++rows->next;
        --rows->first;
    }
    if (rows->first + s->window > s->capacity) {
        rows->filled -= rows->first;
        tinyq_mve_copy(rows->scratch, rows->scratch + rows->first * s->row_bytes, rows->filled * s->row_bytes);
        rows->first = 0;
    }
    while (rows->filled < rows->first + s->window) {
        tinyq_mve_rows_load(s, input, rows->next++, rows->scratch + rows->filled++ * s->row_bytes);
    }
    return rows->scratch + rows->first * s->row_bytes;
}

#endif
