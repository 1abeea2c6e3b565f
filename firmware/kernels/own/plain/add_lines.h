/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_ADD_LINES_H
#define TINYQ_OWN_PLAIN_ADD_LINES_H

#include "../tinyq_own_add_params.h"
#include "../tinyq_own_requantize.h"
#include "tinyq_lines.h"

typedef struct {
    tinyq_own_add_params op;
    tinyq_lines lines;
} tinyq_own_add_lines_params;

/* One line; where the second input stays, its part of the sum is added up once. */
static inline void tinyq_own_add_line(const void *params, const tinyq_lines *lines, const int8_t *input1,
                                      const int8_t *input2, int8_t *output)
{
    const tinyq_own_add_params *const p = params;
    const int32_t walk = lines->stays ? 0 : 1;
    int32_t sum2 = p->offset + *input2 * p->slope2;
#pragma GCC unroll 4
    for (int32_t left = lines->length; left > 0; --left) {
        if (walk) {
            sum2 = p->offset + *input2++ * p->slope2;
        }
        const int32_t value = tinyq_shift_saturate(*input1 * p->slope1 + sum2, p->shift);
        *output = (int8_t)tinyq_own_activate(value, p->activation_min, p->activation_max);
        input1 += lines->step1;
        output += lines->step;
    }
}

/* ADD and SUB, int8, of inputs that broadcast. The output may be an input of its own size. */
TINYQ_KERNEL void tinyq_own_plain_add_lines(const tinyq_own_add_lines_params *p, const int8_t *input1,
                                            const int8_t *input2, int8_t *output)
{
    tinyq_each_line(tinyq_own_add_line, &p->op, &p->lines, input1, input2, output);
}

#endif
