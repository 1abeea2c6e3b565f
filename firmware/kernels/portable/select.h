/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_SELECT_H
#define TINYQ_PORTABLE_SELECT_H

#include "../tinyq_broadcast.h"
#include "../tinyq_fixed_point.h"
#include "../tinyq_select_params.h"

/*
 * SELECT, int8 by bool, elementwise over `size`. Each element is read before it is written: output
 * may be any of the inputs.
 */
TINYQ_KERNEL void tinyq_portable_select(const tinyq_select_params *p, const int8_t *condition,
                                        const int8_t *chosen, const int8_t *other, int8_t *output)
{
    for (int32_t i = 0; i < p->size; ++i) {
        output[i] = condition[i] != 0 ? chosen[i] : other[i];
    }
}

/* How the values that are chosen from walk, and the condition, as first of two, in equal rows. */
typedef struct {
    tinyq_rows values, condition;
} tinyq_select_rows_params;

/* The same where the inputs broadcast. The output may be an input of its own size. */
TINYQ_KERNEL void tinyq_portable_select_rows(const tinyq_select_rows_params *p,
                                             const int8_t *condition, const int8_t *chosen,
                                             const int8_t *other, int8_t *output)
{
    tinyq_row row = {0}, asked = {0};
    do {
        for (int32_t i = 0; i < p->values.length; ++i) {
            const int8_t a = chosen[row.at1 + i * p->values.step1];
            const int8_t b = other[row.at2 + i * p->values.step2];
            *output++ = condition[asked.at1 + i * p->condition.step1] != 0 ? a : b;
        }
        (void)tinyq_next_row(&p->condition, &asked);
    } while (tinyq_next_row(&p->values, &row));
}

#endif
