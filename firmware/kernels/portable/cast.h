/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_CAST_H
#define TINYQ_PORTABLE_CAST_H

#include <string.h>

#include "../tinyq_cast_params.h"
#include "../tinyq_fixed_point.h"

/* A number is an integer, or a real one where the type is float32. */
typedef struct {
    int32_t whole;
    float real;
} tinyq_cast_number;

/* Number i of an input that is aligned to 4 bytes. */
static inline tinyq_cast_number tinyq_cast_load(int32_t type, const int8_t *input, int32_t i)
{
    tinyq_cast_number number = {0, 0.0f};
    int16_t half;
    switch (type) {
    case TINYQ_CAST_INT8:
        number.whole = input[i];
        break;
    case TINYQ_CAST_INT16:
        memcpy(&half, __builtin_assume_aligned(input + 2 * i, 2), sizeof half);
        number.whole = half;
        break;
    case TINYQ_CAST_INT32:
        memcpy(&number.whole, __builtin_assume_aligned(input + 4 * i, 4), sizeof number.whole);
        break;
    case TINYQ_CAST_FLOAT32:
        memcpy(&number.real, __builtin_assume_aligned(input + 4 * i, 4), sizeof number.real);
        break;
    default: /* uint8, and bool, which is 0 or 1 */
        number.whole = (uint8_t)input[i];
        break;
    }
    return number;
}

/* Without its fraction; the lowest value where int32 does not hold it. */
static inline int32_t tinyq_cast_whole(float real)
{
    return real >= -2147483648.0f && real < 2147483648.0f ? (int32_t)real : INT32_MIN;
}

/* A narrower type takes the low bytes, which come first. */
static inline void tinyq_cast_store(int32_t type, int8_t *output, int32_t i, int32_t whole)
{
    if (type == TINYQ_CAST_INT32 || type == TINYQ_CAST_FLOAT32) {
        memcpy(__builtin_assume_aligned(output + 4 * i, 4), &whole, 4);
    } else if (type == TINYQ_CAST_INT16) {
        memcpy(__builtin_assume_aligned(output + 2 * i, 2), &whole, 2);
    } else {
        memcpy(output + i, &whole, 1);
    }
}

/*
 * CAST, elementwise and in order, each number before its place is written: the output may lie where the input does if
 * its type is not wider, else behind it.
 */
TINYQ_KERNEL void tinyq_portable_cast(const tinyq_cast_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t i = 0; i < p->size; ++i) {
        const tinyq_cast_number number = tinyq_cast_load(p->source, input, i);
        const int real = p->source == TINYQ_CAST_FLOAT32;
        int32_t whole = number.whole;
        if (p->target == TINYQ_CAST_FLOAT32) {
            const float value = real ? number.real : (float)number.whole;
            memcpy(&whole, &value, sizeof whole);
        } else if (p->target == TINYQ_CAST_BOOL) {
            whole = real ? number.real != 0.0f : number.whole != 0;
        } else if (real) {
            whole = tinyq_cast_whole(number.real);
        }
        tinyq_cast_store(p->target, output, i, whole);
    }
}

#endif
