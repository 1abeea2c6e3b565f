/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_COPY_H
#define TINYQ_OWN_MVE_COPY_H

#include "tinyq_mve_move.h"

#define TINYQ_MVE_COPY_AXES 6

/*
 * Bytes of a grid, from one tensor to another; axes are outermost first, steps in bytes, below 0 where an axis is walked
 * backwards. `filled`: all of the output, of output_bytes, holds `fill` first.
 */
typedef struct {
    int32_t extent[TINYQ_MVE_COPY_AXES];
    int32_t input_step[TINYQ_MVE_COPY_AXES];
    int32_t output_step[TINYQ_MVE_COPY_AXES];
    int32_t input_start, output_start;
    int32_t filled, fill, output_bytes;
} tinyq_own_mve_copy_params;

typedef tinyq_own_mve_copy_params tinyq_own_mve_copy_steps_params;

/* The innermost axis: `runs`: a run of bytes; else bytes with steps between them. */
TINYQ_MVE_INLINE void tinyq_mve_copy_line(const tinyq_own_mve_copy_params *p, const int8_t *input, int8_t *output,
                                          int runs)
{
    if (runs) {
        tinyq_mve_run(output, input, p->extent[5]);
    } else {
        tinyq_mve_steps(output, p->output_step[5], input, p->input_step[5], p->extent[5]);
    }
}

/* The two axes around it. */
TINYQ_MVE_INLINE void tinyq_mve_copy_block(const tinyq_own_mve_copy_params *p, const int8_t *input, int8_t *output,
                                           int runs)
{
    for (int32_t a = 0; a < p->extent[3]; ++a, input += p->input_step[3], output += p->output_step[3]) {
        const int8_t *from = input;
        int8_t *to = output;
        for (int32_t b = 0; b < p->extent[4]; ++b, from += p->input_step[4], to += p->output_step[4]) {
            tinyq_mve_copy_line(p, from, to, runs);
        }
    }
}

TINYQ_MVE_INLINE void tinyq_mve_copy_grid(const tinyq_own_mve_copy_params *p, const int8_t *input, int8_t *output,
                                          int runs)
{
    if (p->filled) {
        tinyq_mve_fill(output, p->fill, p->output_bytes);
    }
    input += p->input_start;
    output += p->output_start;
    for (int32_t a = 0; a < p->extent[0]; ++a) {
        for (int32_t b = 0; b < p->extent[1]; ++b) {
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                tinyq_mve_copy_block(
                    p, input + a * p->input_step[0] + b * p->input_step[1] + c * p->input_step[2],
                    output + a * p->output_step[0] + b * p->output_step[1] + c * p->output_step[2], runs);
            }
        }
    }
}

/* TRANSPOSE, SLICE, STRIDED_SLICE, PAD and their kin, any type, by runs of bytes. Input and output do not overlap. */
TINYQ_KERNEL void tinyq_own_mve_copy(const tinyq_own_mve_copy_params *p, const int8_t *input, int8_t *output)
{
    tinyq_mve_copy_grid(p, input, output, 1);
}

/* The same byte by byte. */
TINYQ_KERNEL void tinyq_own_mve_copy_steps(const tinyq_own_mve_copy_steps_params *p, const int8_t *input,
                                           int8_t *output)
{
    tinyq_mve_copy_grid(p, input, output, 0);
}

#endif
