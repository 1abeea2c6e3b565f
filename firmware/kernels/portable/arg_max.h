/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_ARG_MAX_H
#define TINYQ_PORTABLE_ARG_MAX_H

#include <string.h>

#include "../tinyq_arg_max_params.h"
#include "../tinyq_fixed_point.h"

/*
 * ARG_MAX or ARG_MIN, the first among equals. input [outer,extent,inner], output [outer,inner],
 * aligned to 4.
 */
TINYQ_KERNEL void tinyq_portable_arg_max(const tinyq_arg_max_params *p, const int8_t *input,
                                         int8_t *output)
{
    int8_t *counts = __builtin_assume_aligned(output, 4);
    for (int32_t outer = 0; outer < p->outer; ++outer) {
        for (int32_t inner = 0; inner < p->inner; ++inner) {
            const int8_t *element = input + outer * p->extent * p->inner + inner;
            int32_t best = 0;
            int32_t most = element[0] ^ p->flip;
            for (int32_t i = 1; i < p->extent; ++i) {
                const int32_t value = element[i * p->inner] ^ p->flip;
                if (value > most) {
                    most = value;
                    best = i;
                }
            }
            for (int32_t word = 0; word < p->words; ++word, counts += 4, best = 0) {
                memcpy(counts, &best, sizeof best);
            }
        }
    }
}

#endif
