/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_ADD_LINES_H
#define TINYQ_OWN_PLAIN_ADD_LINES_H

#include "add.h"
#include "tinyq_lines.h"

typedef struct {
    tinyq_own_add_params op;
    tinyq_lines lines;
} tinyq_own_add_lines_params;

/* One line; where the second input stays, its part of the sum is added up once. */
static inline __attribute__((always_inline)) void
tinyq_own_add_line(const void *params, const tinyq_lines *lines, const int8_t *input1,
                   const int8_t *input2, int8_t *output)
{
    const tinyq_own_add_params *const p = params;
    if (!lines->stays) {
        tinyq_own_add_run(p, lines->length, input1, input2, output);
        return;
    }
    const int32_t slope = tinyq_in_register(p->slope1), rest = p->offset + *input2 * p->slope2;
    int32_t left = lines->length;
    TINYQ_UNROLL_MOST
    for (; left >= TINYQ_GROUP; left -= TINYQ_GROUP) {
        int32_t sums[TINYQ_GROUP];
        TINYQ_EACH_OF_GROUP(i) {
            sums[i] = input1[i * lines->step1] * slope + rest;
        }
        TINYQ_EACH_OF_GROUP(i) {
            output[i * lines->step] = tinyq_own_add_value(p, sums[i]);
        }
        input1 += TINYQ_GROUP * lines->step1;
        output += TINYQ_GROUP * lines->step;
    }
    for (; left > 0; --left) {
        *output = tinyq_own_add_value(p, *input1 * slope + rest);
        input1 += lines->step1;
        output += lines->step;
    }
}

/* ADD and SUB, int8, of inputs that broadcast. The output may be an input of its own size. */
TINYQ_KERNEL void tinyq_own_plain_add_lines(const tinyq_own_add_lines_params *p,
                                            const int8_t *input1, const int8_t *input2,
                                            int8_t *output)
{
    tinyq_each_line(tinyq_own_add_line, &p->op, &p->lines, input1, input2, output);
}

#endif
