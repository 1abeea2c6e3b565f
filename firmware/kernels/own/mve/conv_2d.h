/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_CONV_2D_H
#define TINYQ_OWN_MVE_CONV_2D_H

#include "tinyq_mve_products.h"
#include "tinyq_mve_rows.h"

/* Shape of one CONV_2D and how its inputs are read. */
typedef struct {
    int32_t input_height, input_bytes; /* of a row */
    int32_t output_height, output_width, output_channels;
    int32_t stride_height, pixel_step; /* bytes between the inputs of neighbouring outputs */
    int32_t pad_top, pad_left_bytes;
    int32_t input_zero_point, output_offset;
    int32_t activation_min, activation_max;
    int32_t kind, left, fraction; /* see tinyq_mve_output */
    int32_t direct;     /* 1: 1 x 1, read where they are; 0: rows are copied to scratch */
    int32_t window, row_bytes, row_capacity;
    int32_t lines, line_step, parts, part_step, vectors, tail; /* see tinyq_mve_inputs */
    int32_t gather; /* bytes of a run that is copied, run to run, to make whole vectors; 0: runs are read as they lie */
} tinyq_own_mve_conv_2d_params;

/* The runs of one pixel, one after the other. What a run's last vector has too much is overwritten by the next run. */
TINYQ_MVE_INLINE void tinyq_mve_gather(const tinyq_own_mve_conv_2d_params *p, const int8_t *from, int8_t *to)
{
    if (p->direct != 0) {
        tinyq_mve_copy(to, from, p->gather); /* behind the last pixel is nothing to be read */
        return;
    }
    TINYQ_MVE_UNROLL
    for (int32_t line = 0; line < p->lines; ++line) {
        const int8_t *part = from;
        for (int32_t left = p->parts; left > 0; --left) {
            tinyq_mve_copy_vectors(to, part, p->gather);
            to += p->gather;
            part += p->part_step;
        }
        from += p->line_step;
    }
}

/*
 * CONV_2D, int8, batch 1. input [H,W,C], filter and constants as tinyq_mve_products.h has them, [G,...] for groups of
 * eight channels, output [OH,OW,O]. Scratch: not `direct`: row_capacity * row_bytes, a pixel_step and a vector;
 * `gather`: before them two pixels of `vectors` + 1 vectors. Not `direct`: an output row may take the place of input
 * rows that have been copied.
 */
TINYQ_KERNEL void tinyq_own_mve_conv_2d(const tinyq_own_mve_conv_2d_params *p, const int8_t *input,
                                        const int8_t *filter, const int32_t *constants, int8_t *output,
                                        uint8_t *scratch)
{
    const tinyq_mve_output out = {p->kind, p->left, p->fraction, p->output_offset, p->activation_min,
                                  p->activation_max};
    const int32_t column = (p->vectors + 1) * TINYQ_MVE_VECTOR;
    int8_t *columns = (int8_t *)scratch;
    const int32_t steps = p->pixel_step | p->input_bytes | p->row_bytes | p->line_step | p->part_step;
    const tinyq_mve_inputs gathered = {1, 0, 1, 0, p->vectors, 0, 1};
    const tinyq_mve_inputs runs = {p->lines, p->line_step, p->parts, p->part_step, p->vectors, p->tail, steps % 4 == 0};
    const tinyq_mve_inputs inputs = p->gather != 0 ? gathered : runs;
    const tinyq_mve_rows_shape shape = {p->input_height, p->input_bytes, p->pad_top, p->pad_left_bytes, p->row_bytes,
                                        p->window, p->stride_height, p->row_capacity, 1, p->input_zero_point};
    tinyq_mve_rows rows = tinyq_mve_rows_begin(&shape, p->gather != 0 ? scratch + 2 * column : scratch);
    for (int32_t out_y = 0; out_y < p->output_height; ++out_y) {
        const int8_t *x = p->direct != 0 ? input + out_y * p->stride_height * p->input_bytes
                                         : tinyq_mve_rows_next(&shape, &rows, input);
        for (int32_t left = p->output_width; left > 0; left -= 2) {
            /* The last pixel may be alone. Its neighbour is then computed from what follows it in scratch, or from
             * itself, and overwritten. */
            const int32_t second = left > 1 ? 1 : 0;
            const int32_t step = p->direct != 0 ? second * p->pixel_step : p->pixel_step;
            int8_t *const output1 = output + second * p->output_channels;
            if (p->gather != 0) {
                TINYQ_MVE_HERE(columns); /* one register, not the absolute address of each vector */
                tinyq_mve_gather(p, x, columns);
                tinyq_mve_gather(p, x + step, columns + column);
            }
            tinyq_mve_pixels(p->gather != 0 ? columns : x, p->gather != 0 ? column : step, filter, constants, output,
                             output1, p->output_channels, &inputs, out);
            x += 2 * p->pixel_step;
            output = output1 + p->output_channels;
        }
    }
}

#endif
