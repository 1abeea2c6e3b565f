/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_ADD_H
#define TINYQ_OWN_PLAIN_ADD_H

#include "../tinyq_own_add_params.h"
#include "../tinyq_own_requantize.h"
#include "tinyq_elements.h"

static inline __attribute__((always_inline)) int8_t
tinyq_own_add_value(const tinyq_own_add_params *p, int32_t sum)
{
    const int32_t value = tinyq_shift_saturate(sum, p->shift);
    return (int8_t)tinyq_own_activate(value, p->activation_min, p->activation_max);
}

/*
 * `size` elements side by side: two multiply-accumulates, a shift and a saturation each. An element
 * is read before it is written.
 */
static inline __attribute__((always_inline)) void
tinyq_own_add_run(const tinyq_own_add_params *p, int32_t size, const int8_t *input1,
                  const int8_t *input2, int8_t *output)
{
    const int32_t slope1 = tinyq_in_register(p->slope1), slope2 = tinyq_in_register(p->slope2);
    const int32_t offset = tinyq_in_register(p->offset);
    int32_t left = size;
#if !defined(TINYQ_OPTIMIZE_SIZE)
    TINYQ_UNROLL_SOME
    for (; left >= TINYQ_GROUP; left -= TINYQ_GROUP) {
        int32_t sums[TINYQ_GROUP];
        TINYQ_EACH_OF_GROUP(i) {
            sums[i] = input1[i] * slope1 + offset + input2[i] * slope2;
        }
        TINYQ_EACH_OF_GROUP(i) {
            output[i] = tinyq_own_add_value(p, sums[i]);
        }
        input1 += TINYQ_GROUP;
        input2 += TINYQ_GROUP;
        output += TINYQ_GROUP;
    }
#endif
    for (; left > 0; --left) {
        *output++ = tinyq_own_add_value(p, *input1++ * slope1 + offset + *input2++ * slope2);
    }
}

/* ADD and SUB, int8, elementwise over `size`; output may be either input. */
TINYQ_KERNEL void tinyq_own_plain_add(const tinyq_own_add_params *p, const int8_t *input1,
                                      const int8_t *input2, int8_t *output)
{
    tinyq_own_add_run(p, p->size, input1, input2, output);
}

#endif
