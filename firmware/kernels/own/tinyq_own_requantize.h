/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_REQUANTIZE_H
#define TINYQ_OWN_REQUANTIZE_H
/*
 * An accumulator to int8, as TFLite's two roundings and saturation do it. The packer has proven for every value that
 * the channel's accumulator can have that the chosen kind gives the same result; see kernels/own/requantize.py.
 */
#include "../tinyq_fixed_point.h"

#if defined(__ARM_FEATURE_SAT)
#include <arm_acle.h>
#endif

enum {
    TINYQ_OWN_GENERIC,     /* multiplier and shift as in TFLite, offset is the output's zero point */
    TINYQ_OWN_SIGNED,      /* |acc| < 2^30, shift to the right > 0, rounding and zero point in the offset */
    TINYQ_OWN_RISING_EACH, /* no sign correction, a shift per channel */
    TINYQ_OWN_RISING       /* no sign correction, one shift for all channels */
};

/* Words per channel in a table of bias, multiplier, offset and, but for RISING, shift. */
#define TINYQ_OWN_CHANNEL_WORDS(kind) ((kind) == TINYQ_OWN_RISING ? 3 : 4)

/*
 * The high word of a * b + rounding * 2^16, for b >= 0 and rounding 0 or 32768, from products of 16-bit halves: for cores
 * whose multiplier gives only the low word.
 */
static inline int32_t tinyq_multiply_high_by_halves(int32_t a, int32_t b, uint32_t rounding)
{
    const int32_t a_high = a >> 16, b_high = b >> 16;
    const uint32_t a_low = (uint32_t)a & 0xFFFF, b_low = (uint32_t)b & 0xFFFF;
    /* Below 2^31 in size, as a_high * b_low is at most 32767 * 65535 and what is added at most 65534. */
    const int32_t middle = a_high * (int32_t)b_low + (int32_t)(a_low * b_low >> 16);
    const uint32_t low = a_low * (uint32_t)b_high + ((uint32_t)middle & 0xFFFF) + rounding;
    return a_high * b_high + (middle >> 16) + (int32_t)(low >> 16);
}

#if defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
#define TINYQ_BY_HALVES 1
#else
#define TINYQ_BY_HALVES 0
#endif

/* The high word of a * b, plus c; b >= 0. */
static inline int32_t tinyq_multiply_high_add(int32_t a, int32_t b, int32_t c)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t sum;
    __asm("smmla %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(c));
    return sum;
#else
    return (TINYQ_BY_HALVES ? tinyq_multiply_high_by_halves(a, b, 0) : (int32_t)(((int64_t)a * b) >> 32)) + c;
#endif
}

/* The high word of a * b rounded, halves up, plus c; b >= 0. */
static inline int32_t tinyq_multiply_high_round_add(int32_t a, int32_t b, int32_t c)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t sum;
    __asm("smmlar %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(c));
    return sum;
#else
    return c + (TINYQ_BY_HALVES ? tinyq_multiply_high_by_halves(a, b, 1u << 15)
                                : (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32));
#endif
}

/*
 * x >> shift, saturated to int8: one SSAT where the shift is a constant. Left to recognise the clamp, gcc compares and
 * moves instead when it has hoisted -128 into a register.
 */
static inline int32_t tinyq_shift_saturate(int32_t x, int32_t shift)
{
#if defined(__ARM_FEATURE_SAT)
    return __ssat(x >> shift, 8);
#else
    return tinyq_clamp(x >> shift, -128, 127);
#endif
}

/* `kind` must be a constant where speed counts. The activation's clamp follows where it is narrower than int8. */
static inline __attribute__((always_inline)) int32_t tinyq_own_requantize(int32_t kind, int32_t acc, int32_t multiplier,
                                                                          int32_t offset, int32_t shift)
{
    if (kind == TINYQ_OWN_RISING || kind == TINYQ_OWN_RISING_EACH) {
        return tinyq_shift_saturate(tinyq_multiply_high_add(acc, multiplier, offset), shift);
    }
    if (kind == TINYQ_OWN_SIGNED) {
        const int32_t scaled = tinyq_multiply_high_round_add((int32_t)((uint32_t)acc << 1), multiplier, offset);
        return tinyq_shift_saturate(scaled + (acc >> 31), shift);
    }
    return tinyq_clamp(tinyq_wrapping_add(tinyq_requantize(acc, multiplier, shift), offset), -128, 127);
}

/* The activation's clamp; nothing where it is all of int8. */
static inline int32_t tinyq_own_activate(int32_t value, int32_t low, int32_t high)
{
    if (low > -128 && value < low) {
        value = low;
    }
    return high < 127 && value > high ? high : value;
}

#endif
