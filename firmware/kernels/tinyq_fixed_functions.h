/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_FIXED_FUNCTIONS_H
#define TINYQ_FIXED_FUNCTIONS_H
/*
 * Reciprocal, inverse square root and logarithm in fixed point, bit for bit as TFLite's reference
 * kernels compute them (tensorflow/lite/kernels/internal/common.h and the gemmlowp library).
 */
#include "tinyq_fixed_point.h"

/* Leading zeros of a non-zero value; a loop, because Armv6-M has no CLZ and a row needs it once. */
static inline int32_t tinyq_count_leading_zeros(uint32_t value)
{
    int32_t count = 0;
    for (; (value & 0x80000000u) == 0; value <<= 1) {
        ++count;
    }
    return count;
}

/* 1 / (1 + x) for x in [0, 1), both Q0.31, by three Newton-Raphson steps in Q2.29. */
static inline int32_t tinyq_reciprocal_of_one_plus(int32_t x)
{
    const int32_t half_denominator = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
    const int32_t slope = tinyq_doubling_high_multiply(half_denominator, -1010580540 /* -32/17 */);
    int32_t estimate = tinyq_wrapping_add(1515870810 /* 48/17 */, slope);
    for (int step = 0; step < 3; ++step) {
        const int32_t product = tinyq_doubling_high_multiply(half_denominator, estimate);
        const int32_t error = ((int32_t)1 << 29) - product;
        const int32_t change = tinyq_doubling_high_multiply(estimate, error); /* Q4.27 */
        estimate = tinyq_wrapping_add(estimate, tinyq_clamp(change, -(1 << 29), (1 << 29) - 1) * 4);
    }
    return estimate > INT32_MAX / 2 ? INT32_MAX : estimate * 2;
}

/* x * 2^exponent, saturated; exponent in 0..30. */
static inline int32_t tinyq_saturating_shift_left(int32_t x, int32_t exponent)
{
    const int32_t most = INT32_MAX >> exponent;
    return x > most ? INT32_MAX : (x < -most ? INT32_MIN : (int32_t)((uint32_t)x << exponent));
}

/* A factor mantissa / 2^31 * 2^shift. */
typedef struct {
    int32_t mantissa, shift;
} tinyq_factor;

/* 1 / sqrt(x) for x >= 0, of which 0 counts as 1: five Newton-Raphson steps in Q3.28 from 1. */
static inline tinyq_factor tinyq_inverse_sqrt(int32_t x)
{
    tinyq_factor result = {INT32_MAX, 0};
    if (x <= 1) {
        return result;
    }
    int32_t right = 11;
    while (x >= (int32_t)1 << 29) {
        x /= 4;
        ++right;
    }
    const int32_t pairs = (tinyq_count_leading_zeros((uint32_t)x) - 1) / 2 - 1;
    right -= pairs;
    const int32_t half = tinyq_rounding_shift_right((int32_t)((uint32_t)x << (2 * pairs)) >> 1, 1);
    int32_t root = (int32_t)1 << 28;
    for (int step = 0; step < 5; ++step) {
        const int32_t square = tinyq_doubling_high_multiply(root, root); /* Q6.25 */
        const int32_t cube = /* Q3.28 */
            tinyq_saturating_shift_left(tinyq_doubling_high_multiply(square, root), 6);
        const int32_t change = tinyq_doubling_high_multiply((int32_t)3 << 27, root) -
                               tinyq_doubling_high_multiply(half, cube); /* Q6.25 */
        root = tinyq_saturating_shift_left(change, 3);
    }
    result.mantissa = tinyq_doubling_high_multiply(root, 1518500250 /* sqrt(1/2) */);
    result.shift = -right;
    if (right < 0) {
        result.mantissa = (int32_t)((uint32_t)result.mantissa << -right);
        result.shift = 0;
    }
    return result;
}

/*
 * ln(x) for x >= 1 in Q12.19, as Q5.26: x = r * 2^n with n in steps of a half and r around 2^-1/4,
 * of the two ways that come into question the one with the smaller r; of that a rational function.
 */
static inline int32_t tinyq_log(int32_t x)
{
    const int32_t sqrt_half = 1518500250, quarter_root_half = 1805811301; /* Q0.31 */
    const int32_t quarter = (int32_t)1 << 23;                             /* Q6.25 */
    const int32_t zeros = tinyq_count_leading_zeros((uint32_t)x);
    const int32_t r_a = tinyq_saturating_shift_left(
        tinyq_doubling_high_multiply((int32_t)((uint32_t)x << (zeros - 1)), sqrt_half), 1);
    const int32_t power_a = (12 - zeros) * ((int32_t)1 << 25) + quarter;
    const int32_t smaller = tinyq_doubling_high_multiply(x, sqrt_half);
    const int32_t headroom = tinyq_count_leading_zeros((uint32_t)smaller) - 1;
    const int32_t r_b = tinyq_saturating_shift_left(x, headroom);
    const int32_t power_b = (12 - headroom) * ((int32_t)1 << 25) - quarter;
    const int32_t r = r_a < r_b ? r_a : r_b;
    const int32_t power = power_a > power_b ? power_a : power_b;

    const int32_t middle = (int32_t)(((int64_t)r + quarter_root_half + 1) / 2);
    const int32_t q = 2 * (r - quarter_root_half);
    const int32_t square = tinyq_doubling_high_multiply(q, q);
    const int32_t cube = tinyq_doubling_high_multiply(q, square);
    const int32_t numerator = tinyq_doubling_high_multiply(q, r) +
                              tinyq_doubling_high_multiply(cube, 117049297 /* 11/240 * 2^1/4 */);
    const int32_t slope = 1057819769 /* 2 * 2^-1/4 - 2^1/4 */ + q +
                          tinyq_doubling_high_multiply(127690142 /* 1/20 * 2^1/4 */, square);
    const int32_t less_one = tinyq_doubling_high_multiply(middle, slope) +
                             tinyq_doubling_high_multiply(638450708 /* 1/4 * 2^1/4 */, q);
    const int32_t whole = tinyq_doubling_high_multiply(power, 1488522236 /* ln 2 */);
    const int32_t part = tinyq_doubling_high_multiply(tinyq_rounding_shift_right(numerator, 6),
                                                      tinyq_reciprocal_of_one_plus(less_one));
    return tinyq_saturating_shift_left(whole + part, 1);
}

#endif
