/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_MUL_LINES_H
#define TINYQ_OWN_PLAIN_MUL_LINES_H

#include "mul.h"
#include "tinyq_lines.h"

typedef struct {
    tinyq_own_mul_params op;
    tinyq_lines lines;
} tinyq_own_mul_lines_params;

/* One line; where the second input stays, a product is one multiply-accumulate. */
static inline __attribute__((always_inline)) void
tinyq_own_mul_line(const void *params, const tinyq_lines *lines, const int8_t *input1,
                   const int8_t *input2, int8_t *output)
{
    const tinyq_own_mul_params *const p = params;
    if (!lines->stays) {
        tinyq_own_mul_run(p, lines->length, input1, input2, output);
        return;
    }
    const int32_t factor = *input2 - p->zero2, start = p->start - p->zero1 * factor;
    int32_t left = lines->length;
    TINYQ_UNROLL_MOST
    for (; left >= TINYQ_GROUP; left -= TINYQ_GROUP) {
        int32_t products[TINYQ_GROUP];
        TINYQ_EACH_OF_GROUP(i) {
            products[i] = input1[i * lines->step1] * factor + start;
        }
        TINYQ_EACH_OF_GROUP(i) {
            output[i * lines->step] = tinyq_own_mul_value(p, products[i]);
        }
        input1 += TINYQ_GROUP * lines->step1;
        output += TINYQ_GROUP * lines->step;
    }
    for (; left > 0; --left) {
        *output = tinyq_own_mul_value(p, *input1 * factor + start);
        input1 += lines->step1;
        output += lines->step;
    }
}

/* MUL, int8, of inputs that broadcast. The output may be an input of its own size. */
TINYQ_KERNEL void tinyq_own_plain_mul_lines(const tinyq_own_mul_lines_params *p,
                                            const int8_t *input1, const int8_t *input2,
                                            int8_t *output)
{
    tinyq_each_line(tinyq_own_mul_line, &p->op, &p->lines, input1, input2, output);
}

#endif
