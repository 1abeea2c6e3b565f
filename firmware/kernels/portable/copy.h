/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_COPY_H
#define TINYQ_PORTABLE_COPY_H

#include <string.h>

#include "../tinyq_copy_params.h"
#include "../tinyq_fixed_point.h"
#include "tinyq_run.h"

/* `count` elements of `width` bytes, a constant after inlining. */
static inline __attribute__((always_inline)) void tinyq_copy_line(int32_t width, int32_t count, const int8_t *input,
                                                                  int32_t input_step, int8_t *output,
                                                                  int32_t output_step)
{
    for (int32_t k = 0; k < count; ++k) {
        tinyq_copy_run(output + k * output_step, input + k * input_step, width, width);
    }
}

/* The two innermost axes of the grid. */
static inline void tinyq_copy_plane(const tinyq_copy_params *p, const int8_t *input, int8_t *output)
{
    const int32_t count = p->extent[7], from = p->input_step[7], to = p->output_step[7];
    for (int32_t i = 0; i < p->extent[6]; ++i) {
        if (from == 1 && to == 1) {
            memcpy(output, input, (size_t)count);
        } else if (p->width == 4) {
            tinyq_copy_line(4, count, input, from, output, to);
        } else if (p->width == 2) {
            tinyq_copy_line(2, count, input, from, output, to);
        } else {
            tinyq_copy_line(1, count, input, from, output, to);
        }
        input += p->input_step[6];
        output += p->output_step[6];
    }
}

/* The four innermost axes. */
static inline void tinyq_copy_block(const tinyq_copy_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t a = 0; a < p->extent[4]; ++a) {
        for (int32_t b = 0; b < p->extent[5]; ++b) {
            tinyq_copy_plane(p, input + a * p->input_step[4] + b * p->input_step[5],
                             output + a * p->output_step[4] + b * p->output_step[5]);
        }
    }
}

/* All of the output is `fill`. */
static inline void tinyq_copy_fill(const tinyq_copy_params *p, int8_t *output)
{
    if (p->width == 1) {
        memset(output, (int)p->fill, (size_t)p->output_bytes);
        return;
    }
    for (int32_t i = 0; i < p->output_bytes; i += p->width) {
        memcpy(output + i, &p->fill, (size_t)p->width); /* the low bytes come first */
    }
}

/*
 * TRANSPOSE, SLICE, STRIDED_SLICE, PAD and their kin, any type; tensors are aligned to 4 bytes. Input and output do not
 * overlap.
 */
TINYQ_KERNEL void tinyq_portable_copy(const tinyq_copy_params *p, const int8_t *input, int8_t *output)
{
    if (p->filled) {
        tinyq_copy_fill(p, output);
    }
    input += p->input_start;
    output += p->output_start;
    for (int32_t a = 0; a < p->extent[0]; ++a) {
        for (int32_t b = 0; b < p->extent[1]; ++b) {
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                for (int32_t d = 0; d < p->extent[3]; ++d) {
                    tinyq_copy_block(p,
                                     input + a * p->input_step[0] + b * p->input_step[1] +
                                         c * p->input_step[2] + d * p->input_step[3],
                                     output + a * p->output_step[0] + b * p->output_step[1] +
                                         c * p->output_step[2] + d * p->output_step[3]);
                }
            }
        }
    }
}

#endif
