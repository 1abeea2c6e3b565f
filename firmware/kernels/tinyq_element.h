/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_ELEMENT_H
#define TINYQ_ELEMENT_H
/*
 * One kernel body for two types. `wide` and `packed` are constants after inlining, so that each entry point keeps the
 * loads and stores of its own types alone.
 */
#include <stdint.h>

#define TINYQ_BODY static inline __attribute__((always_inline, unused))

/* Element i of int8, or with `wide` of int16. */
TINYQ_BODY int32_t tinyq_load(const void *elements, int32_t i, int wide)
{
    return wide ? ((const int16_t *)elements)[i] : ((const int8_t *)elements)[i];
}

TINYQ_BODY void tinyq_store(void *elements, int32_t i, int32_t value, int wide)
{
    if (wide) {
        ((int16_t *)elements)[i] = (int16_t)value;
    } else {
        ((int8_t *)elements)[i] = (int8_t)value;
    }
}

/* Least and largest element. */
TINYQ_BODY int32_t tinyq_least(int wide)
{
    return wide ? INT16_MIN : INT8_MIN;
}

TINYQ_BODY int32_t tinyq_most(int wide)
{
    return wide ? INT16_MAX : INT8_MAX;
}

/* Weight i of int8, or where they are `packed` of int4, two a byte, the first in its lower half. */
TINYQ_BODY int32_t tinyq_weight(const int8_t *weights, int32_t i, int packed)
{
    if (!packed) {
        return weights[i];
    }
    const int32_t pair = weights[i >> 1];
    return (i & 1) != 0 ? pair >> 4 : (int8_t)(uint8_t)((uint32_t)pair << 4) >> 4;
}

#endif
