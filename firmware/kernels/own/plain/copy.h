/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_COPY_H
#define TINYQ_OWN_PLAIN_COPY_H

#include "../../tinyq_fixed_point.h"
#include "../tinyq_own_copy_params.h"
#include "tinyq_elements.h"

/* The innermost axis. */
static inline __attribute__((always_inline)) void
tinyq_own_copy_line(const tinyq_own_copy_params *p, const int8_t *input, int8_t *output)
{
    const int32_t read = p->input_step[3], write = p->output_step[3];
    int32_t left = p->extent[3];
    TINYQ_UNROLL_MOST
    for (; left >= TINYQ_GROUP; left -= TINYQ_GROUP) {
        int8_t group[TINYQ_GROUP];
        TINYQ_EACH_OF_GROUP(i) {
            group[i] = input[i * read];
        }
        TINYQ_EACH_OF_GROUP(i) {
            ((volatile int8_t *)output)[i * write] = group[i];
        }
        input += TINYQ_GROUP * read;
        output += TINYQ_GROUP * write;
    }
    for (; left > 0; --left) {
        *output = *input;
        input += read;
        output += write;
    }
}

/* TRANSPOSE, SLICE and STRIDED_SLICE, any type, byte by byte. Input and output do not overlap. */
TINYQ_KERNEL void tinyq_own_plain_copy(const tinyq_own_copy_params *p, const int8_t *input,
                                       int8_t *output)
{
    input += p->input_start;
    output += p->output_start;
    for (int32_t a = 0; a < p->extent[0]; ++a) {
        for (int32_t b = 0; b < p->extent[1]; ++b) {
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                const int32_t *const read = p->input_step, *const write = p->output_step;
                tinyq_own_copy_line(p, input + a * read[0] + b * read[1] + c * read[2],
                                    output + a * write[0] + b * write[1] + c * write[2]);
            }
        }
    }
}

#endif
