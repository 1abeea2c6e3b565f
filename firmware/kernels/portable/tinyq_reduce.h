/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_REDUCE_H
#define TINYQ_REDUCE_H

#include "../tinyq_element.h"
#include "../tinyq_fixed_point.h"
#include "../tinyq_reduce_params.h"

/* Takes one more element into what those before it have become. */
typedef int32_t tinyq_reducer(int32_t before, int32_t element);

/* All elements that become one output, from number `first` on; `reducer` is a constant after inlining. */
TINYQ_BODY int32_t tinyq_reduce(tinyq_reducer *reducer, const tinyq_reduce_params *p, const void *input, int32_t first,
                                int32_t value, int wide)
{
    for (int32_t a = 0; a < p->reduced[0]; ++a) {
        for (int32_t b = 0; b < p->reduced[1]; ++b) {
            const int32_t from = first + a * p->reduced_step[0] + b * p->reduced_step[1];
            for (int32_t c = 0; c < p->reduced[2]; ++c) {
                value = reducer(value, tinyq_load(input, from + c * p->reduced_step[2], wide));
            }
        }
    }
    return value;
}

/* Where the elements of output number `index` begin. */
static inline int32_t tinyq_reduce_first(const tinyq_reduce_params *p, int32_t index)
{
    const int32_t inner = index % p->kept[2], outer = index / p->kept[2];
    return inner * p->kept_step[2] + outer % p->kept[1] * p->kept_step[1] +
           outer / p->kept[1] * p->kept_step[0];
}

static inline int32_t tinyq_reduce_outputs(const tinyq_reduce_params *p)
{
    return p->kept[0] * p->kept[1] * p->kept[2];
}

#endif
