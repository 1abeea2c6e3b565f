/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_MUL_H
#define TINYQ_OWN_PLAIN_MUL_H

#include <string.h>

#include "../tinyq_own_mul_params.h"
#include "../tinyq_own_requantize.h"
#include "tinyq_elements.h"

#if TINYQ_BY_HALVES
/*
 * The same as tinyq_own_requantize in two products, for an even multiplier and products of at most
 * 16 bits and a sign.
 */
static inline __attribute__((always_inline)) int32_t
tinyq_own_mul_requantize(const tinyq_own_mul_params *p, int32_t product)
{
    const int32_t low = p->multiplier >> 1 & 0x7FFF;
    /* product * multiplier >> 16 */
    const int32_t scaled = product * (p->multiplier >> 16) + (product * low >> 15);
    if (p->kind == TINYQ_OWN_SIGNED) {
        const int32_t rounded = ((scaled + (1 << 14)) >> 15) + (product >> 31);
        return tinyq_shift_saturate(rounded + p->offset, p->shift);
    }
    return tinyq_shift_saturate((scaled >> 16) + p->offset, p->shift);
}
#endif

static inline __attribute__((always_inline)) int8_t
tinyq_own_mul_value(const tinyq_own_mul_params *p, int32_t product)
{
    int32_t value;
#if TINYQ_BY_HALVES
    if (p->even) {
        value = tinyq_own_mul_requantize(p, product);
    } else
#endif
    {
        value = tinyq_own_requantize(p->kind, product, p->multiplier, p->offset, p->shift);
    }
    return (int8_t)tinyq_own_activate(value, p->activation_min, p->activation_max);
}

#if defined(__ARM_FEATURE_DSP)
/*
 * Four int8 less a zero point as int16: the even ones and the odd ones. `zeros` holds the zero
 * point's negative twice.
 */
static inline __attribute__((always_inline)) void
tinyq_own_mul_load(const int8_t *from, int32_t zeros, int32_t *even, int32_t *odd)
{
    uint32_t word;
    memcpy(&word, from, sizeof word);
    __asm("sxtab16 %0, %1, %2" : "=r"(*even) : "r"(zeros), "r"(word));
    __asm("sxtab16 %0, %1, %2, ror #8" : "=r"(*odd) : "r"(zeros), "r"(word));
}

static inline __attribute__((always_inline)) int32_t tinyq_own_mul_zeros(int32_t zero)
{
    return (int32_t)((uint32_t)-zero << 16 | ((uint32_t)-zero & 0xFFFF));
}

/* Four results; all inputs are read before the first is written. */
static inline __attribute__((always_inline)) void
tinyq_own_mul_4(const tinyq_own_mul_params *p, const int8_t *input1, const int8_t *input2,
                int8_t *output)
{
    int32_t even1, odd1, even2, odd2;
    tinyq_own_mul_load(input1, tinyq_own_mul_zeros(p->zero1), &even1, &odd1);
    tinyq_own_mul_load(input2, tinyq_own_mul_zeros(p->zero2), &even2, &odd2);
    output[0] = tinyq_own_mul_value(p, __smlabb(even1, even2, p->start));
    output[1] = tinyq_own_mul_value(p, __smlabb(odd1, odd2, p->start));
    output[2] = tinyq_own_mul_value(p, __smlatt(even1, even2, p->start));
    output[3] = tinyq_own_mul_value(p, __smlatt(odd1, odd2, p->start));
}
#endif

/* `size` elements side by side. */
static inline __attribute__((always_inline)) void
tinyq_own_mul_run(const tinyq_own_mul_params *p, int32_t size, const int8_t *input1,
                  const int8_t *input2, int8_t *output)
{
    int32_t left = size;
    TINYQ_UNROLL_SOME
    for (; left >= TINYQ_GROUP; left -= TINYQ_GROUP) {
#if defined(__ARM_FEATURE_DSP)
        tinyq_own_mul_4(p, input1, input2, output);
#else
        int32_t products[TINYQ_GROUP];
        TINYQ_EACH_OF_GROUP(i) {
            products[i] = (input1[i] - p->zero1) * (input2[i] - p->zero2) + p->start;
        }
        TINYQ_EACH_OF_GROUP(i) {
            output[i] = tinyq_own_mul_value(p, products[i]);
        }
#endif
        input1 += TINYQ_GROUP;
        input2 += TINYQ_GROUP;
        output += TINYQ_GROUP;
    }
    for (; left > 0; --left) {
        const int32_t product = (*input1++ - p->zero1) * (*input2++ - p->zero2);
        *output++ = tinyq_own_mul_value(p, product + p->start);
    }
}

/*
 * MUL, int8, elementwise over `size`. An element is read before it is written: output may be either
 * input.
 */
TINYQ_KERNEL void tinyq_own_plain_mul(const tinyq_own_mul_params *p, const int8_t *input1,
                                      const int8_t *input2, int8_t *output)
{
    tinyq_own_mul_run(p, p->size, input1, input2, output);
}

#endif
