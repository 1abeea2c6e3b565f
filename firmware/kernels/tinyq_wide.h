/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_WIDE_H
#define TINYQ_WIDE_H
/*
 * Sums of int16 times int8: TFLite keeps 64 bits of them and requantises by a multiplier of 15 bits with one rounding,
 * or with int32 biases 32 bits, which wrap, and requantises as for int8.
 */
#include "tinyq_fixed_point.h"

/* x * multiplier / 2^31 * 2^shift, halves up; |x| below 2^47, shift in -31..7. */
static inline int32_t tinyq_requantize_wide(int64_t x, int32_t multiplier, int32_t shift)
{
    const int32_t reduced = multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
    const int32_t right = 15 - shift;
    return (int32_t)((x * reduced + ((int64_t)1 << (right - 1))) >> right);
}

static inline int16_t tinyq_wide_result(int64_t sum, int32_t multiplier, int32_t shift, int32_t low, int32_t high)
{
    return (int16_t)tinyq_clamp(tinyq_requantize_wide(sum, multiplier, shift), low, high);
}

/* The same of a sum in 32 bits. */
static inline int16_t tinyq_narrow_result(int64_t sum, int32_t multiplier, int32_t shift, int32_t low, int32_t high)
{
    return (int16_t)tinyq_clamp(tinyq_requantize((int32_t)(uint32_t)(uint64_t)sum, multiplier, shift), low, high);
}

#endif
