/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_REDUCE_MANY_H
#define TINYQ_REDUCE_MANY_H

#include "../tinyq_reduce_many_params.h"
#include "tinyq_reduce.h"

/* Where element `index` of `count` axes lies; `axes` are pairs of extent and step, outermost first. */
static inline int32_t tinyq_reduce_at(const int32_t *axes, int32_t count, int32_t index)
{
    int32_t at = 0;
    for (int32_t i = count - 1; i >= 0; --i) {
        at += index % axes[2 * i] * axes[2 * i + 1];
        index /= axes[2 * i];
    }
    return at;
}

/* All elements that become output number `index`; `axes` are those that stay, then those that go. */
TINYQ_BODY int32_t tinyq_reduce_many(tinyq_reducer *reducer, const tinyq_reduce_many_params *p, const void *input,
                                     const int32_t *axes, int32_t index, int32_t value, int wide)
{
    const int32_t first = tinyq_reduce_at(axes, p->kept, index);
    for (int32_t i = 0; i < p->elements; ++i) {
        const int32_t at = first + tinyq_reduce_at(axes + 2 * p->kept, p->reduced, i);
        value = reducer(value, tinyq_load(input, at, wide));
    }
    return value;
}

#endif
