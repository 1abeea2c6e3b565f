/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_COPY_H
#define TINYQ_PORTABLE_COPY_H

#include <string.h>

#include "../tinyq_copy_params.h"
#include "../tinyq_fixed_point.h"

/* The two innermost axes of the grid. */
static inline void tinyq_copy_plane(const tinyq_copy_params *p, const int8_t *input, int8_t *output)
{
    const int contiguous = p->input_step[5] == 1 && p->output_step[5] == 1;
    for (int32_t i = 0; i < p->extent[4]; ++i) {
        if (contiguous) {
            memcpy(output, input, (size_t)p->extent[5]);
        } else {
            for (int32_t k = 0; k < p->extent[5]; ++k) {
                output[k * p->output_step[5]] = input[k * p->input_step[5]];
            }
        }
        input += p->input_step[4];
        output += p->output_step[4];
    }
}

/* TRANSPOSE, SLICE, STRIDED_SLICE, PAD and their kin, any type. Input and output do not overlap. */
TINYQ_KERNEL void tinyq_portable_copy(const tinyq_copy_params *p, const int8_t *input, int8_t *output)
{
    if (p->filled) {
        memset(output, (int)p->fill, (size_t)p->output_bytes);
    }
    input += p->input_start;
    output += p->output_start;
    for (int32_t a = 0; a < p->extent[0]; ++a) {
        for (int32_t b = 0; b < p->extent[1]; ++b) {
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                for (int32_t d = 0; d < p->extent[3]; ++d) {
                    tinyq_copy_plane(p,
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
